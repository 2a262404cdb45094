"""The process: evaluate whenever totals change, at a bounded rate, on one instance of however many run."""

from __future__ import annotations

import asyncio

import structlog

from alerts import metrics, store
from alerts.evaluation import evaluate
from alerts.settings import AlertsSettings
from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import StorageError
from energy.health import HealthServer
from energy.logs import Availability
from energy.services import Control, run_services
from energy.storage import Connection, Notifications, check_schema, connect, translating
from energy.waiting import first_of, set_within

TOTALS = "totals"
"""The channel on which accounting tells that totals changed."""


class AlertsService:
    """Leads or stands by; evaluates on a notification, on a timer, and once more before it stops.

    The lock of the leader and the evaluations share one connection: an instance that has lost the one can no longer
    commit the other.
    """

    name = "alerts"

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
                await self._connected(control)
            except StorageError as error:
                metrics.database_failed()
                self._database.lost(error)
                await set_within(control.stopping, self._backoff.next())

    async def _connected(self, control: Control) -> None:
        async with connect(self._settings.database) as connection:
            await check_schema(connection)
            self._database.back()
            self._backoff.reset()
            if not await self._become_leader(connection, control):
                return
            metrics.leading(leads=True)
            try:
                await self._lead(connection, control)
            finally:
                metrics.leading(leads=False)

    async def _become_leader(self, connection: Connection, control: Control) -> bool:
        """Wait until the lock is ours; false when the service is told to stop before."""
        while not (leads := await store.lead(connection)) and not control.stopping.is_set():
            await set_within(control.stopping, self._settings.standby_s)
        return leads

    async def _lead(self, connection: Connection, control: Control) -> None:
        async with Notifications(self._settings.database, TOTALS) as totals:
            self._recheck_at = 0.0  # what happened while nobody led is looked for first
            await self._evaluate_until_stopped(connection, totals, control)

    async def _evaluate_until_stopped(self, connection: Connection, totals: Notifications, control: Control) -> None:
        now = asyncio.get_running_loop().time
        while True:
            started, last = now(), control.stopping.is_set()
            await self._evaluate(connection, started)
            if last:
                return
            await set_within(control.stopping, started + self._settings.min_interval_s - now())
            await first_of(totals.wait(self._settings.timer_s), control.stopping.wait())

    async def _evaluate(self, connection: Connection, started: float) -> None:
        """One evaluation; a recheck when one is due."""
        settings, loop = self._settings, asyncio.get_running_loop()
        recheck = started >= self._recheck_at
        days = settings.recheck_days if recheck else settings.recent_days
        found = await evaluate(connection, self._clock.now(), days)
        if recheck:
            self._recheck_at = started + settings.recheck_interval_s
        metrics.evaluated("recheck" if recheck else "recent", loop.time() - started, found.outcomes)
        for outcome in found.written:
            metrics.moved(outcome)


async def run(settings: AlertsSettings) -> None:
    """Run the alerts service with its health endpoint until SIGTERM or SIGINT.

    Raises:
        SchemaError, PermissionRefusedError, SetupError: a person has to act.
    """

    async def database() -> None:
        """Whether the database answers."""
        async with connect(settings.database) as connection:
            with translating():
                await connection.fetchval("select 1")

    health = HealthServer(settings.health, {"database": database})
    await run_services([health, AlertsService(settings, DataClock(settings.clock))], grace=settings.grace_s)
