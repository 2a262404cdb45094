"""What a what-if reads: the unit's quotas as they stand, their courses, and the parts that carriers have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from alerts.projecting.courses import read as read_courses
from alerts.projecting.history import RECENT_DAYS, SETTLED_DAYS
from alerts.projecting.model import Projection
from alerts.projecting.project import Foresight, foresee, project
from alerts.quotas.measures import LEVELS
from alerts.series import quota_book, quota_course, quotas
from alerts.series.frame import Ids, Scope
from alerts.series.quota_book import Book
from alerts.series.quota_periods import Due
from alerts.series.quota_use import Use
from alerts.trying.whatif import Change, Names, Outcome, outcome, part_of
from energy.errors import RejectedError
from energy.periods import local_day
from energy.registry.store import check_units
from energy.storage import Connection, load_queries, translating

_SQL = load_queries("alerts.trying", "whatif.sql")
_EVER_S = 1e12
"""A what-if says up to when it knows; data that lags is no reason not to answer."""


async def what_if(connection: Connection, unit: str, now: datetime, change: Change) -> list[Outcome]:
    """What `change` makes of each quota of the unit in its present period.

    Raises:
        RejectedError: no such unit, it has no quota in force that adds up, or it has nothing of that carrier.
        StorageError, …: as `energy.storage.translating` says.
    """
    await check_units(connection, [unit])
    with translating():
        known = await connection.fetchrow(_SQL.unit, unit)
        assert known is not None, "a unit that is there stays"  # noqa: S101 - tells the type checker
        unit_id, today = known["unit_id"], local_day(now, known["time_zone"])
        until = today - timedelta(days=SETTLED_DAYS)
        rows = await connection.fetch(_SQL.parts, unit_id, until - timedelta(days=RECENT_DAYS), until)
        seen = await _foresee(connection, unit_id, now)
    parts = {one["carrier"]: dict(one) for one in rows}
    if change.carrier and change.carrier not in parts:
        asked = f"--carrier goes by whole, settled days of the four weeks before yesterday: of {unit} there are none"
        raise RejectedError(
            f"{asked} of {change.carrier}, there are of {', '.join(parts)}" if parts else f"{asked} yet"
        )
    found = [
        outcome(seen.foresight, row, names, part_of(parts, names.measure, change), change)
        for row, names in seen.names(unit_id)
    ]
    if not found:
        raise RejectedError(f"{unit} has no quota in force on what adds up over a period")
    return found


class _Seen(NamedTuple):
    book: Book
    due: Due
    foresight: Foresight

    def names(self, unit_id: int) -> Iterator[tuple[int, Names]]:
        """The rows of the unit's own quotas that add up over a period, each with what it is called."""
        for row, quota in enumerate(self.due.rows.tolist()):
            labels = {name: str(self.book.labels[name][quota]) for name in ("quota", "measure", "limit_unit", "period")}
            if self.book.units[quota] == unit_id and labels["measure"] not in LEVELS:
                yield row, Names(**labels)


async def _foresee(connection: Connection, unit_id: int, now: datetime) -> _Seen:
    """As the alerts service would, by the courses that it last computed."""
    book = await quota_book.read_book(connection)
    members = await quotas.read_members(connection, book)
    courses, course = quota_course.courses_of(book, members, await read_courses(connection, [unit_id]))
    watched = quota_course.watching(book, course)
    seen: list[_Seen] = []

    def projecting(known: Book, due: Due, use: Use, at_us: Ids) -> Projection:
        quota = watched(due, use, at_us)
        seen.append(_Seen(known, due, foresee(quota, courses)))
        return project(quota, courses)

    scope = Scope(now, (unit_id,), recent_days=0)
    await quotas.read(connection, book, members, scope, stale_s=_EVER_S, projecting=projecting)
    return seen[0]
