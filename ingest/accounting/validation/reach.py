"""Which days' findings can change when a day's intervals change. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from energy.periods import local_day
from ingest.accounting.validation.loading import Checks

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
_YEAR = 12


def affected_days(days: Iterable[date], checks: Checks) -> list[date]:
    """The local days to judge when intervals or readings of the local `days` changed; ascending, `days` among them.

    Those days themselves; the next one, for runs over midnight; the same weekday of the following weeks, for whose zero
    runs they say what is usual; the first of the next month and of the same month next year, whose use is
    compared with theirs (every judged day brings the comparison of its whole month).
    """
    weeks = max(rules.zero_run.weeks for rules in (checks.default, *checks.classes.values()))
    found: set[date] = set()
    for day in days:
        found |= {day, day + _DAY, *(day + timedelta(weeks=week) for week in range(1, weeks + 1))}
        found |= {_months_later(day, 1), _months_later(day, _YEAR)}
    return sorted(found)


def local_days(days: Iterable[date], zones: Iterable[str]) -> list[date]:
    """The local days of `zones` that the UTC `days` touch; ascending."""
    found: set[date] = set()
    for day in days:
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        found |= {local_day(at, zone) for zone in zones for at in (start, start + _DAY - _MOMENT)}
    return sorted(found)


def _months_later(day: date, months: int) -> date:
    """The first day of the month so many after that of `day`."""
    year, month = divmod(day.month - 1 + months, _YEAR)
    return date(day.year + year, month + 1, 1)
