"""What three dead units cost the 29 others on their line.

`dead_units_ratio`: readings per second of 29 units on a line of RTU over TCP behind which three more are configured and
dead, over those of the same units on a line without the three. Both lines are busy: a unit takes 40 ms, which is what
its reaction and a few dozen bytes at 9 600 baud take, so that 29 units need more than the interval of 1 s. Time-out
(1 s), quiet time (0.3 s) and back-off (1 s to 2 minutes) are the defaults, in real time. Measured from when the dead
ones were found to be dead; `dead_units_ratio_from_start` counts the time in which they were found too, in which each of
them costs two time-outs. Three pairs of lines run side by side; the medians of the ratios count. The units are ours,
simulated in a process of their own; the lines are polled in this one.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import tomli_w
import uvloop

from benchmarks.figures import Figure
from collector.drivers.modbus.settings import ModbusMeter, ModbusRtuOverTcpLine
from collector.planning.learned_file import LearnedFile
from collector.process.lines import line_poller
from collector.profiles.library import shipped
from collector.settings import MeterBackoffSettings
from deploy.stack import Endpoints
from energy.clocks import DataClock
from energy.logs import configure_logs
from energy.readings import Reading

UNITS, DEAD = 32, (5, 16, 27)
PROFILE, LATENCY_S, INTERVAL_S = "eastron_sdm630", 0.04, 1.0
PAIRS, FOUND_S, SECONDS = 3, 20.0, 90.0
_READY_S = 30.0


def measure(_: Endpoints, directory: Path) -> list[Figure]:
    """All pairs at once: they sleep most of the time."""
    configure_logs(level=logging.ERROR)  # that dead units are dead is no news
    ports = _free_ports(2 * PAIRS)
    with _simulated(directory / "dead_units.toml", ports), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        counts = runner.run(_polled(ports, directory))
    return _figures([(counts[at], counts[at + 1]) for at in range(0, len(counts), 2)])


class Count:
    """A keeper that counts what lines bring, and keeps nothing.

    Attributes:
        early: readings until the dead ones were found.
        late: readings after that.
    """

    def __init__(self) -> None:
        self.early = self.late = 0
        self.is_late = False

    def put(self, readings: Sequence[Reading]) -> None:
        """Count."""
        if self.is_late:
            self.late += len(readings)
        else:
            self.early += len(readings)

    def flush(self) -> None:
        """Nothing waits."""

    async def room(self) -> None:
        """There always is."""


def _figures(pairs: Sequence[tuple[Count, Count]]) -> list[Figure]:
    late = [with_dead.late / without.late for with_dead, without in pairs]
    whole = [(with_dead.early + with_dead.late) / (without.early + without.late) for with_dead, without in pairs]
    rate = statistics.median(without.late for _, without in pairs) / SECONDS
    about = {"units": UNITS, "dead": len(DEAD), "pairs": PAIRS, "seconds": SECONDS, "found after": FOUND_S}
    return [
        Figure("dead_units_ratio", statistics.median(late), "1", {**about, "all": _rounded(late)}),
        Figure("dead_units_ratio_from_start", statistics.median(whole), "1", {**about, "all": _rounded(whole)}),
        Figure("line_without_dead_units_per_second", rate, "1/s", about),
    ]


def _rounded(ratios: Sequence[float]) -> list[float]:
    return [round(ratio, 3) for ratio in ratios]


async def _polled(ports: Sequence[int], directory: Path) -> list[Count]:
    """The counts of all lines; those at even places have the dead units."""
    counts = [Count() for _ in ports]
    async with _polling(ports, counts, directory):
        await asyncio.sleep(FOUND_S)
        for count in counts:
            count.is_late = True
        await asyncio.sleep(SECONDS)
    return counts


@asynccontextmanager
async def _polling(ports: Sequence[int], counts: Sequence[Count], directory: Path) -> AsyncIterator[None]:
    stopping, learned = asyncio.Event(), LearnedFile(directory / "learned.json")
    async with asyncio.TaskGroup() as group:
        for at, (port, count) in enumerate(zip(ports, counts, strict=True)):
            units = [unit for unit in range(1, UNITS + 1) if unit not in DEAD or at % 2 == 0]
            meters = tuple(ModbusMeter(unit_id=unit, profile=PROFILE, point=f"{at}-{unit}") for unit in units)
            line = ModbusRtuOverTcpLine(host="127.0.0.1", port=port, interval_s=INTERVAL_S, meters=meters)
            poller = line_poller(
                "bench", line, shipped(), count, DataClock(), learned=learned, backoff=MeterBackoffSettings()
            )
            group.create_task(poller.run(stopping))
        yield
        stopping.set()


@contextmanager
def _simulated(config: Path, ports: Sequence[int]) -> Iterator[None]:
    """The units that are not dead, on as many lines; one that nobody has is silent on a serial line."""
    units = [unit for unit in range(1, UNITS + 1) if unit not in DEAD]
    meters = [{"unit_id": unit, "profile": PROFILE, "latency_s": LATENCY_S} for unit in units]
    lines = [{"name": f"line-{port}", "transport": "rtu-over-tcp", "port": port, "meters": meters} for port in ports]
    config.write_text(tomli_w.dumps({"lines": lines}), encoding="utf-8")
    with config.with_suffix(".log").open("wb") as log:
        command = [str(Path(sys.executable).with_name("quotawatt")), "simulate", "meters", str(config)]
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - our own command
        try:
            for port in ports:
                _wait_for(port)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
