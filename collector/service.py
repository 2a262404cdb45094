"""The collector's process: spools first, then uplinks, then polls; stopped the other way round."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from collector import metrics
from collector.drivers.modbus.line import ModbusLine
from collector.polling.meter import Meter
from collector.polling.poller import Poller
from collector.polling.schedule import Schedule
from collector.settings import CollectorSettings, GatewaySettings
from collector.spool.file import SpoolFile
from collector.spool.spool import Spool
from collector.uplink.uplink import Uplink
from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import FatalError, SetupError, TransportError
from energy.health import HealthServer
from energy.metrics import unforeseen_error
from energy.services import Control, Service, run_services
from energy.wire import Address


async def run(settings: CollectorSettings, *, stop: asyncio.Event | None = None) -> None:
    """Collect until told to stop: by `stop`, or where that is None by SIGTERM and SIGINT.

    Raises:
        QuotawattError: something that trying again does not mend.
    """
    clock = DataClock(settings.clock)
    _make_directory(settings)
    # One thread for all spools: they share a disk, whose waiting is what takes the time.
    with ThreadPoolExecutor(1, thread_name_prefix="spool") as thread:
        spools = {
            gateway.code: Spool(
                gateway.code,
                SpoolFile(settings.spool_dir / f"{gateway.code}.sqlite3", settings.spool),
                clock,
                thread,
            )
            for gateway in settings.gateways
        }
        uplinks = [
            Uplink(
                Address(gateway.region, gateway.code), settings.platforms, settings.uplink, spools[gateway.code], clock
            )
            for gateway in settings.gateways
        ]
        polls = [GatewayPolls(gateway, settings, spools[gateway.code], clock) for gateway in settings.gateways]
        services: list[Service] = [
            HealthServer(settings.health, {"broker": lambda: _all_online(uplinks)}),
            Spools(list(spools.values())),
            Together("uplinks", uplinks),
            Together("polls", polls),
        ]
        await run_services(services, grace=settings.grace_s, stop=stop)


class GatewayPolls:
    """The polls of one gateway, on the clock.

    Args:
        gateway: its table.
        settings: the whole file.
        spool: where readings go.
        clock: data time.
    """

    def __init__(self, gateway: GatewaySettings, settings: CollectorSettings, spool: Spool, clock: DataClock) -> None:
        self._gateway = gateway.code
        backoff = settings.meter_backoff
        meters = [Meter(gateway.code, meter, backoff) for meter in gateway.meters]
        self._line = ModbusLine(gateway.host, gateway.port, time_out=gateway.time_out_s, now_ms=clock.now_ms)
        self._poller = Poller(gateway.code, meters, self._line, spool, Backoff(backoff.first_s, backoff.most_s))
        self._schedule = Schedule(clock, round(gateway.interval_s * 1000), round(gateway.offset_s * 1000))

    async def run(self, stopping: asyncio.Event) -> None:
        """Poll at every tick until told to stop.

        Raises:
            FatalError: a person has to act, e.g. the spool's file broke.
        """
        try:
            await self._schedule.run(
                stopping, lambda: self._poll(stopping), lambda count: metrics.polls_skipped(self._gateway, count)
            )
        finally:
            self._line.close()

    async def _poll(self, stopping: asyncio.Event) -> None:
        try:
            await self._poller.round(stopping)
        except FatalError:
            raise
        except Exception:  # noqa: BLE001 - the outer edge of the loop; counted, and one gateway does not stop another
            unforeseen_error("poll")


class Member(Protocol):
    """One of several that run side by side."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Run until `stopping` is set, drain, return."""


class Together:
    """A service of equal members that start, drain and end side by side.

    Args:
        name: the service's name.
        members: each runs until told to stop.
    """

    def __init__(self, name: str, members: Sequence[Member]) -> None:
        self.name = name
        self._members = members

    async def run(self, control: Control) -> None:
        """Run all of them; the first that fails ends the others."""
        async with asyncio.TaskGroup() as group:
            for member in self._members:
                group.create_task(member.run(control.stopping))
            control.ready()


class Spools:
    """The service that opens the spools before anything needs them, and closes them after all.

    Args:
        spools: one per gateway.
    """

    name = "spools"

    def __init__(self, spools: Sequence[Spool]) -> None:
        self._spools = spools

    async def run(self, control: Control) -> None:
        """Hold the spools open.

        Raises:
            SetupError: another process uses one of them.
        """
        opened: list[Spool] = []
        try:
            for spool in self._spools:
                await spool.open()
                opened.append(spool)
            control.ready()
            await control.stopping.wait()
        finally:
            for spool in opened:
                await spool.close()


async def _all_online(uplinks: Sequence[Uplink]) -> None:
    """The readiness check of the broker; raises TransportError."""
    if offline := [uplink.gateway for uplink in uplinks if not uplink.online]:
        raise TransportError(f"not connected to the broker: {', '.join(offline)}")


def _make_directory(settings: CollectorSettings) -> None:
    try:
        settings.spool_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"{settings.spool_dir} cannot be made: {error.strerror}", advice="Check `spool_dir`."
        ) from error
