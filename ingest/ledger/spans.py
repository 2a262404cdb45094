"""The days of an account as spans of time, by the calendar of each zone: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from energy.periods import day_start


@dataclass(frozen=True, slots=True)
class Span:
    """What of a day of a zone is judged.

    Attributes:
        since, until: from the day's first instant to its end, or to now where it is not over; UTC.
    """

    zone: str
    day: date
    since: datetime
    until: datetime


def spans(zones: Iterable[str], first: date, last: date, now: datetime) -> Iterator[Span]:
    """The days from `first` to `last`, both included, in each of `zones`; none that has not begun at `now`.

    A day with a change of the clock has 23 or 25 hours.
    """
    for zone in zones:
        day, since = first, day_start(first, zone)
        while day <= last and since < now:
            following = day + timedelta(days=1)
            until = day_start(following, zone)
            yield Span(zone, day, since, min(until, now))
            day, since = following, until
