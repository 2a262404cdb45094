"""The process of simulated meters: from a TOML file to answers on its ports."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
import structlog
from pymodbus.client import AsyncModbusTcpClient

from deploy.stack import ports
from energy.errors import SetupError, TransportError
from energy.services import run_services
from simulators.loads.catalogue import LoadSettings
from simulators.service import MeterService
from simulators.settings import LineSettings, MeterSettings, SimulatorSettings
from tests.support.eventually import eventually

CONFIG = """
start = 2026-03-01T00:00:00+08:00
utc_offset_s = 28800
clock = {{ origin = 2026-03-01T00:00:00+08:00, real_origin = {origin}, scale = 4320.0 }}
health = {{ port = {health} }}

[[lines]]
name = "gw-test"
port = {port}

[[lines.meters]]
unit_id = 7
profile = "schneider_iem3155"
carrier = "electricity"
start = 1000.0
load = {{ shape = "uk-electricity-a", mean_per_hour = 3600.0, weeks = [0, 1, 2, 3], spread = 6 }}
"""


def settings(port: int, *, within_s: float = 10.0) -> SimulatorSettings:
    """One line with one meter."""
    load = LoadSettings(shape="uk-electricity-a", mean_per_hour=100.0)
    meter = MeterSettings(unit_id=1, profile="acrel_dtsd1352", carrier="electricity", load=load, ct=40, pt=100)
    line = LineSettings(name="gw-1", port=port, meters=(meter,))
    return SimulatorSettings(lines=(line,), start=datetime(2026, 3, 1, tzinfo=UTC), port_within_s=within_s)


@contextlib.asynccontextmanager
async def process(config: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`quotawatt simulate meters CONFIG`, ended with SIGTERM."""
    arguments = ("-m", "deploy.cli", "simulate", "meters", str(config))
    started = await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=asyncio.subprocess.PIPE)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
        await started.communicate()


async def until_ready(health: int) -> None:
    """Wait until the process says that it is ready."""

    async def ready() -> bool:
        with contextlib.suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{health}/readyz") as answer:
                return answer.status == 200
        return False

    await eventually(ready, within=30)


async def test_the_process_serves_counts_and_stops(tmp_path: Path) -> None:
    """It becomes ready, its register stands at its start and then rises with data time, and SIGTERM ends it with 0."""
    port, health = ports.passing(2, os.getpid())
    origin = datetime.now(UTC).timestamp() + 3600
    config = tmp_path / "meters.toml"
    config.write_text(CONFIG.format(port=port, health=health, origin=origin), encoding="utf-8")
    async with process(config) as running:
        await until_ready(health)
        assert await counter(port) == 1_000_000
    assert running.returncode == 0
    config.write_text(CONFIG.format(port=port, health=health, origin=origin - 7200), encoding="utf-8")
    async with process(config):
        await until_ready(health)
        assert await counter(port) > 1_000_000


async def counter(port: int) -> int:
    """The meter's register, Wh."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port, retries=0, timeout=5)
    assert await client.connect()
    answer = await client.read_holding_registers(3203, count=4, device_id=7)
    client.close()
    return int.from_bytes(b"".join(word.to_bytes(2, "big") for word in answer.registers), "big")


async def test_a_port_in_use_is_tried_again_until_it_is_free() -> None:
    """Another process holds the port at first; when it lets go, the meters are served."""
    stop = asyncio.Event()
    with socket.socket() as holder, structlog.testing.capture_logs() as logs:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        service = MeterService(settings(holder.getsockname()[1]))
        with pytest.raises(TransportError, match="not listening: gw-1"):
            await service.check()
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(run_services([service], grace=2, stop=stop))
            await eventually(lambda: [log for log in logs if log["event"] == "port_in_use"])
            holder.close()
            await eventually(lambda: service.servers["gw-1"].listening)
            await service.check()
            stop.set()


async def test_a_port_that_stays_in_use_ends_with_advice() -> None:
    """After the time given there is one clear message and what to do."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        service = MeterService(settings(holder.getsockname()[1], within_s=0))
        with pytest.raises(SetupError, match="cannot be listened on") as caught:
            await run_services([service], grace=2)
    assert "another" in caught.value.advice


async def test_an_address_of_another_machine_is_refused_at_once() -> None:
    """A host that is not ours cannot be waited for."""
    line = settings(0).lines[0]
    elsewhere = LineSettings(name=line.name, host="no-such-host.invalid", port=0, meters=line.meters)
    service = MeterService(SimulatorSettings(lines=(elsewhere,), start=datetime(2026, 3, 1, tzinfo=UTC)))
    with pytest.raises(SetupError, match="cannot be listened on"):
        await run_services([service], grace=2)


def test_two_meters_at_one_unit_id_are_refused() -> None:
    """The second would never be asked."""
    meter = settings(0).lines[0].meters[0]
    with pytest.raises(ValueError, match="two meters at unit id 1 of gw-1"):
        LineSettings(name="gw-1", port=0, meters=(meter, meter))
