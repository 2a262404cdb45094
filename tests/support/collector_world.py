"""A whole collector inside a test, with a clock that the test may set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from collector.drivers.modbus.settings import ModbusMeter, ModbusRtuOverTcpLine, ModbusTcpLine
from collector.process.gateways import Gateways
from collector.settings import CollectorSettings, GatewaySettings, LineSettings, MeterBackoffSettings
from collector.uplink.settings import Platform, ReconnectSettings, ResendSettings, UplinkSettings
from energy.clocks import DataClock
from energy.health import HealthSettings
from energy.services import run_services
from energy.wire import Address
from tests.support.counting_meters import PROFILE

QUICK = ReconnectSettings(first_s=0.05, most_s=0.2)
INTERVAL_S = 0.1


def meters(prefix: str, count: int) -> tuple[ModbusMeter, ...]:
    """Meters with the unit ids from 1."""
    return tuple(ModbusMeter(point=f"{prefix}-{unit}", unit_id=unit, profile=PROFILE) for unit in range(1, count + 1))


def tcp_line(port: int, *, count: int = 3, prefix: str = "T", interval_s: float = INTERVAL_S) -> ModbusTcpLine:
    """Meters at a port of this machine."""
    return ModbusTcpLine(host="127.0.0.1", port=port, interval_s=interval_s, meters=meters(prefix, count))


def converter_line(port: int, *, count: int = 3, prefix: str = "R") -> ModbusRtuOverTcpLine:
    """Meters behind a converter at a port of this machine."""
    return ModbusRtuOverTcpLine(
        host="127.0.0.1",
        port=port,
        interval_s=INTERVAL_S,
        time_out_s=0.5,
        baud_rate=115_200,
        meters=meters(prefix, count),
    )


def settings_for(
    path: Path,
    address: Address,
    lines: Sequence[LineSettings],
    platforms: Sequence[Platform],
    uplink: UplinkSettings | None = None,
) -> CollectorSettings:
    """A file with one gateway."""
    return CollectorSettings(
        gateways=(GatewaySettings(code=address.gateway, region=address.region, lines=tuple(lines)),),
        spool_dir=path,
        platforms=tuple(platforms),
        health=HealthSettings(port=None),
        uplink=uplink or UplinkSettings(reconnect=QUICK, resend=ResendSettings(first_s=0.5, most_s=1)),
        meter_backoff=MeterBackoffSettings(first_s=0.05, most_s=0.2),
    )


@asynccontextmanager
async def collecting(settings: CollectorSettings, clock: DataClock) -> AsyncIterator[Gateways]:
    """A collector that runs; stopped in order at the end, however the test ends."""
    stop = asyncio.Event()
    with ThreadPoolExecutor(1) as thread:
        gateways = Gateways(settings, clock, thread)
        services = (gateways.stores, gateways.uplinks, gateways.keepers, gateways.sources)
        async with asyncio.TaskGroup() as group:
            group.create_task(run_services(services, grace=settings.grace_s, stop=stop))
            try:
                yield gateways
            finally:
                stop.set()


def spool_of(settings: CollectorSettings) -> Path:
    """The file of the only gateway's spool."""
    return settings.spool_dir / f"{settings.gateways[0].code}.sqlite3"
