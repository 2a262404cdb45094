"""A gateway whose data time a test moves on by hand, so that weeks of polls take seconds: polls, spool and uplink."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from collector.drivers.line import Answer, Exchange, Outcome
from collector.polling.meter import Meter
from collector.polling.poller import LinePoller
from collector.polling.turns import Slot
from collector.spool.file import SpoolFile
from collector.spool.keeper import Keeper
from collector.spool.settings import SpoolSettings
from collector.spool.spool import Spool
from collector.uplink.settings import UplinkSettings
from collector.uplink.uplink import Uplink
from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.readings import Reading
from energy.transport.mqtt import MqttSettings
from tests.support.collector_ledger import Books, books
from tests.support.tcp_proxy import TcpProxy, tcp_proxy
from tests.support.uplink_world import QUICK, BrokerPlatform, broker_platform, new_address, platform_of

START = 1_772_294_400.0
"""2026-03-01T00:00+08:00, Unix time."""
METERS = 2
ROUNDS_A_COMMIT = 30
"""Rounds of polls that go to disk together: a visit for each of thousands would take most of a test's time."""


class Register:
    """One point, as a request and as its meaning: a register that goes on with every read."""

    def __init__(self, point: str) -> None:
        self.request = point
        self.points = (point,)
        self.exchanges: Sequence[Exchange] = (self,)
        self.refused: Sequence[str] = ()
        self.reads = 0

    def take(self, answer: Answer) -> Outcome:
        """A reading."""
        self.reads += 1
        return Outcome([Reading(self.request, answer.at, float(self.reads))], [])

    def replace(self, refused: Exchange) -> Sequence[Exchange]:
        """Nothing is refused."""
        raise AssertionError(refused)

    def answered(self, exchange: Exchange) -> None:
        """Learn nothing of it."""


class LineInTime:
    """A line whose answers take some milliseconds of data time and next to no real time."""

    connected = True
    discarded = 0

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._chance = random.Random(3)  # noqa: S311 - a seed, so that a failure can be repeated

    async def ask(self, _unit: int, _request: str) -> Answer:
        """Answer."""
        self._plant.wall += self._chance.uniform(0.001, 0.020)
        return Answer(b"", self._plant.clock.now_ms())

    def close(self) -> None:
        """Nothing is open."""


class Plant:
    """A gateway with a line of meters; made by `plant`.

    Attributes:
        wall: the machine's clock, Unix time in seconds.
        clock: data time.
        spool: what was read and is not confirmed.
        file: where it is.
        platform: the other end.
        proxy: what stands between them.
    """

    def __init__(self, interval_s: float) -> None:
        self.wall = START + 1
        self.clock = DataClock(wall=lambda: self.wall)
        self.interval_s = interval_s
        self.registers = [Register(f"P-{number}") for number in range(METERS)]
        self.spool: Spool
        self.file: Path
        self.platform: BrokerPlatform
        self.proxy: TcpProxy
        self._keeper: Keeper
        self._poller: LinePoller
        self._round_is_over = asyncio.Event()
        self._rounds = 0

    def begin(self, keeper: Keeper, gateway: str) -> None:
        """Prepare the polls."""
        self._keeper = keeper
        meters = [
            Meter(
                gateway,
                register.request,
                number,
                register,
                Slot(number, round(self.interval_s * 1000), 0, Backoff(1, 1)),
            )
            for number, register in enumerate(self.registers)
        ]
        line = LineInTime(self)
        self._poller = LinePoller(gateway, line, meters, self, self.clock, time_out_s=1, line_backoff=Backoff(1, 1))

    def put(self, readings: Sequence[Reading]) -> None:
        """Hand readings on."""
        self._keeper.put(readings)

    def flush(self) -> None:
        """Nobody's turn is left: nobody shall sleep until the next tick, which a test brings about."""
        self._round_is_over.set()

    async def room(self) -> None:
        """Wait for the disk."""
        await self._keeper.room()

    async def poll_for(self, seconds: float) -> None:
        """Let data time go on, from tick to tick."""
        end = self.wall + seconds
        while self.wall < end:
            self.wall = min(end, (self.wall // self.interval_s + 1) * self.interval_s)
            await self.round()

    async def round(self) -> None:
        """Poll whoever is due."""
        self._round_is_over.clear()
        while not self._round_is_over.is_set():
            await self._poller.step(self._round_is_over)
        self._rounds += 1
        if self._rounds % ROUNDS_A_COMMIT == 0:
            await self._keeper.keep([])

    async def settle(self) -> None:
        """Wait until all that was read is on the disk."""
        await self._keeper.keep([])

    @property
    def read(self) -> int:
        """How many readings the meters gave."""
        return sum(register.reads for register in self.registers)

    def books(self) -> Books:
        """What became of them."""
        return books(self.spool.gateway, self.file, self.platform.bodies, read=self.read)


@asynccontextmanager
async def plant(
    path: Path, mqtt: MqttSettings, spool_settings: SpoolSettings, *, interval_s: float
) -> AsyncIterator[Plant]:
    """A gateway at a broker, behind a line that can be cut."""
    made = Plant(interval_s)
    address = new_address()
    made.file = path / "spool.sqlite3"
    settings = UplinkSettings(reconnect=QUICK, backlog_per_s=100_000, window=200, drain_s=0)
    classes = spool_settings.policy == "thin"
    with ThreadPoolExecutor(1) as thread:
        made.spool = Spool(address.gateway, SpoolFile(made.file, spool_settings, classes=classes), made.clock, thread)
        await made.spool.open()
        keeper, stopping = Keeper(made.spool, spool_settings.readings_per_envelope), asyncio.Event()
        made.begin(keeper, address.gateway)
        try:
            async with (
                tcp_proxy(mqtt.host, mqtt.port) as made.proxy,
                broker_platform(address, mqtt) as made.platform,
                asyncio.TaskGroup() as group,
            ):
                group.create_task(keeper.run(stopping))
                through = msgspec.structs.replace(platform_of(mqtt), host=made.proxy.host, port=made.proxy.port)
                uplink = Uplink(address, (through,), settings, made.spool, made.clock)
                group.create_task(uplink.run(stopping))
                try:
                    yield made
                finally:
                    stopping.set()
        finally:
            await made.spool.close()
