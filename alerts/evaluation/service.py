"""The process: evaluate whenever totals change, at a bounded rate, on one instance of however many run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta

import structlog

from alerts import metrics
from alerts.consequences.attaching import attaching
from alerts.evaluation.marks import Marks
from alerts.evaluation.step import Engine, Evaluated, Wanted
from alerts.rules.model import Rule
from alerts.series.catalogue import Catalogue
from alerts.settings import AlertsSettings
from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import StorageError
from energy.logs import Availability
from energy.services import Control
from energy.storage import Connection, Notifications, check_schema, connect, load_queries, translating
from energy.waiting import first_of, set_within

TOTALS = "totals"
"""The channel on which accounting tells that totals changed."""
LOCK = 0x71775F616C657274
"""The advisory lock ("qw_alert") of the one instance that evaluates."""
MOST_DAYS = 800
"""How far back a late change is followed: two years, which statistics are closed after."""
_AT_ONCE = 200
"""Units whose past is judged, or computed, in one evaluation, so that what is new does not wait long for it."""
_SQL = load_queries("alerts.evaluation", "evaluation.sql")


class AlertsService:
    """Leads or stands by; evaluates on a notification, on a timer, and once more before it stops.

    The lock of the leader and the evaluations share one connection: an instance that has lost the one can no longer
    commit the other.

    Args:
        settings: of the service.
        rules: by which it judges.
        catalogue: of their series.
        clock: data time.

    Raises:
        ConfigError: a file of policies has faults.
    """

    name = "alerts"

    def __init__(self, settings: AlertsSettings, rules: Sequence[Rule], catalogue: Catalogue, clock: DataClock) -> None:
        self._settings = settings
        self._clock = clock
        self._database = Availability(structlog.get_logger("alerts"), "database")
        self._backoff = Backoff(first=0.2, most=10)
        attached = attaching(settings.consequences)
        self._engine = Engine(rules, catalogue, stale_s=settings.stale_s, attached=attached, courses_at_once=_AT_ONCE)
        self._marks = Marks()
        self._full_at = self._recheck_at = 0.0

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
        while not (leads := await lead(connection)) and not control.stopping.is_set():
            await set_within(control.stopping, self._settings.standby_s)
        return leads

    async def _lead(self, connection: Connection, control: Control) -> None:
        async with Notifications(self._settings.database, TOTALS) as totals:
            # What another instance judged and wrote is not known here.
            self._engine.forget()
            await self._marks.recall(connection)
            self._full_at = self._recheck_at = 0.0
            await self._evaluate_until_stopped(connection, totals, control)

    async def _evaluate_until_stopped(self, connection: Connection, totals: Notifications, control: Control) -> None:
        now = asyncio.get_running_loop().time
        while True:
            started, last = now(), control.stopping.is_set()
            await self._evaluate(connection, started)
            if last:
                return
            await set_within(control.stopping, started + self._settings.min_interval_s - now())
            bound = 0.0 if len(self._marks) else min(self._settings.timer_s, max(self._full_at - now(), 0.0))
            await first_of(totals.wait(bound), control.stopping.wait())

    async def _evaluate(self, connection: Connection, started: float) -> None:
        """One evaluation: of everything when that is due, else of what is marked."""
        metrics.marked(await self._marks.take(connection, self._clock.now().date()))
        if started >= self._full_at:
            await self._evaluate_all(connection, started)
        elif len(self._marks):
            await self._evaluate_marked(connection)

    async def _evaluate_all(self, connection: Connection, started: float) -> None:
        settings = self._settings
        recheck = started >= self._recheck_at
        marks = self._marks.pending()
        found = await self._judge(
            connection,
            Wanted(settings.recheck_days if recheck else settings.recent_days, beside=False),
            "recheck" if recheck else "full",
        )
        metrics.quotas(found.quotas.verdict_counts())
        self._full_at = started + settings.full_interval_s
        if recheck:
            self._recheck_at = started + settings.recheck_interval_s
        # The past is left to be judged by its marks, which say which courses changed with it.
        today = self._clock.now().date()
        await self._marks.judged(connection, {unit: since for unit, since in marks.items() if since >= today})
        self._marks.add(found.again)

    async def _evaluate_marked(self, connection: Connection) -> None:
        """Those of which something recent changed together; then some of those whose past did."""
        today = self._clock.now().date()
        recent_days = self._settings.recent_days
        border = today - timedelta(days=recent_days - 1)
        marks = self._marks.pending()
        recent = {unit: since for unit, since in marks.items() if since >= border}
        if recent:
            await self._judge_marked(connection, recent, recent_days)
        past = dict(sorted(((unit, since) for unit, since in marks.items() if since < border), key=_since)[:_AT_ONCE])
        if past:
            days = max(recent_days, (today - max(min(past.values()), today - timedelta(days=MOST_DAYS))).days + 1)
            await self._judge_marked(connection, past, days)

    async def _judge_marked(self, connection: Connection, marks: dict[int, date], days: int) -> None:
        found = await self._judge(connection, Wanted(days, marks), "marked")
        await self._marks.judged(connection, marks)
        self._marks.add(found.again)
        if found.changed:
            self._full_at = 0.0

    async def _judge(self, connection: Connection, wanted: Wanted, scope: str) -> Evaluated:
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await self._engine.evaluate(connection, self._clock.now(), wanted)
        metrics.evaluated(scope, loop.time() - began)
        for outcome in found.written:
            metrics.moved(outcome)
        return found


async def lead(connection: Connection) -> bool:
    """Try to become the one instance that evaluates, for as long as `connection` lasts."""
    with translating():
        return bool(await connection.fetchval(_SQL.lead, LOCK))


def _since(mark: tuple[int, date]) -> date:
    """Latest changes first: the past of one unit must not hold up yesterday of another."""
    return date.fromordinal(date.max.toordinal() - mark[1].toordinal() + 1)
