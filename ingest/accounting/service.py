"""Wires one accounting worker together: what derives, what rolls up, and who tells that it is well."""

from __future__ import annotations

import asyncio

from energy.clocks import DataClock
from energy.data import data_files
from energy.factors import load_factors
from energy.health import HealthServer
from energy.services import run_services
from energy.storage import Connection, check_schema
from ingest.accounting import metrics
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.service import Deriving, Pace, Told
from ingest.accounting.factors.sync import sync_factors
from ingest.accounting.rollups.service import Rolling
from ingest.accounting.settings import AccountingSettings
from ingest.database import KeptConnection, ping


async def run(settings: AccountingSettings, *, stop: asyncio.Event | None = None) -> None:
    """Derive what is dirty until a signal, or `stop`, asks for an orderly end; what is dirty then is derived first.

    Raises:
        FatalError: the database refuses us, or its schema is of another version.
        FactorError: the factors do not load; every fault is named.
    """
    connection = KeptConnection(settings.database, metrics.database_failed)
    health = HealthServer(settings.health, {"database": lambda: connection.once(ping)})
    clock = DataClock(settings.clock)
    rolling = Rolling(settings.database, clock, settings.rollups, metrics.database_failed)
    await run_services([health, rolling, _deriving(settings, clock)], grace=settings.grace_s, stop=stop)


def _deriving(settings: AccountingSettings, clock: DataClock) -> Deriving:
    directory = settings.factors.directory
    factors = load_factors(data_files(directory))
    metrics.factors_loaded(factors.version, directory)
    chosen = settings.step

    async def prepare(connection: Connection) -> None:
        await check_schema(connection)
        synced = await sync_factors(connection, factors)
        metrics.factors_synced(factors.version, directory, synced.replaced, synced.changes)

    return Deriving(
        settings.database,
        Rules(chosen.batches, chosen.readings, chosen.gap_intervals, settings.estimation),
        Pace(chosen.pause_s, chosen.timer_s),
        prepare,
        Told(
            lambda progress, seconds: metrics.step_done(progress, seconds=seconds, now_ms=clock.now_ms()),
            metrics.database_failed,
        ),
    )
