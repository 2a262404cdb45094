"""Keeps the shape of units' days up to date beside the evaluations, which must not wait for it."""

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
_RECENT_DAYS = 2
_SQL = load_queries("alerts.evaluation", "evaluation.sql")


class LoadsService:
    """Leads or stands by, on a connection of its own; each minute or so the last days, at first the longer look back.

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
        self._recheck_at = 0.0

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
        self._recheck_at = 0.0
        while not control.stopping.is_set():
            with translating():
                leads = leads or bool(await connection.fetchval(_SQL.lead, LOCK))
            if leads:
                await self._once(connection)
            await set_within(control.stopping, self._settings.full_interval_s if leads else self._settings.standby_s)

    async def _once(self, connection: Connection) -> None:
        started = asyncio.get_running_loop().time()
        recheck = started >= self._recheck_at
        now = self._clock.now()
        days = self._settings.recheck_days if recheck else _RECENT_DAYS
        with translating():
            await loads.refresh(connection, now, now.date() - timedelta(days=days))
        if recheck:
            self._recheck_at = started + self._settings.recheck_interval_s
