"""A time-of-use table: rows that must cover every hour of every kind of day exactly once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from energy.errors import Fault
from energy.periods import local_day
from energy.working_days import DayClass, day_kind

QUARTERS = 96
"""Quarter hours of the wall clock in a day: the finest that a table may say."""
_MINUTES = 15


class Kind(StrEnum):
    """What an hour is."""

    SHARP_PEAK = "sharp_peak"
    """尖峰."""
    PEAK = "peak"
    """高峰."""
    FLAT = "flat"
    """平段."""
    VALLEY = "valley"
    """低谷."""
    DEEP_VALLEY = "deep_valley"
    """深谷."""
    FORBIDDEN = "forbidden"
    """Hours in which the unit must not draw, as in a plan of orderly use (有序用电)."""


class Days(StrEnum):
    """The classes of days that tables tell apart; a weekend day that is worked in lieu is a working day."""

    WORKING = "working"
    REST = "rest"
    HOLIDAY = "holiday"


_CLASSES = {
    DayClass.WORKING: Days.WORKING,
    DayClass.MADE_UP: Days.WORKING,
    DayClass.REST: Days.REST,
    DayClass.HOLIDAY: Days.HOLIDAY,
}


@dataclass(frozen=True, slots=True)
class Period:
    """A row: from one time of the wall clock to another, in some months, on some days.

    Attributes:
        line: where it stands.
        months: 1 to 12.
        days: classes of days.
        since: first quarter hour of the day, 0 to 95.
        until: the one with which it ends, 1 to 96; not above `since`: it crosses midnight, and is both the end and the
            beginning of each such day, whatever the day before was.
        kind: what these hours are.
        factor: price over that of flat hours; None where nothing is said.
    """

    line: int
    months: frozenset[int]
    days: frozenset[Days]
    since: int
    until: int
    kind: Kind
    factor: float | None = None

    def quarters(self) -> Iterator[int]:
        """The quarter hours of a day that it covers."""
        if self.since < self.until:
            yield from range(self.since, self.until)
        else:
            yield from range(self.until)
            yield from range(self.since, QUARTERS)


Layout: TypeAlias = Mapping[tuple[int, Days], Sequence[Period]]
"""By month and class of days the row that holds in each of the 96 quarter hours."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one region and voltage from one day on.

    Attributes:
        region: first two, four or six digits of the districts in which it holds.
        voltage: of the units for which it holds; empty: of all that have no table of their own.
        valid_from: first day; it holds until a later table of the same region and voltage does.
        source: the document that says so.
        line: where its first row stands.
    """

    region: str
    voltage: str
    valid_from: date
    source: str
    periods: tuple[Period, ...]
    line: int = 0

    def layout(self) -> Layout:
        """Every quarter hour with its row; of a table without faults."""
        return {
            (month, days): _covered([one for one in self.periods if month in one.months and days in one.days])
            for month in range(1, 13)
            for days in Days
        }

    def at(self, instant: datetime, zone: str) -> Period:
        """The row that holds at an instant, by the wall clock and the calendar of a zone."""
        wall = instant.astimezone(ZoneInfo(zone))
        quarter = (wall.hour * 60 + wall.minute) // _MINUTES
        return self.layout()[wall.month, days_of(local_day(instant, zone), zone)][quarter]


def days_of(day: date, zone: str) -> Days:
    """The class of a day by the working calendar of its zone."""
    return _CLASSES[day_kind(day, zone).class_]


def faults(table: Table, source: str) -> list[Fault]:
    """Where rows of a table overlap, and what none of them covers; each pair and each hole once."""
    found: dict[tuple[int, ...], Fault] = {}
    for month in range(1, 13):
        for days in Days:
            rows = [one for one in table.periods if month in one.months and days in one.days]
            for line, other, quarter in _overlaps(rows):
                what = f"{clock(quarter)} on {days} days of month {month} is covered by line {other} too"
                found.setdefault((line, other), Fault(source, line, "from", what))
            for since, until in _holes(rows):
                what = f"no row covers {clock(since)} to {clock(until)} on {days} days of month {month}"
                found.setdefault((since, until), Fault(source, table.line, "from", what))
    return list(found.values())


def clock(quarter: int) -> str:
    """How the wall clock writes the beginning of a quarter hour."""
    return f"{quarter // 4:02d}:{quarter % 4 * _MINUTES:02d}"


def _covered(rows: Sequence[Period]) -> Sequence[Period]:
    by_quarter = {quarter: row for row in rows for quarter in row.quarters()}
    return [by_quarter[quarter] for quarter in range(QUARTERS)]


def _overlaps(rows: Sequence[Period]) -> Iterator[tuple[int, int, int]]:
    """Line, other line, first quarter hour in common."""
    taken: dict[int, int] = {}
    for row in rows:
        for quarter in row.quarters():
            if quarter in taken:
                yield row.line, taken[quarter], quarter
            taken.setdefault(quarter, row.line)


def _holes(rows: Sequence[Period]) -> Iterator[tuple[int, int]]:
    """Stretches that no row covers."""
    covered = {quarter for row in rows for quarter in row.quarters()}
    since = None
    for quarter in range(QUARTERS + 1):
        hole = quarter < QUARTERS and quarter not in covered
        if hole and since is None:
            since = quarter
        elif not hole and since is not None:
            yield since, quarter
            since = None
