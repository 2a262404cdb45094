"""A collector that runs from a file, which a test changes meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from structlog.testing import capture_logs
from structlog.typing import EventDict

from collector.checks import load_settings
from collector.process.service import run
from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from tests.support.counting_meters import PROFILE, CountingMeters
from tests.support.eventually import eventually
from tests.support.modbus_peer import Peer, modbus_peer
from tests.support.uplink_world import BrokerPlatform, broker_platform, new_address

HEAD = """
spool_dir = "{spool_dir}"
[[platforms]]
kind = "mqtt"
host = "{mqtt.host}"
port = {mqtt.port}
[uplink]
reconnect = {{ first_s = 0.05, most_s = 0.2 }}
resend = {{ first_s = 0.2, most_s = 0.5 }}
drain_s = 0.5
"""
GATEWAY = """
[[gateways]]
code = "{address.gateway}"
region = "{address.region}"
"""
LINE = """
[[gateways.lines]]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}
interval_s = {interval_s}
meters = [{{ point = "{point}", unit_id = 1, profile = "{profile}" }}]
"""


class World:
    """A running collector, its file, two lines and two platforms.

    Attributes:
        peers, given: the meters' ends of two lines, and what they answered.
        address, other: of two gateways; the file names both, or one.
        lines: what was logged.
    """

    def __init__(
        self,
        path: Path,
        mqtt: MqttSettings,
        peers: tuple[Peer, Peer],
        given: tuple[CountingMeters, CountingMeters],
        platforms: list[BrokerPlatform],
    ) -> None:
        self.path, self.file = path, path / "collector.toml"
        self.peers, self.given = peers, given
        self.platform, self.other_platform = platforms
        self.address, self.other = (platform.address for platform in platforms)
        self.lines: list[EventDict] = []
        self._mqtt = mqtt

    def text(self, *, intervals: tuple[float, ...] = (0.1, 0.1), other: bool = False, spool_dir: str = "spool") -> str:
        """The file: the first gateway with a line for each interval, and perhaps the other with the last line."""
        text = HEAD.format(mqtt=self._mqtt, spool_dir=spool_dir) + GATEWAY.format(address=self.address)
        text += "".join(self.line(number, interval) for number, interval in enumerate(intervals))
        if other:
            text += GATEWAY.format(address=self.other) + self.line(1, 0.1)
        return text

    def line(self, number: int, interval_s: float) -> str:
        """The table of a line."""
        port = self.peers[number].port
        return LINE.format(port=port, interval_s=interval_s, point=f"P-{number}", profile=PROFILE)

    async def write(self, text: str) -> None:
        """Write the file as an editor does: whole, under another name first."""
        new = self.path / "collector.toml.new"
        await asyncio.to_thread(new.write_text, text, encoding="utf-8")
        new.replace(self.file)

    async def take_over(self, text: str, event: str = "reloaded") -> EventDict:
        """Write the file and say so by a signal; what the log said then."""
        before = len(self.logged(event))
        await self.write(text)
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(lambda: len(self.logged(event)) > before)
        return self.logged(event)[-1]

    def logged(self, event: str) -> list[EventDict]:
        """What was logged of that name."""
        return [line for line in self.lines if line["event"] == event]

    def spool(self, address: Address, directory: str = "spool") -> Path:
        """A gateway's spool."""
        return self.path / directory / f"{address.gateway}.sqlite3"

    async def polled(self, number: int, times: int = 5) -> None:
        """Wait until a line was asked so many times more."""
        requests = self.peers[number].requests
        await eventually(partial(longer, requests, len(requests) + times))


def longer(requests: list[bytes], count: int) -> bool:
    """Whether there are so many."""
    return len(requests) >= count


@asynccontextmanager
async def running(path: Path, mqtt: MqttSettings, **first: bool | tuple[float, ...]) -> AsyncIterator[World]:
    """A collector that runs from a file; stopped in order at the end."""
    given, stop = (CountingMeters(), CountingMeters()), asyncio.Event()
    addresses = sorted((new_address(), new_address()))
    async with (
        modbus_peer(given[0].tcp) as one,
        modbus_peer(given[1].tcp) as two,
        broker_platform(addresses[0], mqtt) as platform,
        broker_platform(addresses[1], mqtt) as other,
    ):
        world = World(path, mqtt, (one, two), given, [platform, other])
        await world.write(world.text(**first))  # type: ignore[arg-type]  # passed on as they came
        with capture_logs() as world.lines:
            async with asyncio.TaskGroup() as group:
                group.create_task(run(load_settings(world.file), file=world.file, stop=stop))
                try:
                    await eventually(lambda: platform.bodies)
                    await eventually(lambda: has_service(world, "reload"))
                    yield world
                finally:
                    stop.set()


def has_service(world: World, name: str) -> bool:
    """Whether a service is ready."""
    return any(line["service"] == name for line in world.logged("service_ready"))
