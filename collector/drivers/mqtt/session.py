"""The connection of a listener to a plant's broker: made, kept, made again.

What it brings is on disk before it is acknowledged, so that nothing acknowledged is lost. Two loops run beside each
other, so that a slow disk delays no time of arrival: one takes messages and makes readings of them at once, the other
hands those over and acknowledges. The broker sends at most a window of unacknowledged messages, which bounds what waits
between the two.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

import structlog

from collector.drivers.mqtt import metrics
from collector.drivers.mqtt.settings import ListenerBase
from energy.backoff import Backoff
from energy.channel import Channel
from energy.clocks import DataClock
from energy.errors import PermissionRefusedError, SetupError, StorageError, TransportError
from energy.logs import Availability
from energy.metrics import unforeseen_error
from energy.readings import Reading
from energy.transport.mqtt import Link, Message, connect
from energy.waiting import first_of, set_within

_log = structlog.get_logger("collector")

Keep = Callable[[Sequence[Reading]], Awaitable[None]]
"""Returns when the readings are on disk."""

WINDOW = 500
"""Messages of QoS 1 that the broker may send before the first is acknowledged, and most of QoS 0 that wait."""
_TICK_S = 1.0
FIRST_DELAY_S, LONGEST_DELAY_S = 1.0, 60.0
_STEADY_S = 30.0
"""A connection that lasted as long was a good one: two clients of one name drive each other out ever more slowly."""


class Reader(Protocol):
    """What a listener makes of messages. All times named `now` are real monotonic seconds."""

    @property
    def subscriptions(self) -> list[tuple[str, int]]:
        """Filters with the quality of service to ask for."""

    def connected(self, now: float) -> None:
        """The connection is new: anything may have been missed."""

    def take(self, message: Message, arrived_ms: int, now: float) -> list[Reading]:
        """The readings in a message that arrived at data time `arrived_ms`, ms UTC."""

    def tick(self, now: float) -> None:
        """Called about every second."""

    def requests(self, now: float) -> list[tuple[str, bytes]]:
        """What is to be published now: topics with payloads."""

    def close(self) -> None:
        """The listener ends."""


class Name(NamedTuple):
    """How a listener presents itself to the broker.

    Attributes:
        gateway: whose listener it is, for logs and metrics.
        kind: "mqtt" or "sparkplug", likewise.
        session_expiry_s: how long the broker keeps what comes while we are away; 0 to start afresh each time.
    """

    gateway: str
    kind: str
    session_expiry_s: int

    @property
    def client_id(self) -> str:
        """The same at each start, since the broker knows our session by it."""
        return f"quotawatt-{self.gateway}-{self.kind}"


class _Received(NamedTuple):
    readings: list[Reading]
    link: Link
    message: Message


class Session:
    """One listener's connection.

    Args:
        name: how it presents itself.
        settings: the broker.
        reader: makes readings of messages.
        keep: takes readings; what it has returned for is acknowledged.
        clock: data time.
    """

    def __init__(self, name: Name, settings: ListenerBase, reader: Reader, keep: Keep, clock: DataClock) -> None:
        self._name = name
        self._settings = settings
        self._reader = reader
        self._keep = keep
        self._clock = clock
        self._broker = f"{settings.host}:{settings.port}"
        self._waiting: Channel[_Received] = Channel(2 * WINDOW)
        self._drained = asyncio.Event()
        self._link: Link | None = None
        self._health = Availability(_log, "plant_broker", gateway=name.gateway, broker=self._broker)
        self._rights = {
            topic: Availability(_log, "subscription", gateway=name.gateway, broker=self._broker, topic=topic)
            for topic, _ in reader.subscriptions
        }

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until told to stop; what has come by then is kept and acknowledged.

        Raises:
            FatalError: readings cannot be kept any more.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry())
                group.create_task(self._watch(stopping))
                try:
                    await self._stay_connected(stopping)
                finally:
                    self._waiting.close()
        finally:
            self._reader.close()

    async def _stay_connected(self, stopping: asyncio.Event) -> None:
        backoff = Backoff(FIRST_DELAY_S, LONGEST_DELAY_S)
        while not stopping.is_set():
            since = _now()
            try:
                async with self._connection() as link:
                    await self._serve(link, stopping)
            # Rights and files may be mended while we run; the other listeners must not end for it.
            except (TransportError, PermissionRefusedError, SetupError) as error:
                self._health.lost(error)
            finally:
                self._link = None
                metrics.connected(self._name.gateway, self._broker, is_up=False)
            if _now() - since > _STEADY_S:
                backoff.reset()
            await set_within(stopping, backoff.next())

    def _connection(self) -> Link:
        return connect(
            self._settings,
            client_id=self._name.client_id,
            protocol=5 if self._settings.protocol == "5" else 311,
            manual_ack=True,
            receive_maximum=WINDOW,
            clean_start=not self._name.session_expiry_s,
            session_expiry=self._name.session_expiry_s,
        )

    async def _serve(self, link: Link, stopping: asyncio.Event) -> None:
        for topic, qos in self._reader.subscriptions:
            await self._subscribe(link, topic, qos)
        self._health.back()
        metrics.connected(self._name.gateway, self._broker, is_up=True)
        self._link = link
        self._reader.connected(_now())
        self._ask()
        await first_of(self._receive(link), stopping.wait())
        self._waiting.close()
        await self._drained.wait()  # acknowledgements need the connection

    async def _subscribe(self, link: Link, topic: str, qos: int) -> None:
        try:
            await link.subscribe(topic, qos=1 if qos else 0)
        except PermissionRefusedError as error:
            self._rights[topic].lost(error)
        else:
            self._rights[topic].back()

    async def _receive(self, link: Link) -> None:
        discarded = 0
        async for message in link.messages:
            arrived_ms = self._clock.now_ms()
            if link.discarded > discarded:
                metrics.discarded(self._name.gateway, self._name.kind, link.discarded - discarded)
                discarded = link.discarded
            if not message.qos and len(self._waiting) >= WINDOW:
                metrics.discarded(self._name.gateway, self._name.kind)
                continue
            await self._waiting.put(_Received(self._readings(message, arrived_ms), link, message))
            self._ask()

    def _readings(self, message: Message, arrived_ms: int) -> list[Reading]:
        try:
            return self._reader.take(message, arrived_ms, _now())
        except Exception:  # noqa: BLE001 - the outer edge of the loop; counted, and one message does not stop the next
            unforeseen_error("listener")
            return []

    async def _carry(self) -> None:
        """Hand readings over and acknowledge, until the waiting ones are closed and drained."""
        async for first in self._waiting:
            batch = [first]
            while len(self._waiting):
                batch.append(await self._waiting.get())
            if await self._is_kept([reading for one in batch for reading in one.readings]):
                for one in batch:
                    one.link.acknowledge(one.message)
        self._drained.set()

    async def _is_kept(self, readings: list[Reading]) -> bool:
        """Whether readings are on disk; where it refuses for long they are handed over again, until the listener ends.

        What is not acknowledged then comes again, at the next start.
        """
        while readings:
            try:
                await self._keep(readings)
            except StorageError:
                if self._waiting.closed:
                    return False
            else:
                break
        return True

    async def _watch(self, stopping: asyncio.Event) -> None:
        while not await set_within(stopping, _TICK_S):
            try:
                self._reader.tick(_now())
                self._ask()
            except Exception:  # noqa: BLE001 - the outer edge of the loop; counted, and the next tick comes
                unforeseen_error("listener")

    def _ask(self) -> None:
        if self._link is None:
            return
        # A line that is lost is noticed by who reads it, and after it everything is asked anew.
        with contextlib.suppress(TransportError):
            for topic, payload in self._reader.requests(_now()):
                self._link.send(topic, payload, qos=0)


def _now() -> float:
    return asyncio.get_running_loop().time()
