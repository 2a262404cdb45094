"""The whole run: stack, database, registry, processes, then whatever conducts it, and the audit at the end."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from alerts.quotas.store import apply_quotas
from collector.spool.file import spooled_readings
from deploy.demo.audit import Flow, audit_flow, corrected, meter_spans, worst_error, wrong_totals
from deploy.demo.city import City
from deploy.demo.city_parts import CityTruth, corrections, quotas, registry
from deploy.demo.interruption import interruptible
from deploy.demo.layout import Layout, Setting
from deploy.demo.outcome import Flagged, Outcome, Step
from deploy.demo.processes import Process
from deploy.demo.reporting import Reporting
from deploy.stack import Stack
from energy.clocks import ClockSettings, DataClock
from energy.registry.store import apply
from energy.services import Service, run_services
from energy.storage import Pool, StorageSettings, load_queries, open_pool, translating
from energy.storage.databases import create_database
from energy.storage.migrate import migrate

_SQL = load_queries("deploy.demo", "conductor.sql")
_DATABASE = "quotawatt_demo"
_DAY_S = 86_400
_GRACE_S = 60.0


@dataclass(frozen=True)
class Options:
    """How to run.

    Attributes:
        day_s: real seconds per simulated day.
        audited: spools keep what is confirmed, so that the run can be audited.
        collectors: processes that share the gateways.
        lead_s: real seconds from the start of the processes to the start of data time, so that all are ready.
    """

    day_s: float
    audited: bool
    collectors: int = 3
    lead_s: float = 8.0


@dataclass
class Running:
    """A city in motion, as those who conduct or watch it see it."""

    city: City
    stack: Stack
    dsn: str
    pool: Pool
    clock: DataClock
    layout: Layout
    scale: float
    _began: float = field(default_factory=time.monotonic)

    @property
    def processes(self) -> dict[str, Process]:
        """All processes of ours by name."""
        return {process.command.name: process for group in self.layout.groups for process in group.processes}

    @property
    def simulated(self) -> timedelta:
        """Data time since the start."""
        return self.clock.now() - self.city.city.start.astimezone(UTC)


Conductor = Callable[[Running], Service]


async def run_demo(
    city: City, stack: Stack, options: Options, conduct: Conductor, say: Callable[[str], None]
) -> Outcome | None:
    """Run the city until `conduct`'s service asks for a stop, or a signal comes; then audit, if it was to be audited.

    Args:
        city: a city that was checked.
        stack: started when it is not up, and then stopped at the end.
        options: speed and audit.
        conduct: makes the service that watches, and ends, the run.
        say: takes lines of progress.

    Returns:
        The audit's outcome, None where the run was not to be audited.

    Raises:
        SetupError: another demo runs on this stack, or something does not start.
        QuotawattError: as the stack, the database or the broker fail.
    """
    began = time.monotonic()
    with interruptible() as interruption:
        async with _stack_up(stack, say), _running(city, stack, options, say) as running:
            with interruption.orderly() as stop:
                reporting = Reporting(running.pool, running.clock, corrections(city))
                await run_services([*running.layout.groups, reporting, conduct(running)], grace=_GRACE_S, stop=stop)
            if not options.audited:
                return None
            say("auditing spools, tables and data files")
            return await _outcome(running, time.monotonic() - began)


@asynccontextmanager
async def _stack_up(stack: Stack, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Have the stack up and for this run alone, and leave it as it was found."""
    with ExitStack() as reservation:
        await asyncio.to_thread(reservation.enter_context, stack.reserved("a demo"))
        served = stack.serves
        try:
            await asyncio.to_thread(stack.up, say)
            yield
        finally:
            if not served:
                await asyncio.to_thread(stack.down, say)


@asynccontextmanager
async def _running(city: City, stack: Stack, options: Options, say: Callable[[str], None]) -> AsyncIterator[Running]:
    """A database and a directory of the run's own, filled and written; the processes are launched, not awaited."""
    directory = _emptied(stack.home.root / "demo")
    say("making the database")
    endpoints = stack.endpoints()
    dsn = await create_database(endpoints.dsn, _DATABASE)
    await asyncio.to_thread(migrate, dsn)
    async with open_pool(StorageSettings(dsn)) as pool:
        await _seed(pool, city)
        scale = _DAY_S / options.day_s
        clock = ClockSettings(city.city.start, time.time() + options.lead_s, scale)
        run = secrets.token_hex(4)
        layout = Layout(
            Setting(city, directory, replace(endpoints, dsn=dsn), clock, run, options.collectors, options.audited)
        )
        say(f"starting {len(city.unit)} gateways in {options.collectors} collectors, and the platform")
        try:
            for group in layout.groups:
                await group.launch()
            yield Running(city, stack, dsn, pool, DataClock(clock), layout, scale)
        finally:
            for group in reversed(layout.groups):  # a group whose turn to run never came is launched all the same
                await group.stop()


def _emptied(directory: Path) -> Path:
    """An empty directory that is closed to others: files in it carry the database's password."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    return directory


async def _seed(pool: Pool, city: City) -> None:
    """Write the city's registry and quotas, all or nothing."""
    async with pool.acquire() as connection:
        with translating():
            async with connection.transaction():
                await apply(connection, registry(city))
                await apply_quotas(connection, quotas(city))


async def _outcome(running: Running, seconds: float) -> Outcome:
    simulated = running.simulated
    truth = CityTruth(running.city)
    meters = sum(len(unit.meter) for unit in running.city.unit)
    readings = [
        reading for file in sorted(running.layout.spools.glob("*.sqlite3")) for reading in spooled_readings(file)
    ]
    async with running.pool.acquire() as connection:
        flow: Flow = await audit_flow(connection, readings)
        spans = await meter_spans(connection)
        totals = await wrong_totals(connection)
        put_right = await corrected(connection)
        with translating():
            flagged = await connection.fetch(_SQL.flagged)
    return Outcome(
        readings_sent=flow.sent,
        readings_stored=flow.stored,
        duplicates=flow.duplicates,
        lost=flow.lost,
        units=len(running.city.unit),
        meters=meters,
        flagged=[
            Flagged(
                unit=row["unit"],
                unit_zh=row["name_zh"],
                unit_en=row["name_en"],
                quota=row["quota"],
                period=row["period"],
                period_start=row["period_start"].isoformat(),
                rule=row["rule"],
                state=row["state"],
                verdict=row["verdict"],
                fired_at=_iso(row["fired_at"], running.city),
                used=row["used"],
                limit=row["limit"],
                projected=row["projected"],
                course=msgspec.json.decode(row["course"], type=list[Step]),
                evidence=msgspec.json.decode(row["evidence"]),
            )
            for row in flagged
        ],
        energy_error=worst_error(
            spans,
            {
                span.point: truth.consumed(span.point, span.first_ms, span.last_ms)
                * (1.0 if span.point in put_right else truth.told(span.point))
                for span in spans
            },
            {span.point: truth.quantum(span.point, span.last_value) for span in spans},
            meters=meters,
        ),
        wrong_totals=totals,
        simulated_days=round(simulated / timedelta(days=1), 2),
        restarts=sum(process.restarts for process in running.processes.values()),
        seconds=round(seconds, 1),
    )


def _iso(at: datetime, city: City) -> str:
    return at.astimezone(city.city.start.tzinfo).isoformat(timespec="seconds")
