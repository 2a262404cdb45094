"""What the collector adds to the reading of registers: the whole of it beside pymodbus alone.

`collector_over_pymodbus`: requests per second of the collector (plan, poll loop, frames, decoding, keeper, spool on
disk with every commit synchronised, an uplink whose platform takes and confirms everything at once) over those of bare
pymodbus that reads the very same blocks, 40 registers that are 20 values of 32 bits, and decodes nothing. Each side
runs in a process of its own, with one event loop (uvloop), over 50 connections to the same server in C, which answers
at once. Closed loop: pymodbus asks as soon as it is answered; the collector's lines have more meters than they can ask
within the interval, so that the next one is always due. The rounds alternate, and the medians count.

`collector_microseconds_per_reading` is what an ARM box feels: processor time of the whole process, the spool's thread
included, for each reading. `collector_over_pymodbus_processor` compares that time, which other work on the machine
disturbs less than it does the rates; the spool's thread can work on another core.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from pymodbus.client import AsyncModbusTcpClient

from benchmarks.figures import Figure
from benchmarks.libmodbus import build_server, serving
from benchmarks.plant import Plant
from collector.checks import load_settings
from collector.drivers.modbus.settings import ModbusTcpLine
from collector.planning.learned_file import LearnedFile
from collector.process.gateways import expected
from collector.process.lines import line_poller
from collector.profiles.library import Library
from collector.settings import CollectorSettings
from collector.spool.file import SpoolFile
from collector.spool.keeper import Keeper
from collector.spool.spool import Spool
from collector.uplink.channel import Heard
from collector.uplink.outgoing import Outgoing
from collector.uplink.serving import Patience, Serving
from deploy.stack import Endpoints
from energy.clocks import DataClock
from energy.logs import configure_logs
from energy.readings import Reading
from energy.wire import Acknowledgement, Kind, encode

PLANT = Plant(values=20, type="f32", lines=50, units=20, line={"interval_s": 0.1})
CLOCK = {"origin": datetime(2026, 3, 1, tzinfo=UTC), "real_origin": 1_790_000_000.0, "scale": 4.0}
"""20 meters at the shortest interval, four times as fast: a line has to answer 800 times a second to be idle."""
WINDOW, MOST_UNSENT = 256, 1_000
"""Envelopes on the way and in the spool: the default window is for platforms that are less quick to confirm."""
WARM_S, MEASURED_S, ROUNDS = 2.0, 8.0, 5
_NUMBER = re.compile(rb'"seq":(\d+)')


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run both sides and compare."""
    place = directory / "collector_over_pymodbus"
    taken: dict[str, list[dict[str, float]]] = {"collector": [], "pymodbus": []}
    with serving(build_server(directory), PLANT.contents()) as port:
        for number in range(ROUNDS):
            file = PLANT.config(place / str(number), port, endpoints, uplink={"window": WINDOW}, clock=CLOCK)
            for side, found in taken.items():
                found.append(_in_a_process(side, file))
    return _figures(taken)


def _in_a_process(side: str, file: Path) -> dict[str, float]:
    """What a side measured of itself."""
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "benchmarks.collector_over_pymodbus", side, file],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{side}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _figures(taken: dict[str, list[dict[str, float]]]) -> list[Figure]:
    about = {"connections": PLANT.lines, "registers": PLANT.registers, "values": PLANT.values, "rounds": ROUNDS}
    ours, bare = ([one["requests"] for one in taken[side]] for side in ("collector", "pymodbus"))
    costs = {side: statistics.median(one["microseconds"] for one in found) for side, found in taken.items()}
    ratio = statistics.median(ours) / statistics.median(bare)
    return [
        Figure("collector_over_pymodbus", ratio, "1", about),
        Figure("collector_over_pymodbus_processor", costs["pymodbus"] / costs["collector"], "1", about),
        Figure("collector_requests_per_second", statistics.median(ours), "1/s", {**about, "all": _whole(ours)}),
        Figure("pymodbus_requests_per_second", statistics.median(bare), "1/s", {**about, "all": _whole(bare)}),
        Figure("collector_microseconds_per_reading", costs["collector"], "µs", about),
        Figure("pymodbus_microseconds_per_value", costs["pymodbus"], "µs", about),
    ]


def _whole(rates: list[float]) -> list[int]:
    return [round(rate) for rate in rates]


