"""Days of a zone as columns: which class each belongs to, and how many of each class lie between any two days. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerts.series.frame import NEVER, Floats, Ids
from energy.periods import DEFAULT_ZONE, day_start, local_day
from energy.working_days import ZONES, DayClass, day_kind

MONTHS, CLASSES = 12, 3
CELLS = MONTHS * CLASSES
"""A cell is a calendar month and a class of day: number 3 x (month - 1) + class."""
WORKING, REST, HOLIDAY = range(CLASSES)
_CLASS_OF: Final = {
    DayClass.WORKING: WORKING,
    DayClass.MADE_UP: WORKING,
    DayClass.REST: REST,
    DayClass.HOLIDAY: HOLIDAY,
}
_EPOCH = date(1970, 1, 1)
_EPOCH_AT = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _UNTIL = date(2000, 1, 1), date(2061, 1, 1)
_KEY_BITS = 16
_MICRO = timedelta(microseconds=1)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The day that is so many days after 1970-01-01."""
    return _EPOCH + timedelta(days=int(number))


def micros(at: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (at - _EPOCH_AT) // _MICRO


@dataclass(frozen=True, eq=False)
class Calendar:
    """The days of a zone from 2000 to 2060.

    Attributes:
        first: number of the first day.
        kinds: the class of each day, by its word.
        cells: cell of each day.
        before: days of each cell before each day, and one row more: (days + 1, CELLS).
    """

    first: int
    kinds: NDArray[np.str_]
    cells: NDArray[np.int64]
    before: NDArray[np.int64]

    def counts(self, since: int | Ids, until: int | Ids) -> NDArray[np.int64]:
        """How many days of each cell lie from the day `since` until before the day `until`; shape (…, CELLS)."""
        counts: NDArray[np.int64] = (
            self.before[np.asarray(until) - self.first] - self.before[np.asarray(since) - self.first]
        )
        return counts

    def kinds_of(self, since: int, until: int) -> NDArray[np.str_]:
        """The class (`DayClass`) of each day from `since` until before `until`."""
        return self.kinds[since - self.first : until - self.first]

    def cells_of(self, days: Ids) -> NDArray[np.int64]:
        """The cell of each day."""
        cells: NDArray[np.int64] = self.cells[days - self.first]
        return cells


def calendar_of(zone: str) -> Calendar:
    """The working calendar of mainland China for its zones; weekdays alone for others (`energy.working_days`)."""
    return _calendar(zone in ZONES)


@cache
def _calendar(china: bool) -> Calendar:  # noqa: FBT001 - the key of the cache
    zone = DEFAULT_ZONE if china else "UTC"
    days = [_FIRST + timedelta(days=number) for number in range((_UNTIL - _FIRST).days)]
    kinds = [day_kind(day, zone).class_ for day in days]
    cells = np.array([(day.month - 1) * CLASSES + _CLASS_OF[kind] for day, kind in zip(days, kinds, strict=True)])
    before = np.zeros((len(days) + 1, CELLS), np.int64)
    before[np.arange(1, len(days) + 1), cells] = 1
    return Calendar(day_number(_FIRST), np.array([kind.value for kind in kinds]), cells, before.cumsum(axis=0))


def numbered(words: Iterable[str]) -> tuple[Ids, tuple[str, ...]]:
    """A number for each word, and the distinct words by number: how `zone` and `profile` are given."""
    numbers: dict[str, int] = {}
    codes = np.array([numbers.setdefault(word, len(numbers)) for word in words], np.int64)
    return codes, tuple(numbers)


def alike(*keys: Ids) -> list[Ids]:
    """Rows that have equal keys, together; keys are from 0 to 65 535."""
    packed = np.zeros(len(keys[0]), np.int64)
    for key in keys:
        packed = packed << _KEY_BITS | key
    order = np.argsort(packed, kind="stable")
    borders = np.flatnonzero(np.diff(packed[order])) + 1
    return [rows for rows in np.split(order, borders) if len(rows)]


@dataclass(frozen=True)
class LocalTimes:
    """Instants by the calendar of their zones.

    Attributes:
        day: days since 1970-01-01 of the local day; NEVER where there is no instant.
        share: how much of that day has passed, 0 to 1; of a day with a change of the clock by its own length.
    """

    day: Ids
    share: Floats


def local_times(at_us: Ids, zone: Ids, zones: Sequence[str]) -> LocalTimes:
    """Each instant by its zone; NEVER stays NEVER. Equal instants are looked up once."""
    day, share = np.full(len(at_us), NEVER), np.zeros(len(at_us))
    for number, name in enumerate(zones):
        rows = np.flatnonzero((zone == number) & (at_us != NEVER))
        instants, which = np.unique(at_us[rows], return_inverse=True)
        found = [_local(int(at), name) for at in instants]
        if found:
            day[rows] = np.array([one[0] for one in found])[which]
            share[rows] = np.array([one[1] for one in found])[which]
    return LocalTimes(day, share)


def day_start_us(days: Ids, zone: Ids, zones: Sequence[str]) -> Ids:
    """The first instant of each local day, microseconds since 1970 UTC; equal days are looked up once."""
    starts = np.zeros(len(days), np.int64)
    for rows in alike(zone, days):
        starts[rows] = micros(day_start(day_of(days[rows[0]]), zones[zone[rows[0]]]))
    return starts


def _local(at_us: int, zone: str) -> tuple[int, float]:
    at = _EPOCH_AT + at_us * _MICRO
    day = local_day(at, zone)
    start = day_start(day, zone)
    return day_number(day), (at - start) / (day_start(day + timedelta(days=1), zone) - start)
