"""A listener in a Sparkplug B network: a consumer that asks for births, and commands nothing else."""

from __future__ import annotations

import asyncio

from collector.drivers.mqtt import metrics
from collector.drivers.mqtt.intake import Intake
from collector.drivers.mqtt.session import Keep, Name, Session
from collector.drivers.sparkplug.mapping import MetricMapping
from collector.drivers.sparkplug.settings import SparkplugListenerSettings
from energy.clocks import DataClock
from energy.errors import MessageError
from energy.readings import Reading
from energy.sparkplug.commands import rebirth
from energy.sparkplug.edge_nodes import NODE, EdgeNode, Heard
from energy.sparkplug.payload import Payload, decode, encode
from energy.sparkplug.topics import Kind, NodeId, parse_topic
from energy.transport.mqtt import Message

_KIND = "sparkplug"


class SparkplugListener:
    """Takes readings from the edge nodes at one plant's broker.

    Args:
        gateway: whose points they are.
        settings: broker and metrics; raises RejectedError where they cannot work (`checks.faults` names each).
        keep: takes readings and returns when they are on disk; only then their message is acknowledged.
        clock: data time.
    """

    def __init__(self, gateway: str, settings: SparkplugListenerSettings, keep: Keep, clock: DataClock) -> None:
        self._gateway = gateway
        self._settings = settings
        self._keep = keep
        self._clock = clock
        self._mapping = MetricMapping(settings)

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until told to stop; what has come by then is kept.

        Raises:
            FatalError: readings cannot be kept any more.
        """
        now = asyncio.get_running_loop().time()
        intake = Intake(self._gateway, _KIND, self._settings, self._mapping.expected, now)
        # A consumer starts with a clean session: births tell the state, a death that was kept would not.
        name = Name(self._gateway, _KIND, session_expiry_s=0)
        nodes = {node: EdgeNode(first_s=self._settings.rebirth_interval_s) for node in self._mapping.nodes}
        reader = _Network(self._gateway, self._mapping, nodes, intake, self._clock)
        await Session(name, self._settings, reader, self._keep, self._clock).run(stopping)


class _Network:
    """Makes readings of the messages of edge nodes."""

    def __init__(
        self, gateway: str, mapping: MetricMapping, nodes: dict[NodeId, EdgeNode], intake: Intake, clock: DataClock
    ) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._intake = intake
        self._clock = clock
        self._nodes = nodes

    @property
    def subscriptions(self) -> list[tuple[str, int]]:
        """All that the edge nodes of the mapping and their devices say."""
        return [(node.filter, 1) for node in self._nodes]

    def connected(self, now: float) -> None:  # noqa: ARG002 - a part of the contract
        """Births are not kept by the broker: all of them are asked for."""
        for node in self._nodes.values():
            node.reconnected()

    def take(self, message: Message, arrived_ms: int, now: float) -> list[Reading]:
        """The readings in a message."""
        source = parse_topic(message.topic)
        node = self._nodes.get(source.node) if source else None
        if source is None or node is None:
            return []  # a command, our own among them
        try:
            heard = node.take(source.kind, source.device, _payload(message), now)
        except MessageError as error:
            heard = Heard([], [error], [])
        readings = self._intake.take(self._mapping.take(source.node, heard), arrived_ms, now)
        for device in heard.dead:
            self._died(source.node, device, source.kind)
        return readings

    def tick(self, now: float) -> None:
        """See who is silent."""
        self._intake.tick(now)

    def requests(self, now: float) -> list[tuple[str, bytes]]:
        """Requests for births that are due."""
        due = [name for name, node in self._nodes.items() if node.wants_birth and node.rebirth_due(now)]
        for _ in due:
            metrics.rebirth_asked(self._gateway)
        return [(name.command, encode(rebirth(self._clock.now_ms()))) for name in due]

    def close(self) -> None:
        """Forget who is silent."""
        self._intake.close()

    def _died(self, node: NodeId, device: str, kind: Kind) -> None:
        what = f"{kind} of {node}" if device == NODE else f"{kind} of {node}/{device}"
        self._intake.died(list(self._mapping.points(node, device)), what)


def _payload(message: Message) -> Payload:
    if message.retain:
        raise MessageError("retained", "births and data are not for keeping: this one may be of any age")
    return decode(message.payload)
