"""Which periods of which quotas are looked at. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.series.frame import Ids, Scope
from alerts.series.quota_book import Book
from energy.periods import FIRST_DAY, day_start, local_day, period_of, statistics_month

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Stretch:
    """One period of one calendar.

    Attributes:
        calendar: which of the book's.
        kind: day, statistics_month, month, quarter, year: as totals are kept. Where statistics months begin on the
            first they are the calendar's, as of groups, and totals keep none besides.
        zone: of its calendar.
        key: the day by which totals name it: its first, but of a statistics month the first of the month that names it.
        first, until: first local day and the one after its last, days since 1970-01-01.
        start_us, end_us: microseconds since 1970 UTC.
    """

    calendar: int
    kind: str
    zone: str
    key: date
    first: int
    until: int
    start_us: int
    end_us: int


@dataclass(frozen=True)
class Due:
    """Quotas in periods, in the order of quota and period.

    Attributes:
        rows: which quota of the book.
        stretch: which of `stretches`.
    """

    rows: Ids
    stretch: Ids
    stretches: tuple[Stretch, ...]

    def column(self, name: str) -> Ids:
        """`first`, `until`, `start_us` or `end_us` of each row."""
        each = np.array([getattr(one, name) for one in self.stretches], np.int64)
        found: Ids = each[self.stretch] if len(self.stretches) else np.zeros(0, np.int64)
        return found


def due(book: Book, scope: Scope, members: NDArray[np.bool_] | None = None) -> Due:
    """The periods that touch the last `scope.recent_days` days up to now, and those of `scope.also`.

    A quota governs whole periods: those that begin while it is valid.

    Args:
        book: the quotas.
        scope: what is wanted; of quotas of other units only what `also` names.
        members: quotas of groups that have one of the scope's units; None where all units are wanted.
    """
    wanted = np.ones(len(book.ids), np.bool_)
    if scope.units is not None:
        wanted = np.isin(book.units, scope.units) & (book.units > 0)
        if members is not None:
            wanted |= members
    also = _also(book, scope)
    stretches: list[Stretch] = []
    rows, numbers = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for calendar in range(len(book.calendars)):
        for one, of in _of_calendar(book, calendar, wanted, scope, also.get(calendar, {})):
            if not len(of):
                continue
            rows.append(of)
            numbers.append(np.full(len(of), len(stretches), np.int64))
            stretches.append(one)
    row, stretch = np.concatenate(rows), np.concatenate(numbers)
    first = np.array([one.first for one in stretches], np.int64)[stretch] if stretches else stretch
    order = np.lexsort((first, row))
    return Due(row[order], stretch[order], tuple(stretches))


def _also(book: Book, scope: Scope) -> dict[int, dict[date, list[int]]]:
    """Rows of the book that are wanted in certain periods, by calendar and first day."""
    found: dict[int, dict[date, list[int]]] = {}
    for quota, day in scope.also:
        row = int(np.searchsorted(book.ids, quota))
        if row < len(book.ids) and book.ids[row] == quota:
            found.setdefault(int(book.calendar[row]), {}).setdefault(day, []).append(row)
    return found


def _of_calendar(
    book: Book, number: int, wanted: NDArray[np.bool_], scope: Scope, also: Mapping[date, list[int]]
) -> Iterator[tuple[Stretch, Ids]]:
    """The periods of a calendar, each with the quotas that it is wanted of."""
    calendar = book.calendars[number]
    of = np.flatnonzero((book.calendar == number) & wanted)
    left = dict(also)
    for one in _recent(calendar, number, scope, int(book.valid_from[of].min())) if len(of) else ():
        more = left.pop(_day(one.first), [])
        yield one, _governed(book, one, np.union1d(of, np.array(more, np.int64)) if more else of)
    for day, rows in left.items():
        one = _at(calendar, number, day_start(day, calendar[0]))
        if _day(one.first) == day:  # else the quota's periods were of another kind when its alert began
            yield one, _governed(book, one, np.unique(np.array(rows, np.int64)))


def _governed(book: Book, one: Stretch, rows: Ids) -> Ids:
    found: Ids = rows[(book.valid_from[rows] <= one.first) & (one.first < book.valid_to[rows])]
    return found


def _recent(calendar: tuple[str, str, int], number: int, scope: Scope, valid_from: int) -> Iterator[Stretch]:
    """The periods that touch the last days, from the first that any quota governs."""
    zone = calendar[0]
    today = local_day(scope.now, zone)
    first = max(today - scope.recent_days * _DAY, min(_day(valid_from), today))
    at = day_start(first, zone)
    until = day_start(today + _DAY, zone)
    while at < until:
        one = _at(calendar, number, at)
        yield one
        at = _EPOCH + one.end_us * _US


def _at(calendar: tuple[str, str, int], number: int, at: datetime) -> Stretch:
    zone, kind, statistics_day = calendar
    period = period_of(at, kind, zone, statistics_day=statistics_day)
    key = statistics_month(period.first_day, statistics_day) if kind == "statistics_month" else period.first_day
    return Stretch(
        calendar=number,
        kind="month" if (kind, statistics_day) == ("statistics_month", FIRST_DAY) else kind,
        zone=zone,
        key=key,
        first=period.first_day.toordinal() - _EPOCH_DAY,
        until=local_day(period.end, zone).toordinal() - _EPOCH_DAY,
        start_us=(period.start - _EPOCH) // _US,
        end_us=(period.end - _EPOCH) // _US,
    )


def _day(number: int) -> date:
    return date.fromordinal(number + _EPOCH_DAY)
