"""Wires one accounting worker together, and is its loop: woken by ingest's commits, made sure of by a timer."""

from __future__ import annotations

import asyncio

from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.data import data_files
from energy.errors import StorageError
from energy.factors import load_factors
from energy.health import HealthServer
from energy.services import Control, run_services
from energy.storage import Connection, Notifications, check_schema
from ingest.accounting import metrics
from ingest.accounting.deriving.step import Progress, step
from ingest.accounting.factors.sync import sync_factors
from ingest.accounting.rollups.service import Rolling
from ingest.accounting.settings import AccountingSettings
from ingest.database import KeptConnection, ping
from ingest.stopping import until_stopping

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0


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
    await run_services([health, rolling, Accounting(settings, clock)], grace=settings.grace_s, stop=stop)


class Accounting:
    """The service that derives: step after step, at most one per `pause_s` unless batches pile up.

    Several may run on one database: one works, the others stand by and take over when it ends.
    """

    name = "accounting"

    def __init__(self, settings: AccountingSettings, clock: DataClock) -> None:
        self._settings = settings
        self._clock = clock
        self._factors = load_factors(data_files(settings.factors.directory))
        self._connection = KeptConnection(settings.database, metrics.database_failed)

    async def run(self, control: Control) -> None:
        """Serve until told to stop, through outages of the database."""
        backoff = Backoff(_FIRST_DELAY_S, _LONGEST_DELAY_S)
        try:
            while not control.stopping.is_set():
                try:
                    await self._serve(control, backoff)
                except StorageError as error:
                    metrics.database_failed(error)
                    await until_stopping(control, asyncio.sleep(backoff.next()))
        finally:
            await self._connection.close()

    async def _serve(self, control: Control, backoff: Backoff) -> None:
        """Derive until told to stop and nothing is dirty any more."""
        async with Notifications(self._settings.database, "readings") as notifications:
            await self._connection.once(self._prepare)
            control.ready()
            while True:
                progress = await self._step()
                backoff.reset()
                if progress.batches == self._settings.step.batches:
                    continue
                if control.stopping.is_set():
                    if not progress.batches:
                        return
                    continue
                await until_stopping(control, self._rest(notifications))

    async def _prepare(self, connection: Connection) -> None:
        await check_schema(connection)
        await sync_factors(connection, self._factors)

    async def _step(self) -> Progress:
        time = asyncio.get_running_loop().time
        began = time()
        progress = await self._connection.once(self._derive)
        metrics.step_done(progress, seconds=time() - began, now_ms=self._clock.now_ms())
        return progress

    async def _derive(self, connection: Connection) -> Progress:
        chosen = self._settings.step
        return await step(connection, limit=chosen.batches, gap_intervals=chosen.gap_intervals)

    async def _rest(self, notifications: Notifications) -> None:
        if await notifications.wait(self._settings.step.timer_s):
            await asyncio.sleep(self._settings.step.pause_s)
