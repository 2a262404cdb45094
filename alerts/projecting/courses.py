"""The courses of units' use: computed in the database once a day, kept in memory for every evaluation.

    done = await refresh(connection, now, touched)   # a local day began, quotas or groups changed, or units are marked
    if done.units:
        book = await read(connection)
    courses, groups = book.with_groups(members)      # members: units and measure of each quota of a group
    rows = book.rows(units, measures)                # `Watched.course`; of quotas of groups the row is in `groups`

`refresh` looks at nothing later than `now`, so that a back-test as of then comes to the same as the engine did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.projecting.calendars import CELLS, CLASSES, calendar_of, day_number
from alerts.projecting.groups import summed
from alerts.projecting.history import RECENT_DAYS, SETTLED_DAYS, History, courses_of
from alerts.projecting.model import Courses
from alerts.quotas.measures import LEVELS, MONTHLY
from alerts.series.frame import Ids
from energy.periods import DEFAULT_ZONE, local_day
from energy.storage import Connection, load_queries, plan_anew, translating
from energy.storage.binary import copy_out
from energy.working_days import ZONES

_SQL = load_queries("alerts.projecting", "courses.sql")
WITHOUT = sorted(LEVELS | MONTHLY)
"""Measures that have no course: levels, and those that no day has."""
_AT_ONCE = 500
"""Units computed by one statement: a year of days of several carriers each."""
_DAY = timedelta(days=1)
_PLAIN_ZONE = "UTC"


class Refreshed(NamedTuple):
    """What a call of `refresh` did.

    Attributes:
        units: those of which something was computed.
        left: how many are still to be computed, by further calls.
    """

    units: tuple[int, ...]
    left: int


async def refresh(
    connection: Connection, now: datetime, touched: Mapping[int, date] | None = None, *, most: int | None = None
) -> Refreshed:
    """Compute the courses that are not as of their unit's local day, and those of which earlier days changed.

    Call it when a local day began in some zone, when quotas or their groups changed, and with the marks of units when
    one of them (`touched`: from which day on) is older than yesterday; courses end before that. It looks at all
    quotas, which takes a tenth of a second or two for 85 000. A unit's four weeks take about a millisecond, its year,
    computed when it first has a quota, when a year begins and when that year's days change, some fifteen: with `most` a
    call computes no more units than that, and what is left goes by yesterday's course meanwhile. What changed is noted,
    so that neither a restart nor the bound loses it. The leader alone writes; in whatever transaction.

    Raises:
        StorageError, …: as `energy.storage.translating` says.
    """
    with translating():
        await plan_anew(connection)
        if touched:
            await connection.execute(_SQL.changed, list(touched), list(touched.values()), SETTLED_DAYS)
        states = await connection.fetch(_SQL.states, None, WITHOUT)
        units = [(_Due.of(row["unit_id"], row["time_zone"], now), row) for row in states]
        stale = [(unit, row) for unit, row in units if row["as_of"] != unit.today or row["year"] != unit.year]
        chosen = stale[:most]
        recent = [unit for unit, row in chosen if row["as_of"] != unit.today]
        year = [unit for unit, row in chosen if row["year"] != unit.year]
        for some in _parts(recent):
            await _write(connection, _SQL.recent, some, [one.today for one in some], of_year=False)
        for some in _parts(year):
            await _write(connection, _SQL.year, some, [one.year for one in some], of_year=True)
    return Refreshed(tuple(unit.unit_id for unit, _ in chosen), len(stale) - len(chosen))


@dataclass(frozen=True)
class _Due:
    unit_id: int
    zone: str
    today: date

    @classmethod
    def of(cls, unit_id: int, zone: str, now: datetime) -> _Due:
        return cls(unit_id, zone, local_day(now, zone))

    @property
    def year(self) -> int:
        """The year before."""
        return self.today.year - 1

    @property
    def recent_until(self) -> date:
        """The day after the last of the four weeks."""
        return self.today - SETTLED_DAYS * _DAY

    def span(self, *, of_year: bool) -> tuple[date, date]:
        """From which day on, and until before which one."""
        if of_year:
            return date(self.year, 1, 1), date(self.year + 1, 1, 1)
        return self.recent_until - RECENT_DAYS * _DAY, self.recent_until


def _parts(due: Sequence[_Due]) -> Iterable[Sequence[_Due]]:
    return (due[begin : begin + _AT_ONCE] for begin in range(0, len(due), _AT_ONCE))


async def _write(
    connection: Connection, query: str, due: Sequence[_Due], stamps: Sequence[date] | Sequence[int], *, of_year: bool
) -> None:
    spans = [one.span(of_year=of_year) for one in due]
    first, last = min(since for since, _ in spans), max(until for _, until in spans)
    days = np.arange(day_number(first), day_number(last))
    await connection.execute(
        query,
        [one.unit_id for one in due],
        stamps,
        [since for since, _ in spans],
        [until for _, until in spans],
        [one.zone in ZONES for one in due],
        *(calendar_of(zone).cells_of(days).tolist() for zone in (DEFAULT_ZONE, _PLAIN_ZONE)),
        first,
        *(() if of_year else (WITHOUT,)),
    )


@dataclass(frozen=True)
class CourseBook:
    """All courses, as columns in the order of unit and measure.

    Attributes:
        units: unit ids.
        measures: which of `names` each is of.
        names: measures.
        courses: a row for each, and the one of NaN.
    """

    units: Ids
    measures: Ids
    names: tuple[str, ...]
    courses: Courses

    def rows(self, units: Ids, measures: NDArray[np.object_]) -> Ids:
        """The row of each unit and measure, -1 where there is none."""
        numbers = {name: number for number, name in enumerate(self.names)}
        asked = units * len(numbers) + np.array([numbers.get(name, -1) for name in measures.tolist()], np.int64)
        keys = self.units * len(numbers) + self.measures
        place = np.minimum(np.searchsorted(keys, asked), max(len(keys) - 1, 0))
        found = np.zeros(len(asked), np.bool_) if not len(keys) else keys[place] == asked
        known = np.array([name in numbers for name in measures.tolist()], np.bool_)
        return np.where(found & known, place, -1)

    def with_groups(self, members: Sequence[tuple[Ids, str]]) -> tuple[Courses, Ids]:
        """The courses with a further row for each group of units and measure, and which rows these are."""
        rows = [self.rows(units, np.full(len(units), measure, object)) for units, measure in members]
        return summed(self.courses, rows), np.arange(len(members)) + len(self.units)


async def read(connection: Connection, units: Sequence[int] | None = None) -> CourseBook:
    """The courses as they were last computed, of `units` alone or of all.

    Raises:
        StorageError, …: as `energy.storage.translating` says.
    """
    with translating():
        found = await connection.fetch("select distinct measure from unit_course order by measure")
        names = [row["measure"] for row in found]
        copied = await copy_out(connection, _SQL.courses, units, names, sorted(ZONES))
    rows = np.frombuffer(copied, _ROW, offset=_HEADER, count=(len(copied) - _HEADER) // _ROW.itemsize)
    as_of = rows["as_of"].astype(np.int64) + _DAYS_TO_2000
    counts = np.zeros((len(rows), CELLS))
    for zone, china in ((DEFAULT_ZONE, 1), (_PLAIN_ZONE, 0)):
        some = rows["china"] == china
        until = as_of[some] - SETTLED_DAYS
        counts[some] = calendar_of(zone).counts(until - RECENT_DAYS, until)
    sums = {name: rows[name]["value"].astype(np.float64) for name in _ARRAYS}
    return CourseBook(
        units=rows["unit"].astype(np.int64),
        measures=rows["measure"].astype(np.int64) - 1,
        names=tuple(names),
        courses=courses_of(History(recent_counts=counts, **sums)),
    )


def _array(name: str, length: int) -> list[tuple[str, object] | tuple[str, object, tuple[int]]]:
    """An array of float8 in a binary COPY: 24 bytes of lengths, type and bounds, then each value after its length."""
    return [(f"{name}_head", "V24"), (name, [("length", ">i4"), ("value", ">f8")], (length,))]


_ARRAYS = {
    "recent_sum": CLASSES,
    "recent_squares": CLASSES,
    "recent_days": CLASSES,
    "year_sum": CELLS,
    "year_days": CELLS,
}
_HEADER = 19
_DAYS_TO_2000 = 10_957
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        *((part, ">i4") for name in ("unit", "measure", "china", "as_of") for part in (f"{name}_length", name)),
        *(part for name, length in _ARRAYS.items() for part in _array(name, length)),
    ]
)
