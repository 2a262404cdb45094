"""A collector killed at random moments: what was spooled arrives, and nothing arrives with two values."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import uuid
from functools import partial
from itertools import count
from pathlib import Path

from collector.profiles import load_profile
from collector.spool.file import spooled_readings
from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from tests.support.eventually import eventually, never_within
from tests.support.modbus_peer import modbus_peer, reply
from tests.support.platform_peer import platform_peer

KILLS = 4

CONFIG = """
spool_dir = "spool"
[health]
[[platforms]]
kind = "mqtt"
host = "{mqtt.host}"
port = {mqtt.port}
[spool]
keep_confirmed = true
[uplink]
resend = {{ first_s = 0.2, most_s = 1 }}
[[gateways]]
code = "{address.gateway}"
region = "{address.region}"
[[gateways.lines]]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}
interval_s = 0.1
{meters}
"""
METER = """
[[gateways.lines.meters]]
point = "P-{unit}"
unit_id = {unit}
profile = "schneider_iem3155"
"""


async def start(config: Path, log: Path) -> asyncio.subprocess.Process:
    """The collector as a process of its own."""
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.cli", "collector", "run", str(config), stdout=out, stderr=out
        )


def has_ended(process: asyncio.subprocess.Process) -> bool:
    """Whether it is gone."""
    return process.returncode is not None


async def test_kills_at_random_moments_lose_nothing_that_was_spooled(tmp_path: Path, mqtt: MqttSettings) -> None:
    """After every kill it goes on in the same stream; at the end the platform has exactly what the disk has."""
    chance = random.Random(7)  # noqa: S311 - a seed, so that a failure can be repeated
    address = Address("610303", f"gw-{uuid.uuid4().hex[:8]}")
    register = load_profile("schneider_iem3155").counter_register
    values = count(1)
    config, log = tmp_path / "collector.toml", tmp_path / "collector.log"
    async with (
        modbus_peer(lambda request: reply(request, list(register.encode(next(values)).values()))) as peer,
        platform_peer(address, mqtt) as platform,
    ):
        meters = "".join(METER.format(unit=unit) for unit in range(1, 6))
        config.write_text(CONFIG.format(mqtt=mqtt, address=address, port=peer.port, meters=meters), encoding="utf-8")
        for _ in range(KILLS):
            process = await start(config, log)
            seen = len(platform.readings)
            await eventually(partial(platform.has_more_than, seen), within=20)
            await never_within(chance.uniform(0, 0.3), partial(has_ended, process))
            process.kill()
            await process.wait()
        process = await start(config, log)
        seen = len(platform.readings)
        await eventually(partial(platform.has_more_than, seen + 20), within=20)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0, log.read_text(encoding="utf-8")
    spooled = list(spooled_readings(tmp_path / "spool" / f"{address.gateway}.sqlite3"))
    assert len(spooled) == len(set(spooled)) > KILLS
    assert set(platform.readings) == set(spooled)
    assert len(platform.streams) == 1
