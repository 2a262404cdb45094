"""Calendar periods in a zone, as pairs of UTC instants; "yesterday" and "last month" by the library, not by hand.

Days and longer are wall-clock periods: a day with a change of the clock has 23 or 25 hours. Hours and quarter
hours never mix two offsets: the repeated hour in autumn is two hours, told apart by the offset in their labels.

A statistics month (统计月) begins on a day of its own: one from the 26th to the 25th is named by the month in which it
ends, as bills and monthly statistics name it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DEFAULT_ZONE = "Asia/Shanghai"
FIRST_DAY, LAST_STATISTICS_DAY = 1, 28
"""A statistics month begins on a day that every month has."""


class PeriodKind(StrEnum):
    """The calendar's periods, shortest first."""

    QUARTER_HOUR = "quarter_hour"
    HOUR = "hour"
    DAY = "day"
    STATISTICS_MONTH = "statistics_month"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar period: from `start` up to, and not with, `end`, both in UTC.

    Attributes:
        label: what a person reads, e.g. `2026-03-01`, `2026-Q1`, `2026-03-01T13:15+08:00`.
        first_day: the calendar day, in the zone, on which it starts.
    """

    kind: PeriodKind
    start: datetime
    end: datetime
    label: str
    first_day: date

    @property
    def duration(self) -> timedelta:
        """The time that passes from `start` to `end`."""
        return self.end - self.start

    def elapsed_share(self, at: datetime) -> float:
        """Which share of the period has passed at the instant `at`: 0 before it, 1 after it."""
        return min(1.0, max(0.0, (at - self.start) / self.duration))


def period_of(
    at: datetime, kind: PeriodKind | str, zone: str = DEFAULT_ZONE, *, statistics_day: int = FIRST_DAY
) -> Period:
    """The period of `kind` in which the instant `at` lies, by the calendar of `zone`.

    The periods of one kind and zone cover all time without gap or overlap: `period_of(period.end, …)` is the next.

    Args:
        at: an instant.
        kind: which period.
        zone: IANA name.
        statistics_day: day of the month, 1 to 28, on which a statistics month begins; no other kind looks at it.

    Raises:
        ValueError: `at` has no zone, `kind` is not a period, or months do not all have a `statistics_day`.
        ZoneInfoNotFoundError: `zone` is not an IANA time zone.
    """
    if at.tzinfo is None:
        raise ValueError("a period needs an aware instant")
    kind, where = PeriodKind(kind), ZoneInfo(zone)
    if kind in _CLOCK:
        return _clock_period(at, kind, where)
    day = _day_of(at, where)
    if kind is PeriodKind.STATISTICS_MONTH:
        named = statistics_month(day, statistics_day)
        first, following = statistics_days(named, statistics_day)
        label = f"{named:%Y-%m}"
    else:
        first, following, label = _calendar(day, kind)
    return Period(kind, day_start(first, zone), day_start(following, zone), label, first)


def day_start(day: date, zone: str = DEFAULT_ZONE) -> datetime:
    """The first instant, in UTC, of the calendar day `day` in `zone`; also where midnight is skipped or repeated."""
    where = ZoneInfo(zone)
    midnight = datetime.combine(day, time(), where)  # fold 0: of two midnights the first
    start = midnight.astimezone(UTC)
    if start.astimezone(where).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return start
    # Midnight lies in a gap, so the day starts where the clock jumps: between the two readings of "midnight".
    return _change(midnight.replace(fold=1).astimezone(UTC), start, where)


def local_day(at: datetime, zone: str = DEFAULT_ZONE) -> date:
    """The calendar day in `zone` to which the instant `at` belongs."""
    return _day_of(at, ZoneInfo(zone))


def statistics_month(day: date, statistics_day: int) -> date:
    """The first day of the calendar month that names the statistics month of `day`.

    With `statistics_day` 26 the 25th of March belongs to March, the 26th to April; with 1 each day to its own month.

    Raises:
        ValueError: months do not all have a `statistics_day`.
    """
    ahead = _months_ahead(statistics_day)
    return _month(day, ahead if day.day >= statistics_day else 0)


def statistics_days(month: date, statistics_day: int) -> tuple[date, date]:
    """First day, and the day after the last, of the statistics month that the month of `month` names.

    Raises:
        ValueError: likewise.
    """
    first = _month(month, -_months_ahead(statistics_day))
    return first.replace(day=statistics_day), _month(first, 1).replace(day=statistics_day)


def _months_ahead(statistics_day: int) -> int:
    """By how many months the name of a statistics month is ahead of the month in which it begins."""
    if not FIRST_DAY <= statistics_day <= LAST_STATISTICS_DAY:
        raise ValueError(f"a statistics month begins on a day from 1 to {LAST_STATISTICS_DAY}, not on {statistics_day}")
    return int(statistics_day > FIRST_DAY)


def _month(day: date, later: int) -> date:
    """The first day of the calendar month that comes `later` months after that of `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 + later, 12)
    return date(year, month + 1, 1)


def _day_of(at: datetime, where: ZoneInfo) -> date:
    day = at.astimezone(where).date()
    following = day + timedelta(days=1)
    # A clock set back across midnight shows the old date once more; those minutes stay in the day that had begun.
    return following if at >= day_start(following, where.key) else day


def _calendar(day: date, kind: PeriodKind) -> tuple[date, date, str]:
    """First day, the day after the last, and label of the period of `kind` that holds `day`."""
    match kind:
        case PeriodKind.DAY:
            return day, day + timedelta(days=1), day.isoformat()
        case PeriodKind.MONTH:
            first, months, label = day.replace(day=1), 1, f"{day:%Y-%m}"
        case PeriodKind.QUARTER:
            quarter = (day.month - 1) // 3
            first, months, label = date(day.year, quarter * 3 + 1, 1), 3, f"{day:%Y}-Q{quarter + 1}"
        case _:
            first, months, label = date(day.year, 1, 1), 12, f"{day:%Y}"
    return first, _month(first, months), label


_CLOCK = {PeriodKind.QUARTER_HOUR: timedelta(minutes=15), PeriodKind.HOUR: timedelta(hours=1)}
_DAY_ZERO = datetime(1, 1, 1)  # noqa: DTZ001 - wall-clock arithmetic needs a naive anchor


def _clock_period(at: datetime, kind: PeriodKind, where: ZoneInfo) -> Period:
    """The quarter hour or hour of `at`, cut short where the zone's offset changes inside it."""
    length, at = _CLOCK[kind], at.astimezone(UTC)
    offset = _offset(at, where)
    wall = at.replace(tzinfo=None) + offset
    start = at - (wall - _DAY_ZERO) % length
    end = start + length
    if _offset(start, where) != offset:
        start = _change(start, at, where)
    if _offset(end - timedelta(microseconds=1), where) != offset:
        end = _change(at, end, where)
    local = start.astimezone(where)
    return Period(kind, start, end, local.isoformat(timespec="minutes"), local.date())


def _offset(at: datetime, where: ZoneInfo) -> timedelta:
    return at.astimezone(where).utcoffset() or timedelta()


def _change(before: datetime, after: datetime, where: ZoneInfo) -> datetime:
    """The one instant after `before`, at latest `after`, from which the offset of `after` holds; whole seconds."""
    old = _offset(before, where)
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(datetime.fromtimestamp(middle, UTC), where) == old:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)
