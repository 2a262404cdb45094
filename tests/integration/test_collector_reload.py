"""A changed file is taken over by a running collector, and nothing that did not change feels it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import closing
from importlib import resources
from itertools import pairwise
from pathlib import Path

import pytest

from collector.process import reload
from collector.spool.file import spooled_readings
from energy.transport.mqtt import MqttSettings
from tests.support.collector_ledger import stored_readings
from tests.support.counting_meters import PROFILE
from tests.support.eventually import eventually, never_within
from tests.support.plant import metric
from tests.support.reload_world import World, running
from tests.support.spool_world import opened
from tests.support.tcp_proxy import tcp_proxy


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
        # The last of them may have been late.
        assert sum(after - before - 1 for before, after in pairwise(ticks)) <= skipped + 1
    slow = [at // 200 for at in stored(world, "P-1")[-4:]]
    assert len(set(slow)) == len(slow)


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


async def test_another_address_of_the_platform_exchanges_uplinks_alone(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Lines and spools do not feel it, and what comes goes over the new address."""
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy, running(tmp_path, mqtt) as world:
        moved = world.text().replace(f"port = {mqtt.port}", f"port = {proxy.port}")
        told = await world.take_over(moved)
        assert (told["stopped"], told["started"]) == (1, 1)
        await eventually(lambda: proxy.alive == 1)
        had = len(stored(world, "P-0"))
        await eventually(lambda: len(stored(world, "P-0")) > had + 3)
        assert [peer.connections for peer in world.peers] == [1, 1]
        assert len({status.stream for status in world.platform.statuses if status.stream}) == 1


async def test_a_changed_profile_exchanges_the_lines_that_use_it(tmp_path: Path, mqtt: MqttSettings) -> None:
    """On the signal, since the collector's file itself is the same; a comment in it changes nothing."""
    shipped = resources.files("collector.profiles") / "models" / f"{PROFILE}.toml"
    profile = tmp_path / "profiles" / "own.toml"
    profile.parent.mkdir()
    profile.write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    async with running(tmp_path, mqtt) as world:
        own = 'profile_dirs = ["profiles"]\n' + world.text().replace(PROFILE, "own", 1)
        told = await world.take_over(own)
        assert (told["stopped"], told["started"]) == (1, 1)
        await world.polled(0)
        await write(profile, "# a comment\n" + shipped.read_text(encoding="utf-8"))
        told = await world.take_over(own)
        assert (told["stopped"], told["started"]) == (0, 0)
        await write(profile, "max_words = 20\n" + shipped.read_text(encoding="utf-8"))
        told = await world.take_over(own)
        assert (told["stopped"], told["started"]) == (1, 1)
        await world.polled(0)
        assert [peer.connections for peer in world.peers] == [3, 1]


async def write(file: Path, text: str) -> None:
    """Write a file."""
    await asyncio.to_thread(file.write_text, text, encoding="utf-8")


async def test_a_spool_that_another_process_uses_keeps_the_rest_running(tmp_path: Path, mqtt: MqttSettings) -> None:
    """It is told once what is wrong, and the next signal tries again."""
    async with running(tmp_path, mqtt, intervals=(0.1,)) as world:
        with opened(world.spool(world.other)):
            told = await world.take_over(world.text(intervals=(0.1,), other=True))
            assert (told["stopped"], told["started"]) == (0, 0)
            reasons = [str(line["error"]) for line in world.logged("part_not_started")]
            assert len(reasons) == 2
            assert "held by another process" in reasons[0]
            assert "its spool is not open" in reasons[1]
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