async def _pymodbus(settings: CollectorSettings) -> dict[str, float]:
    """Bare pymodbus: the same block of each unit in turn, on every connection."""
    count, stopping = 0, False

    async def read(client: AsyncModbusTcpClient) -> None:
        nonlocal count
        unit = 0
        while not stopping:
            unit = unit % PLANT.units + 1
            answer = await client.read_holding_registers(0, count=PLANT.registers, device_id=unit)
            if answer.isError() or len(answer.registers) != PLANT.registers:
                raise SystemExit(str(answer))
            count += 1

    lines = [line for line in settings.gateways[0].lines if isinstance(line, ModbusTcpLine)]
    clients = [AsyncModbusTcpClient(line.host, port=line.port) for line in lines]
    for client in clients:
        await client.connect()
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(read(client))
        found = await _measured(lambda: count * PLANT.values)
        stopping = True
    for client in clients:
        client.close()
    return found


async def _collector(settings: CollectorSettings) -> dict[str, float]:
    """The collector with its parts as `collector.process.gateways` joins them, but for the platform."""
    (gateway,) = settings.gateways
    clock, library = DataClock(settings.clock), Library(settings.profile_dirs)
    settings.spool_dir.mkdir()
    learned = LearnedFile(settings.spool_dir / "learned.json")
    stopping = asyncio.Event()
    with ThreadPoolExecutor(1) as thread:
        file = SpoolFile(settings.spool_dir / "bench.sqlite3", settings.spool)
        spool = Spool(gateway.code, file, clock, thread, expected=expected(gateway))
        await spool.open()
        keeper = _Counter(spool, settings.spool.readings_per_envelope)
        platform = _Platform(spool)
        uplink = Serving(
            platform,
            Outgoing(spool, settings.uplink, clock),
            settings.uplink,
            Patience(None, stopping.is_set, _nothing),
        )
        backoff = settings.meter_backoff
        pollers = [
            line_poller(gateway.code, line, library, keeper, clock, learned=learned, backoff=backoff)
            for line in gateway.lines
        ]
        await uplink.begin()
        async with asyncio.TaskGroup() as group:
            for part in (uplink.run(), keeper.run(stopping), *(poller.run(stopping) for poller in pollers)):
                group.create_task(part)
            found = await _measured(lambda: keeper.count)
            stopping.set()
            spool.changed.set()
        await spool.close()
    return found


class _Counter(Keeper):
    """The collector's keeper, which counts, and has no room while the platform is behind: what is read is also sent."""

    count = 0

    def __init__(self, spool: Spool, enough: int) -> None:
        super().__init__(spool, enough)
        self._sending = spool

    def put(self, readings: Sequence[Reading]) -> None:
        self.count += len(readings)
        super().put(readings)

    async def room(self) -> None:
        while self._sending.unconfirmed > MOST_UNSENT:  # noqa: ASYNC110 - the event that tells is the uplink's own
            await asyncio.sleep(0.001)
        await super().room()


class _Platform:
    """A platform that takes everything and confirms it at once."""

    places = 1000
    patience = 10.0

    def __init__(self, spool: Spool) -> None:
        self._stream = spool.stream
        self._taken: list[int] = []
        self._something = asyncio.Event()
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._done.set_result(None)

    def send(self, body: bytes) -> asyncio.Future[None]:
        number = _NUMBER.search(body)
        if number is None:
            raise SystemExit(f"no number in {body[:100]!r}")
        self._taken.append(int(number[1]))
        self._something.set()
        return self._done

    async def tell(self, status: bytes) -> None:
        """Nobody reads it."""

    async def heard(self) -> AsyncIterator[Heard]:
        while True:
            await self._something.wait()
            self._something.clear()
            taken, self._taken = self._taken, []
            yield Heard(Kind.ACK, encode(Acknowledgement(1, self._stream, taken, [])))


def _nothing() -> None:
    """Confirmations are no news here."""


async def _measured(count: Callable[[], int]) -> dict[str, float]:
    """Rates from the end of the warming up on; `count` gives the values read until now."""
    await asyncio.sleep(WARM_S)
    values, processor, begin = count(), time.process_time(), time.perf_counter()
    await asyncio.sleep(MEASURED_S)
    values, processor, seconds = count() - values, time.process_time() - processor, time.perf_counter() - begin
    return {"requests": values / PLANT.values / seconds, "microseconds": processor / values * 1e6}


def main(side: str, file: str) -> None:
    """One side, in a process of its own; prints what it measured."""
    settings = load_settings(Path(file))
    with Path(file).with_suffix(".log").open("w", encoding="utf-8") as log:
        configure_logs(stream=log)
        run = _collector if side == "collector" else _pymodbus
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(run(settings))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
