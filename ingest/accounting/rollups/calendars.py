"""Which quarter hours make an hour, which hours a day, which days a month; pure, by the calendars of `energy.periods`.

The zones decide: a day has 23 or 25 hours where the clock changes, an hour of a zone that is half an hour off begins at
half past in UTC. So what a UTC day changed reaches into the hours and days that overlap it at both ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from energy.periods import FIRST_DAY, PeriodKind, day_start, local_day, period_of, statistics_days, statistics_month

_QUARTER_HOUR = timedelta(minutes=15)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive UTC days, both included."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        """When the first begins."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def until(self) -> datetime:
        """When the last ends."""
        return datetime.combine(self.last + _DAY, time(), UTC)

    def local_days(self, zone: str) -> Iterator[date]:
        """The days of `zone` that overlap it."""
        day, beyond = local_day(self.since, zone), local_day(self.until - timedelta(microseconds=1), zone)
        while day <= beyond:
            yield day
            day += _DAY


def runs(days: Iterable[date]) -> list[Run]:
    """`days` as runs, none of which touches another."""
    found: list[Run] = []
    for day in sorted(set(days)):
        if found and found[-1].last + _DAY == day:
            found[-1] = Run(found[-1].first, day)
        else:
            found.append(Run(day, day))
    return found


def quarter_hours(run: Run, zone: str) -> Iterator[tuple[datetime, datetime]]:
    """Each quarter hour of the hours of `zone` that overlap `run`, with the start of its hour."""
    at = run.since
    while at < run.until:
        hour = period_of(at, PeriodKind.HOUR, zone)
        # A quarter hour is of the hour in which it starts, also where a zone's clock once changed within one.
        quarter = -(-(hour.start - _EPOCH) // _QUARTER_HOUR) * _QUARTER_HOUR + _EPOCH
        while quarter < hour.end:
            yield quarter, hour.start
            quarter += _QUARTER_HOUR
        at = hour.end


def hours(run: Run, zone: str) -> Iterator[tuple[datetime, date]]:
    """Each hour of the days of `zone` that overlap `run`, with its day."""
    for day in run.local_days(zone):
        at, end = day_start(day, zone), day_start(day + _DAY, zone)
        while at < end:
            yield at, day
            at = period_of(at, PeriodKind.HOUR, zone).end


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month: which calendar, its name, its first day, and the day after its last.

    `begins` is the day on which statistics months begin; 0 for calendar months.
    """

    begins: int
    name: date
    since: date
    until: date

    @property
    def kind(self) -> PeriodKind:
        """Of the period."""
        return PeriodKind.STATISTICS_MONTH if self.begins else PeriodKind.MONTH


def months(days: Iterable[date], begins: Iterable[int]) -> list[Month]:
    """The months that hold any of `days`: calendar months, and statistics months that begin on the days `begins`."""
    found = set()
    kept = [(0, FIRST_DAY), *((day, day) for day in begins if day != FIRST_DAY)]
    for day in days:
        for key, begin in kept:
            name = statistics_month(day, begin)
            found.add(Month(key, name, *statistics_days(name, begin)))
    return sorted(found)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
