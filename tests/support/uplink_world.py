"""A spool with its uplink, and a platform behind a broker that answers as a test tells it."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from collector.spool.file import SpoolFile
from collector.spool.settings import SpoolSettings
from collector.spool.spool import Spool
from collector.uplink.settings import MqttPlatform, Platform, ReconnectSettings, ResendSettings, UplinkSettings
from collector.uplink.uplink import Uplink
from energy.clocks import DataClock
from energy.readings import Reading
from energy.transport.mqtt import Link, MqttSettings, connect
from energy.wire import Acknowledgement, Address, Refusal, RefusalCode, Status, decode_envelope, decode_status, encode

QUICK = ReconnectSettings(first_s=0.05, most_s=0.2)
SLOW = ResendSettings(first_s=600.0, most_s=600.0)


def platform_of(mqtt: MqttSettings) -> MqttPlatform:
    """The broker as a collector's file names it."""
    return MqttPlatform(**msgspec.structs.asdict(mqtt))


def new_address() -> Address:
    """A gateway that no other test has."""
    return Address("610303", f"gw-{uuid.uuid4().hex[:8]}")


class BrokerPlatform:
    """The other end: sees what comes up, and confirms when told.

    Attributes:
        address: the gateway's.
        link: its connection to the broker.
        bodies: what came, by number; a set, since a repeated one must be the same.
        order: numbers in the order of their first arrival.
        times: how often each number came.
        statuses: what was told.
        confirming: whether what comes is confirmed at once.
        unknown: points whose readings are refused when what comes is confirmed at once.
        skew_ms: how far the platform's clock is ahead; None for a platform that does not tell.
    """

    def __init__(self, address: Address, link: Link) -> None:
        self.address = address
        self.link = link
        self.bodies: dict[int, set[bytes]] = {}
        self.order: list[int] = []
        self.times: Counter[int] = Counter()
        self.statuses: list[Status] = []
        self.confirming = True
        self.unknown: set[str] = set()
        self.skew_ms: int | None = None

    async def serve(self) -> None:
        """Take what comes; confirm at once while `confirming`."""
        async for message in self.link.messages:
            if message.topic == self.address.status:
                self.statuses.append(decode_status(message.payload))
                continue
            envelope = decode_envelope(message.payload)
            if envelope.seq not in self.bodies:
                self.order.append(envelope.seq)
            self.bodies.setdefault(envelope.seq, set()).add(message.payload)
            self.times[envelope.seq] += 1
            if self.confirming:
                refused = (
                    Refusal(envelope.seq, index, RefusalCode.UNKNOWN_POINT, one.point)
                    for index, one in enumerate(envelope.readings)
                    if one.point in self.unknown
                )
                await self.confirm(envelope.stream, [envelope.seq], tuple(refused))

    def has_seen(self, numbers: set[int]) -> bool:
        """Whether exactly these envelopes came up."""
        return set(self.times) == numbers

    async def confirm(self, stream: str | None, numbers: list[int], refused: tuple[Refusal, ...] = ()) -> None:
        """Send an acknowledgement."""
        at = None if self.skew_ms is None else DataClock().now_ms() + self.skew_ms
        body = encode(Acknowledgement(1, stream, numbers, list(refused), at))
        await self.link.publish(self.address.ack, body)


@asynccontextmanager
async def broker_platform(address: Address, mqtt: MqttSettings) -> AsyncIterator[BrokerPlatform]:
    """A platform for one gateway on a broker."""
    async with connect(mqtt, client_id=f"platform-{address.gateway}") as link:
        await link.subscribe(address.up)
        await link.subscribe(address.status)
        platform = BrokerPlatform(address, link)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(platform.serve())
            yield platform
            serving.cancel()


@asynccontextmanager
async def open_spool(
    path: Path, gateway: str, settings: SpoolSettings | None = None, *, classes: bool = False, name: str = "spool"
) -> AsyncIterator[Spool]:
    """A spool in a file of its own; with classes where border readings are kept apart."""
    with ThreadPoolExecutor(1) as thread:
        file = SpoolFile(path / f"{name}.sqlite3", settings or SpoolSettings(), classes=classes)
        spool = Spool(gateway, file, DataClock(), thread)
        await spool.open()
        try:
            yield spool
        finally:
            await spool.close()


async def keep(spool: Spool, envelopes: int) -> None:
    """Spool so many envelopes of one reading."""
    for _ in range(envelopes):
        await spool.append([Reading("P-1", DataClock().now_ms(), 1.0)])


class Sending:
    """A spool with its running uplink; made by `sending`."""

    def __init__(self, spool: Spool, uplink: Uplink, task: asyncio.Task[None], stopping: asyncio.Event) -> None:
        self.spool, self.uplink = spool, uplink
        self._task, self._stopping = task, stopping

    async def keep(self, envelopes: int) -> None:
        """Spool so many envelopes of one reading."""
        await keep(self.spool, envelopes)

    async def stop(self) -> None:
        """Stop in order."""
        self._stopping.set()
        await asyncio.wait_for(asyncio.shield(self._task), 20)


@asynccontextmanager
async def sending(
    spool: Spool, address: Address, platforms: Sequence[Platform], settings: UplinkSettings
) -> AsyncIterator[Sending]:
    """An uplink that runs until the end of the block."""
    uplink = Uplink(address, platforms, settings, spool, DataClock())
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        made = Sending(spool, uplink, group.create_task(uplink.run(stopping)), stopping)
        yield made
        await made.stop()


class World:
    """A running uplink and a platform on a broker; made by `world`."""

    def __init__(self, sender: Sending, platform: BrokerPlatform) -> None:
        self.spool, self.uplink, self.platform = sender.spool, sender.uplink, platform
        self.keep, self.stop = sender.keep, sender.stop


@asynccontextmanager
async def world(  # noqa: PLR0913 - all but two have a default
    path: Path,
    mqtt: MqttSettings,
    settings: UplinkSettings,
    *,
    spool_settings: SpoolSettings | None = None,
    through: MqttSettings | None = None,
    before: int = 0,
) -> AsyncIterator[World]:
    """An uplink (connected `through` a proxy where given) and a platform on one broker; `before` are spooled first."""
    address = new_address()
    async with (
        open_spool(path, address.gateway, spool_settings) as spool,
        broker_platform(address, mqtt) as platform,
    ):
        await keep(spool, before)
        async with sending(spool, address, (platform_of(through or mqtt),), settings) as made:
            yield World(made, platform)
