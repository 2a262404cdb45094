"""Real meters by day, their periods, and what was known of their past on each day: what projections are tried on."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from alerts.projecting.calendars import CELLS, CLASSES, MONTHS, Calendar, calendar_of, day_number, day_of
from alerts.projecting.history import MIN_DAYS, RECENT_DAYS, SETTLED_DAYS, History
from alerts.series.frame import Floats, Ids
from simulators.loads.catalogue import ShapeFile, shape_files

Kind: TypeAlias = Literal["month", "quarter", "year"]
KNOWN_ENOUGH = 0.9
"""Periods of which fewer days are known are left out."""
ZONE = "UTC"
"""The files' own days; no Chinese holidays, as the meters are British."""
_LENGTH: dict[Kind, int] = {"month": 1, "quarter": 3, "year": 12}
_STEP: dict[Kind, int] = {"month": 1, "quarter": 3, "year": 1}
"""Years begin with every month: three files hold too few of those that begin in January."""
_DAY_S = 86_400


class Period(NamedTuple):
    """A period, and where the year before that projections rest on ends: as numbers of days."""

    first: int
    until: int
    year_until: int


@dataclass(frozen=True)
class Meter:
    """A meter's days.

    Attributes:
        name: of the shape.
        first: number of the first day.
        used: what was used each day; on days that are not known an invented load, the mean of the like days around.
        known: of which days every interval was measured.
    """

    name: str
    first: int
    used: Floats
    known: NDArray[np.bool_]

    @property
    def calendar(self) -> Calendar:
        """Weekdays alone."""
        return calendar_of(ZONE)

    def periods(self, kind: Kind) -> Iterator[Period]:
        """Whole periods, with four weeks before them, of which enough days are known."""
        last = self.first + len(self.used)
        begin = day_of(self.first + RECENT_DAYS + SETTLED_DAYS + 31).replace(day=1)
        while (until := _later(begin, _LENGTH[kind])).toordinal() <= day_of(last).toordinal():
            first, end = day_number(begin), day_number(until)
            right = kind != "quarter" or begin.month % 3 == 1
            if right and self.known[first - self.first : end - self.first].mean() >= KNOWN_ENOUGH:
                yield Period(first, end, first if kind == "year" else day_number(date(begin.year, 1, 1)))
            begin = _later(begin, _STEP[kind] if right else 1)

    def history(self, as_of: Ids, period: Period) -> History:
        """What was known of the past on each of the days `as_of`."""
        until = as_of - SETTLED_DAYS
        recent = [self._sum(values, until - RECENT_DAYS, until) for values in self._powers()]
        since = day_number(_later(day_of(period.year_until), -12))
        year = [
            self._sum(values, np.full_like(as_of, since), np.full_like(as_of, period.year_until))
            for values in self._powers()
        ]
        by_class = [one.reshape(-1, MONTHS, CLASSES).sum(axis=1) for one in recent]
        counts = self.calendar.counts(until - RECENT_DAYS, until).astype(np.float64)
        return History(by_class[1], by_class[2], by_class[0], counts, year[1], year[0])

    def _powers(self) -> tuple[Floats, Floats, Floats]:
        """Per day: whether it is known, and if so what it used, and the square of that."""
        known = self.known.astype(np.float64)
        return known, known * self.used, known * self.used**2

    def _sum(self, values: Floats, since: Ids, until: Ids) -> Floats:
        before = np.zeros((len(values) + 1, CELLS))
        before[np.arange(1, len(before)), self.calendar.cells_of(np.arange(self.first, self.first + len(values)))] = (
            values
        )
        before = before.cumsum(axis=0)
        borders = [np.clip(days - self.first, 0, len(values)) for days in (since, until)]
        difference: Floats = before[borders[1]] - before[borders[0]]
        return difference


def meters() -> list[Meter]:
    """All that ship with the simulator."""
    return [_meter(name, file) for name, file in shape_files().items()]


def _meter(name: str, file: ShapeFile) -> Meter:
    rows = {row["start"]: float(row["value"]) for row in csv.DictReader(file.text().splitlines())}
    days = np.array([day_number(datetime.fromisoformat(start).date()) for start in rows])
    used, count = np.zeros(np.ptp(days) + 1), np.zeros(np.ptp(days) + 1)
    np.add.at(used, days - days.min(), list(rows.values()))
    np.add.at(count, days - days.min(), 1)
    known = count == _DAY_S / file.interval_s
    return Meter(name, int(days.min()), _filled(int(days.min()), used, known), known)


def _filled(first: int, used: Floats, known: NDArray[np.bool_]) -> Floats:
    """Days that are not known as the mean of their class from four weeks before to four weeks after."""
    classes = calendar_of(ZONE).cells_of(np.arange(first, first + len(used))) % CLASSES
    filled = used.copy()
    for day in np.flatnonzero(~known):
        around = slice(max(day - RECENT_DAYS, 0), day + RECENT_DAYS + 1)
        alike = known[around] & (classes[around] == classes[day])
        filled[day] = used[around][alike].mean() if alike.sum() >= min(MIN_DAYS, 2) else 0.0
    return filled


def _later(day: date, months: int) -> date:
    """The first of the month that comes so many months later."""
    year, month = divmod(day.year * MONTHS + day.month - 1 + months, MONTHS)
    return date(year, month + 1, 1)
