"""A gateway box: the package with its base dependencies alone, in an environment of its own, polls a meter."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from tests.support.eventually import eventually
from tests.support.platform_peer import platform_peer
from tests.support.simulated import simulated

ROOT = Path(__file__).parents[2]
PLATFORM = ("asyncpg", "numpy", "alembic", "rich")

CONFIG = """
spool_dir = "spool"
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
interval_s = 0.2
[[gateways.lines.meters]]
unit_id = 1
profile = "eastron_sdm630"
point = "P-1"
"""


def install(directory: Path) -> Path:
    """An environment with the base dependencies at their locked versions; returns its folder of programs."""
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(directory)], check=True)
    programs = directory / "bin"
    locked = [*uv, "pip", "install", "--quiet", "--python", str(programs / "python")]
    subprocess.run([*locked, "--constraint", str(ROOT / "requirements.txt"), str(ROOT)], check=True)
    return programs


async def ended(*command: str) -> int | None:
    """The exit code of a command."""
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    return await process.wait()


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_the_collector_runs_with_the_base_dependencies_alone(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Installed from this checkout, it checks, plans and polls; nothing of the platform's libraries is there."""
    programs = install(tmp_path / "box")
    for library in PLATFORM:
        assert await ended(str(programs / "python"), "-c", f"import {library}") != 0, f"{library} is installed"
    address = Address("610303", f"gw-{uuid.uuid4().hex[:8]}")
    quotawatt, config = str(programs / "quotawatt"), tmp_path / "collector.toml"
    async with simulated("eastron_sdm630") as line, platform_peer(address, mqtt) as platform:
        config.write_text(CONFIG.format(mqtt=mqtt, address=address, port=line.port), encoding="utf-8")
        for command in ("check", "plan"):
            assert await ended(quotawatt, command, str(config)) == 0
        process = await asyncio.create_subprocess_exec(quotawatt, "collector", "run", str(config))
        await eventually(lambda: platform.points == {"P-1"}, within=30)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 0
