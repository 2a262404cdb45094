"""Calendar periods cover all time, in zones with and without changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from energy.periods import PeriodKind, day_start, local_day, period_of, statistics_days, statistics_month

ZONES = (
    "Asia/Shanghai",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",  # set its clock back at 00:01 until 2011
    "America/Sao_Paulo",  # skipped midnight
    "America/Havana",  # repeats midnight
    "Australia/Lord_Howe",  # moves by half an hour
    "Asia/Kathmandu",  # 5:45 ahead
    "Pacific/Apia",  # skipped a whole day
)
instants = st.datetimes(datetime(1995, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(instants, st.sampled_from(PeriodKind), st.sampled_from(ZONES))
@example(datetime(2009, 11, 1, 2, 45, tzinfo=UTC), PeriodKind.DAY, "America/St_Johns")
@example(datetime(2017, 10, 15, 3, 30, tzinfo=UTC), PeriodKind.DAY, "America/Sao_Paulo")
@example(datetime(2011, 12, 30, 10, 0, tzinfo=UTC), PeriodKind.DAY, "Pacific/Apia")
@example(datetime(2024, 4, 6, 15, 10, tzinfo=UTC), PeriodKind.HOUR, "Australia/Lord_Howe")
def test_an_instant_lies_in_its_period_and_periods_join_without_gap(at: datetime, kind: PeriodKind, zone: str) -> None:
    """Whatever the zone does to its clock, each instant has one period and the next one starts where it ends."""
    period = period_of(at, kind, zone)
    assert period.start <= at < period.end
    assert period_of(period.start, kind, zone) == period
    assert period_of(period.end - timedelta(microseconds=1), kind, zone) == period
    following = period_of(period.end, kind, zone)
    assert following.start == period.end
    assert following.label != period.label


@given(instants, st.sampled_from(ZONES))
def test_each_period_is_cut_into_whole_shorter_ones(at: datetime, zone: str) -> None:
    """A year's border is a quarter's, a month's and a day's; an hour's is a quarter hour's."""
    for longer, shorter in (("year", "quarter"), ("quarter", "month"), ("month", "day"), ("hour", "quarter_hour")):
        outer = period_of(at, longer, zone)
        assert period_of(outer.start, shorter, zone).start == outer.start
        assert period_of(outer.end, shorter, zone).start == outer.end


@given(instants, st.sampled_from(ZONES))
def test_the_day_of_an_instant_is_its_period_s_first_day(at: datetime, zone: str) -> None:
    """`local_day` and `period_of` never disagree."""
    assert local_day(at, zone) == period_of(at, "day", zone).first_day


@given(instants, st.sampled_from(PeriodKind), st.sampled_from(ZONES), st.floats(0, 1))
def test_the_elapsed_share_grows_from_none_to_all(at: datetime, kind: PeriodKind, zone: str, part: float) -> None:
    """It is 0 before the period, 1 after it, and in proportion to time inside it."""
    period = period_of(at, kind, zone)
    assert period.elapsed_share(period.start - timedelta(days=1)) == 0.0
    assert period.elapsed_share(period.end + timedelta(days=1)) == 1.0
    inside = period.elapsed_share(period.start + part * period.duration)
    assert abs(inside - part) < 1e-6


@given(instants, st.sampled_from(ZONES), st.integers(1, 28))
def test_statistics_months_join_and_are_named_by_the_month_of_their_last_day(
    at: datetime, zone: str, statistics_day: int
) -> None:
    """Whatever day they begin on, they cover all time in whole days, one per calendar month."""
    period = period_of(at, "statistics_month", zone, statistics_day=statistics_day)
    assert period.start <= at < period.end
    assert period.first_day.day == statistics_day
    following = period_of(period.end, "statistics_month", zone, statistics_day=statistics_day)
    assert following.start == period.end == day_start(following.first_day, zone)
    assert period.label == f"{following.first_day - timedelta(days=1):%Y-%m}"
    if statistics_day == 1:
        calendar = period_of(at, "month", zone)
        assert (period.start, period.end, period.label) == (calendar.start, calendar.end, calendar.label)


@given(st.dates(date(1999, 1, 1), date(2101, 1, 1)), st.integers(1, 28))
def test_the_statistics_month_of_a_day_holds_it(day: date, statistics_day: int) -> None:
    """`statistics_month` and `statistics_days` say the same; the day before its first belongs to another one."""
    month = statistics_month(day, statistics_day)
    first, following = statistics_days(month, statistics_day)
    assert first <= day < following
    assert (
        statistics_month(following, statistics_day)
        > month
        > statistics_month(first - timedelta(days=1), statistics_day)
    )
