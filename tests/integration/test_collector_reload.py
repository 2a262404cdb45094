"""A changed file is taken over by a running collector, and nothing that did not change feels it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from collector.checks import load_settings
from collector.process import reload
from collector.process.service import run
from collector.spool.file import spooled_readings
from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from tests.support.collector_ledger import stored_readings
from tests.support.counting_meters import PROFILE, CountingMeters
from tests.support.eventually import eventually, never_within
from tests.support.modbus_peer import Peer, modbus_peer
from tests.support.plant import metric
from tests.support.spool_world import opened
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


async def test_an_untouched_line_keeps_its_connection_and_its_pace(tmp_path: Path, mqtt: MqttSettings) -> None:
    """The other one, whose interval changed, is polled at the new one; no tick of the first is lost."""
    async with running(tmp_path, mqtt) as world:
        told = await world.take_over(world.text(intervals=(0.1, 0.2)))
        assert (told["stopped"], told["started"], told["at_next_start"]) == (1, 1, [])
        await world.polled(0, times=10)
        await world.polled(1)
        had = len(stored(world, "P-1"))
        await eventually(lambda: len(stored(world, "P-1")) >= had + 4)
        assert [peer.connections for peer in world.peers] == [1, 2]
        assert metric("collector_resting_reads_total", gateway=world.address.gateway) == 0
        ticks = [at // 100 for at in stored(world, "P-0")]
        skipped = metric("collector_skipped_polls_total", gateway=world.address.gateway)
        assert sum(after - before - 1 for before, after in pairwise(ticks)) <= skipped
    slow = [at // 100 for at in stored(world, "P-1")[-4:]]
    assert all((after - before) % 2 == 0 for before, after in pairwise(slow))


def stored(world: World, point: str) -> list[int]:
    """The times of a point's readings at the platform, in order of their envelopes."""
    return [one.at for one in stored_readings(world.platform.bodies) if one.point == point]


async def test_a_gateway_that_is_removed_ends_and_its_spool_stays(tmp_path: Path, mqtt: MqttSettings) -> None:
    """The platform is told goodbye; the rest goes on; brought back, it goes on in the same stream."""
    async with running(tmp_path, mqtt, intervals=(0.1,), other=True) as world:
        await eventually(lambda: world.other_platform.bodies)
        told = await world.take_over(world.text(intervals=(0.1,)))
        assert (told["stopped"], told["started"]) == (4, 0)
        await eventually(lambda: not world.other_platform.statuses[-1].online)
        await world.polled(0)
        assert world.peers[0].connections == 1
        asked = len(world.peers[1].requests)
        with opened(world.spool(world.other)) as file:  # nobody has it open
            stream, last = file.state().stream, file.state().last_seq
        told = await world.take_over(world.text(intervals=(0.1,), other=True))
        assert (told["stopped"], told["started"]) == (0, 4)
        await eventually(lambda: max(world.other_platform.bodies) > last)
        assert {status.stream for status in world.other_platform.statuses if status.stream} == {stream}
        assert len(world.peers[1].requests) > asked
    assert list(spooled_readings(world.spool(world.other))) == []


