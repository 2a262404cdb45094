"""Keeps the shape of units' days up to date beside the evaluations, which must not wait for it.

Each pass looks at the last days, and besides at a stretch of earlier ones, further back each time, up to a year: quotas
of a year go by all of it, late data may come for any day, and a new deployment has days that nobody kept.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from alerts import metrics
from alerts.series import loads
from alerts.settings import AlertsSettings
from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import StorageError
from energy.logs import Availability
from energy.services import Control
from energy.storage import Connection, check_schema, connect, load_queries, translating
from energy.waiting import set_within

LOCK = 0x71775F6C6F616473
"""The advisory lock ("qw_loads") of the one instance that does it."""
_RECENT, _STRETCH, _YEAR = timedelta(days=2), timedelta(days=31), timedelta(days=366)
_SQL = load_queries("alerts.evaluation", "evaluation.sql")


class LoadsService:
    """Leads or stands by, on a connection of its own; a pass each minute or so.

    Args:
        settings: of the alerts service.
        clock: data time.
    """

    name = "loads"

    def __init__(self, settings: AlertsSettings, clock: DataClock) -> None:
        self._settings = settings
        self._clock = clock
        self._database = Availability(structlog.get_logger("alerts"), "database")
        self._backoff = Backoff(first=0.2, most=10)
        self._behind = _RECENT
        self._rests_until = 0.0

    async def run(self, control: Control) -> None:
        """Serve until told to stop; a database that is away is waited for."""
        control.ready()
        while not control.stopping.is_set():
            try:
                async with connect(self._settings.database) as connection:
                    await check_schema(connection)
                    self._database.back()
                    self._backoff.reset()
                    await self._keep(connection, control)
            except StorageError as error:
                metrics.database_failed()
                self._database.lost(error)
                await set_within(control.stopping, self._backoff.next())

    async def _keep(self, connection: Connection, control: Control) -> None:
        leads = False
        self._behind, self._rests_until = _RECENT, 0.0
        while not control.stopping.is_set():
            with translating():
                leads = leads or bool(await connection.fetchval(_SQL.lead, LOCK))
            if leads:
                await self.step(connection)
            await set_within(control.stopping, self._settings.full_interval_s if leads else self._settings.standby_s)

    async def step(self, connection: Connection) -> int:
        """One pass; the number of days that were computed. A connection outside of a transaction is needed.

        Raises as `energy.storage.translating` says; what was computed before the error is kept.
        """
        now, real = self._clock.now(), asyncio.get_running_loop().time()
        with translating():
            done = await loads.refresh(connection, now, (now - _RECENT).date())
            if real >= self._rests_until:
                until = now - self._behind
                done += await loads.refresh(connection, now, (until - _STRETCH).date(), until.date())
                self._behind += _STRETCH
        if self._behind >= _YEAR:
            self._behind, self._rests_until = _RECENT, real + self._settings.recheck_interval_s
        return done
