"""The collector as it ships, a process of its own, between a server of meters and a real broker; and what it costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.plant import GATEWAY, REGION
from deploy.stack import Endpoints
from energy.transport.mqtt import Link, MqttSettings, connect
from energy.wire import Acknowledgement, Address, decode_envelope, encode

MEGABYTE = 1_000_000
_ADDRESS = Address(REGION, GATEWAY)


class Arrival(NamedTuple):
    """A reading that the broker handed over.

    Attributes:
        point: its point.
        at: its time stamp, ms UTC.
        lag: real milliseconds from that time stamp until the broker handed it over; one machine has one clock.
    """

    point: str
    at: int
    lag: float


class Platform:
    """Takes what the gateway sends, and confirms it at once.

    Attributes:
        arrivals: all readings, those that came twice too.
    """

    def __init__(self, link: Link) -> None:
        self.arrivals: list[Arrival] = []
        self._link = link

    async def serve(self) -> None:
        """Take and confirm until cancelled."""
        async for message in self._link.messages:
            now = time.time() * 1000
            envelope = decode_envelope(message.payload)
            self.arrivals += [Arrival(reading.point, reading.at, now - reading.at) for reading in envelope.readings]
            body = encode(Acknowledgement(1, envelope.stream, [envelope.seq], []))
            await self._link.publish(_ADDRESS.ack, body)


@asynccontextmanager
async def platform(endpoints: Endpoints) -> AsyncIterator[Platform]:
    """A platform for the gateway of a `Plant`, on the broker."""
    broker = MqttSettings(host=endpoints.mqtt_host, port=endpoints.mqtt_port)
    async with connect(broker, client_id="bench-platform") as link:
        await link.subscribe(_ADDRESS.up)
        taking = Platform(link)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(taking.serve())
            yield taking
            serving.cancel()


@contextmanager
def running(config: Path, python: Path = Path(sys.executable)) -> Iterator[psutil.Process]:
    """`quotawatt collector run` on a file, of the environment of that interpreter; stopped in order at the end."""
    with config.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen([python.with_name("quotawatt"), "collector", "run", config], stderr=log)  # noqa: S603 - our own command
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)
    if process.returncode:
        raise SystemExit(
            f"the collector ended with {process.returncode}: see {config.with_suffix('.log').read_text()[-2000:]}"
        )


class Cost(NamedTuple):
    """What a process takes.

    Attributes:
        resident: megabytes of memory.
        share: of one core.
    """

    resident: float
    share: float


async def cost_of(process: psutil.Process, seconds: float) -> Cost:
    """What a process takes during so many real seconds, memory at their end."""
    before, begin = process.cpu_times(), time.perf_counter()
    await asyncio.sleep(seconds)
    after = process.cpu_times()
    processor = after.user + after.system - before.user - before.system
    return Cost(process.memory_info().rss / MEGABYTE, processor / (time.perf_counter() - begin))
