"""A listener for topics that are mapped to points."""

from __future__ import annotations

import asyncio

from collector.drivers.mqtt.intake import Intake
from collector.drivers.mqtt.mapping import TopicMapping
from collector.drivers.mqtt.session import Keep, Name, Session
from collector.drivers.mqtt.settings import MqttListenerSettings
from energy.clocks import DataClock
from energy.readings import Reading
from energy.transport.mqtt import Message

_KIND = "mqtt"


class MqttListener:
    """Takes readings from one plant's broker.

    Args:
        gateway: whose points they are.
        settings: broker and topics; raises RejectedError where they cannot work (`checks.faults` names each).
        keep: takes readings and returns when they are on disk; only then their message is acknowledged.
        clock: data time.
    """

    def __init__(self, gateway: str, settings: MqttListenerSettings, keep: Keep, clock: DataClock) -> None:
        self._gateway = gateway
        self._settings = settings
        self._keep = keep
        self._clock = clock
        self._mapping = TopicMapping(settings.topics, settings.stale_after_s)

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until told to stop; what has come by then is kept.

        Raises:
            FatalError: readings cannot be kept any more.
        """
        now = asyncio.get_running_loop().time()
        intake = Intake(self._gateway, _KIND, self._settings, self._mapping.expected, now)
        name = Name(self._gateway, _KIND, self._settings.session_expiry_s)
        reader = _Topics(self._mapping, intake)
        await Session(name, self._settings, reader, self._keep, self._clock).run(stopping)


class _Topics:
    """Makes readings of messages by the mapping."""

    def __init__(self, mapping: TopicMapping, intake: Intake) -> None:
        self._mapping = mapping
        self._intake = intake

    @property
    def subscriptions(self) -> list[tuple[str, int]]:
        """Those of the mapping."""
        return self._mapping.subscriptions

    def connected(self, now: float) -> None:
        """The broker keeps our session: there is nothing to ask for."""

    def take(self, message: Message, arrived_ms: int, now: float) -> list[Reading]:
        """The readings in a message."""
        taken = self._mapping.take(message.topic, message.payload, retained=message.retain, arrived_ms=arrived_ms)
        return self._intake.take(taken, arrived_ms, now)

    def tick(self, now: float) -> None:
        """See who is silent."""
        self._intake.tick(now)

    def requests(self, now: float) -> list[tuple[str, bytes]]:  # noqa: ARG002 - a part of the contract
        """Nothing: a plant's topics are only read."""
        return []

    def close(self) -> None:
        """Forget who is silent."""
        self._intake.close()