async def test_what_a_removed_gateway_read_at_last_is_in_its_spool(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Its meters stop first, and its spool last, however long a platform that confirms nothing is waited for."""
    async with running(tmp_path, mqtt, intervals=(0.1,), other=True) as world:
        world.other_platform.confirming = False
        await world.polled(1)
        await world.take_over(world.text(intervals=(0.1,)))
        kept = {reading.value for reading in spooled_readings(world.spool(world.other))}
        taken = {reading.value for reading in stored_readings(world.other_platform.bodies)}
        assert set(world.given[1].answered) == kept | taken
        assert kept


async def test_a_change_of_the_file_alone_is_noticed(
    tmp_path: Path, mqtt: MqttSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a signal, when it stood still from one look to the next."""
    monkeypatch.setattr(reload, "LOOK_S", 0.05)
    async with running(tmp_path, mqtt, intervals=(0.1,)) as world:
        assert not world.peers[1].requests
        await world.write(world.text())
        await eventually(lambda: world.peers[1].requests)
        assert len(world.logged("reloaded")) == 1
        world.file.unlink()
        await never_within(0.3, lambda: world.logged("reload_refused"))
        await world.write(world.text(intervals=(0.1,)))
        await eventually(lambda: len(world.logged("reloaded")) == 2)


async def test_a_file_with_faults_changes_nothing(tmp_path: Path, mqtt: MqttSettings) -> None:
    """All of them are logged, each with its line; so is a file that is not there."""
    async with running(tmp_path, mqtt) as world:
        bad = (
            world.text(intervals=(0.1, 0.0))
            .replace('point = "P-0"', 'piont = "P-0"')
            .replace("unit_id = 1", "unit_id = 999")
        )
        told = await world.take_over(bad, "reload_refused")
        faults = "\n".join(told["faults"])
        assert "piont" in faults
        assert "interval_s" in faults
        assert faults.count("unit_id") == 2
        assert all(f"{world.file}:" in fault for fault in told["faults"])
        await world.polled(0)
        await world.polled(1)
        world.file.unlink()
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(lambda: len(world.logged("reload_refused")) == 2)
        await world.polled(0)
        assert [peer.connections for peer in world.peers] == [1, 1]
        assert not world.logged("reloaded")


async def test_a_spool_that_another_process_uses_keeps_the_rest_running(tmp_path: Path, mqtt: MqttSettings) -> None:
    """It is told once what is wrong, and the next signal tries again."""
    async with running(tmp_path, mqtt, intervals=(0.1,)) as world:
        with opened(world.spool(world.other)):
            told = await world.take_over(world.text(intervals=(0.1,), other=True))
            assert (told["stopped"], told["started"]) == (0, 0)
            reasons = [str(line["error"]) for line in world.logged("part_not_started")]
            assert "held by another process" in reasons[0]
            await world.polled(0)
            assert not world.peers[1].requests
        told = await world.take_over(world.text(intervals=(0.1,), other=True))
        assert (told["stopped"], told["started"]) == (0, 4)
        await eventually(lambda: world.other_platform.bodies)
        assert world.peers[0].connections == 1


async def test_another_directory_of_spools_is_made(tmp_path: Path, mqtt: MqttSettings) -> None:
    """What was in the old one was sent before; the new one begins a stream of its own."""
    async with running(tmp_path, mqtt, intervals=(0.1,)) as world:
        await world.take_over(world.text(intervals=(0.1,), spool_dir="elsewhere/spools"))
        assert not world.logged("part_not_started")
        await eventually(lambda: len({status.stream for status in world.platform.statuses if status.stream}) == 2)
        await world.polled(0)
    assert list(spooled_readings(world.spool(world.address))) == []
    assert world.spool(world.address, "elsewhere/spools").exists()


async def test_what_cannot_be_changed_is_named(tmp_path: Path, mqtt: MqttSettings) -> None:
    """It waits for the next start."""
    async with running(tmp_path, mqtt, intervals=(0.1,)) as world:
        told = await world.take_over("grace_s = 3\n" + world.text(intervals=(0.1,)))
        assert told["at_next_start"] == ["grace_s"]
        assert (told["stopped"], told["started"]) == (0, 0)


async def test_the_supervisor_hears_nothing_of_a_reload(
    tmp_path: Path, mqtt: MqttSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Type=notify`: ready once, and stopping at the end; a change in between is none of its business."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        async with running(tmp_path, mqtt) as world:
            await world.take_over(world.text(intervals=(0.1,)))
        assert [supervisor.recv(100) for _ in range(2)] == [b"READY=1", b"STOPPING=1"]
        with pytest.raises(BlockingIOError):
            supervisor.recv(100)
