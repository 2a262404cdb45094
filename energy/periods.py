"""Calendar periods in a zone, as pairs of UTC instants; "yesterday" and "last month" by the library, not by hand.

Days and longer are wall-clock periods: a day with a change of the clock has 23 or 25 hours. Hours and quarter
hours never mix two offsets: the repeated hour in autumn is two hours, told apart by the offset in their labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DEFAULT_ZONE = "Asia/Shanghai"


class PeriodKind(StrEnum):
    """The calendar's periods, shortest first."""

    QUARTER_HOUR = "quarter_hour"
    HOUR = "hour"
    DAY = "day"
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


def period_of(at: datetime, kind: PeriodKind | str, zone: str = DEFAULT_ZONE) -> Period:
    """The period of `kind` in which the instant `at` lies, by the calendar of `zone`.

    The periods of one kind and zone cover all time without gap or overlap: `period_of(period.end, …)` is the next.

    Raises:
        ValueError: `at` has no zone, or `kind` is not a period.
        ZoneInfoNotFoundError: `zone` is not an IANA time zone.
    """
    if at.tzinfo is None:
        raise ValueError("a period needs an aware instant")
    kind, where = PeriodKind(kind), ZoneInfo(zone)
    if kind in _CLOCK:
        return _clock_period(at, kind, where)
    day = _day_of(at, where)
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
    year, month = divmod(first.month - 1 + months, 12)
    return first, date(first.year + year, month + 1, 1), label


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
