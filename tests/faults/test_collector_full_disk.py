"""The disk refuses for a while beneath a running collector: memory bridges it, and what it cannot hold is counted."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from tests.support.collector_ledger import books, stored_readings
from tests.support.counting_meters import PROFILE, CountingMeters
from tests.support.eventually import eventually
from tests.support.modbus_peer import modbus_peer
from tests.support.source_tree import ROOT
from tests.support.uplink_world import BrokerPlatform, broker_platform, new_address

METERS = 10
FULL = 1
"""Bytes that a file may have while the disk is full: no page can be written."""

CONFIG = """
spool_dir = "spool"
[health]
port = 0
[[platforms]]
kind = "mqtt"
host = "{mqtt.host}"
port = {mqtt.port}
[[gateways]]
code = "{address.gateway}"
region = "{address.region}"
[[gateways.lines]]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}
interval_s = 0.1
"""
METER = """
[[gateways.lines.meters]]
point = "P-{unit}"
unit_id = {unit}
profile = "{profile}"
"""


class Victim:
    """A collector as a process of its own, whose disk can be filled.

    Attributes:
        lines: what it logged.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.lines: list[dict[str, Any]] = []
        self._process = process

    def fill_disk(self) -> None:
        """Let no file grow."""
        _, hard = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (FULL, hard))

    def empty_disk(self) -> None:
        """Let files grow again."""
        _, hard = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (hard, hard))

    def logged(self, event: str) -> list[dict[str, Any]]:
        """What it logged of that name."""
        return [line for line in self.lines if line.get("event") == event]

    @property
    def lost(self) -> int:
        """Readings that it said were lost."""
        return sum(int(line["count"]) for line in self.logged("readings_unspooled"))

    async def counted(self, name: str) -> int:
        """What it counted, over all labels, as its endpoint tells."""
        (port,) = {line["port"] for line in self.lines if "port" in line}
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            families = text_string_to_metric_families(await answer.text())
            return round(sum(sample.value for family in families for sample in family.samples if sample.name == name))

    async def listen(self) -> None:
        """Take what it logs until it ends; a pipe never is too long."""
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.lines.append(json.loads(line))

    async def stop(self) -> int:
        """Stop it in order; the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self._process.wait(), 20)


@asynccontextmanager
async def victim(config: Path, most_readings: int) -> AsyncIterator[Victim]:
    """A collector that runs until the end of the block at most."""
    command = ("-m", "tests.support.collector_victim", str(config), str(most_readings))
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stderr=PIPE)
    made = Victim(process)
    try:
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(made.listen())
            yield made
            await listening
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class World:
    """Meters, a collector whose disk can be filled, and a platform.

    Attributes:
        spool: its spool's file.
    """

    def __init__(self, given: CountingMeters, platform: BrokerPlatform, collector: Victim, spool: Path) -> None:
        self.given, self.platform, self.collector, self.spool = given, platform, collector, spool

    def has_given(self, count: int) -> bool:
        """Whether the meters answered so many reads."""
        return len(self.given.answered) >= count

    def has_stored(self, values: set[float]) -> bool:
        """Whether the platform has readings of all these values."""
        return values <= {one.value for one in stored_readings(self.platform.bodies)}


@asynccontextmanager
async def world(path: Path, mqtt: MqttSettings, most_readings: int) -> AsyncIterator[World]:
    """A collector that has sent something."""
    address, given = new_address(), CountingMeters()
    config = path / "collector.toml"
    async with modbus_peer(given.tcp) as peer, broker_platform(address, mqtt) as platform:
        await asyncio.to_thread(config.write_text, text_for(mqtt, address, peer.port), encoding="utf-8")
        async with victim(config, most_readings) as collector:
            await eventually(lambda: platform.bodies, within=20)
            yield World(given, platform, collector, path / "spool" / f"{address.gateway}.sqlite3")


def text_for(mqtt: MqttSettings, address: Address, port: int) -> str:
    """The collector's file."""
    meters = (METER.format(unit=unit, profile=PROFILE) for unit in range(1, METERS + 1))
    return CONFIG.format(mqtt=mqtt, address=address, port=port) + "".join(meters)


async def fill_for(made: World, answers: int) -> int:
    """Fill the disk while the meters answer so many reads, then go on until all that is in memory is stored.

    Returns how many readings were counted as lost.
    """
    made.collector.fill_disk()
    await eventually(lambda: made.collector.logged("spool_lost"))
    await eventually(partial(made.has_given, len(made.given.answered) + answers), within=20)
    made.collector.empty_disk()
    await eventually(lambda: made.collector.logged("spool_back"))
    await eventually(partial(made.has_stored, set(made.given.answered[-1:])))
    counted = await made.collector.counted("quotawatt_collector_unspooled_readings_total")
    assert await made.collector.stop() == 0
    return counted


async def test_memory_bridges_a_full_disk(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Polls go on, the outage is told once, and everything that was read meanwhile arrives."""
    async with world(tmp_path, mqtt, most_readings=20_000) as made:
        assert await fill_for(made, 20 * METERS) == 0
    check = books(made.platform.address.gateway, made.spool, made.platform.bodies, read=len(made.given.answered))
    assert check.difference == 0
    assert check.stored == check.read
    assert made.collector.lost == 0
    assert len(made.collector.logged("spool_lost")) == 1


async def test_what_memory_cannot_hold_is_counted(tmp_path: Path, mqtt: MqttSettings) -> None:
    """The oldest are lost, each is in the log, and what was still in memory arrives."""
    most = 5 * METERS
    async with world(tmp_path, mqtt, most_readings=most) as made:
        counted = await fill_for(made, 30 * METERS)
    stored = stored_readings(made.platform.bodies)
    assert len({one.value for one in stored}) == len(stored)
    assert made.given.unknown(stored) == []
    assert made.collector.lost == counted
    assert made.collector.lost >= 30 * METERS - 2 * most
    assert len(made.given.answered) == len(stored) + made.collector.lost
    missing = set(made.given.answered) - {one.value for one in stored}
    assert max(missing) - min(missing) + 1 == len(missing)  # the oldest of the outage, without a hole
