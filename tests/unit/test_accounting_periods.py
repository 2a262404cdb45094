"""The cases in which calendars were seen to go wrong: the 1st, January, leap years, changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from energy.periods import day_start, local_day, period_of, statistics_days, statistics_month


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("at", "kind", "label", "start", "end"),
    [
        ("2026-03-01T00:00+08:00", "day", "2026-03-01", "2026-02-28T16:00Z", "2026-03-01T16:00Z"),
        ("2026-03-01T00:00+08:00", "month", "2026-03", "2026-02-28T16:00Z", "2026-03-31T16:00Z"),
        ("2026-01-01T00:00+08:00", "month", "2026-01", "2025-12-31T16:00Z", "2026-01-31T16:00Z"),
        ("2025-12-31T23:59+08:00", "year", "2025", "2024-12-31T16:00Z", "2025-12-31T16:00Z"),
        ("2026-01-01T07:59+08:00", "quarter", "2026-Q1", "2025-12-31T16:00Z", "2026-03-31T16:00Z"),
        ("2028-02-29T12:00+08:00", "month", "2028-02", "2028-01-31T16:00Z", "2028-02-29T16:00Z"),
        ("2028-02-29T12:00+08:00", "day", "2028-02-29", "2028-02-28T16:00Z", "2028-02-29T16:00Z"),
        ("2026-03-01T13:29+08:00", "quarter_hour", "2026-03-01T13:15+08:00", "2026-03-01T05:15Z", "2026-03-01T05:30Z"),
        ("2026-12-31T23:50+08:00", "hour", "2026-12-31T23:00+08:00", "2026-12-31T15:00Z", "2026-12-31T16:00Z"),
    ],
)
def test_borders_in_china(at: str, kind: str, label: str, start: str, end: str) -> None:
    """The calendar of Asia/Shanghai, at the borders where date arithmetic by hand fails."""
    period = period_of(_at(at), kind)
    assert (period.label, period.start, period.end) == (label, _at(start), _at(end))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_days_of_a_changing_clock_in_london(day: str, hours: int) -> None:
    """The day on which the clock changes has 23 or 25 hours."""
    period = period_of(_at(f"{day}T12:00Z"), "day", "Europe/London")
    assert period.duration == timedelta(hours=hours)
    assert period.label == day


def test_the_repeated_hour_in_autumn_is_two_hours() -> None:
    """01:30 comes twice in London; each has its own hour and its own label."""
    summer = period_of(_at("2026-10-25T00:30Z"), "hour", "Europe/London")
    winter = period_of(_at("2026-10-25T01:30Z"), "hour", "Europe/London")
    assert summer.label == "2026-10-25T01:00+01:00"
    assert winter.label == "2026-10-25T01:00+00:00"
    assert summer.end == winter.start


def test_an_hour_in_which_the_clock_moves_by_half_an_hour_is_cut_there() -> None:
    """On Lord Howe 02:00 became 02:30 on 2024-10-06: that hour has thirty minutes left, and no label twice."""
    cut = period_of(_at("2024-10-05T15:45Z"), "hour", "Australia/Lord_Howe")
    assert (cut.start, cut.end) == (_at("2024-10-05T15:30Z"), _at("2024-10-05T16:00Z"))
    assert cut.label == "2024-10-06T02:30+11:00"


def test_a_day_whose_midnight_is_skipped_starts_at_the_jump() -> None:
    """In São Paulo the clock jumped from 00:00 to 01:00 on 2017-10-15."""
    assert day_start(date(2017, 10, 15), "America/Sao_Paulo") == _at("2017-10-15T03:00Z")


def test_minutes_shown_again_after_midnight_stay_in_the_day_that_had_begun() -> None:
    """St. John's set 00:01 back to 23:01 on 2009-11-01: the days still do not overlap."""
    assert local_day(_at("2009-11-01T02:45Z"), "America/St_Johns") == date(2009, 11, 1)


def test_an_instant_without_zone_is_refused() -> None:
    """Local wall time is not an instant."""
    with pytest.raises(ValueError, match="aware"):
        period_of(datetime.now(UTC).replace(tzinfo=None), "day")


@pytest.mark.parametrize(
    ("at", "label", "start", "end"),
    [
        ("2026-03-01T00:00+08:00", "2026-03", "2026-02-25T16:00Z", "2026-03-25T16:00Z"),
        ("2026-03-25T23:59+08:00", "2026-03", "2026-02-25T16:00Z", "2026-03-25T16:00Z"),
        ("2026-03-26T00:00+08:00", "2026-04", "2026-03-25T16:00Z", "2026-04-25T16:00Z"),
        ("2025-12-31T23:59+08:00", "2026-01", "2025-12-25T16:00Z", "2026-01-25T16:00Z"),
        ("2026-01-01T00:00+08:00", "2026-01", "2025-12-25T16:00Z", "2026-01-25T16:00Z"),
        ("2028-02-29T12:00+08:00", "2028-03", "2028-02-25T16:00Z", "2028-03-25T16:00Z"),
    ],
)
def test_statistics_months_from_the_26th_in_china(at: str, label: str, start: str, end: str) -> None:
    """From the 26th to the 25th, named by the month in which it ends: on the 1st, in January, over a leap day."""
    period = period_of(_at(at), "statistics_month", statistics_day=26)
    assert (period.label, period.start, period.end) == (label, _at(start), _at(end))


def test_a_statistics_month_with_a_change_of_the_clock_is_an_hour_short() -> None:
    """London's from 26 February to 25 March 2027 has none; the next one holds 28 March."""
    before = period_of(_at("2027-03-01T12:00Z"), "statistics_month", "Europe/London", statistics_day=26)
    after = period_of(before.end, "statistics_month", "Europe/London", statistics_day=26)
    assert before.duration == timedelta(days=28)
    assert after.duration == timedelta(days=31) - timedelta(hours=1)


@pytest.mark.parametrize("statistics_day", [0, 29, -1])
def test_a_day_that_not_every_month_has_begins_no_statistics_month(statistics_day: int) -> None:
    """February would have none."""
    for wrong in (
        lambda: period_of(_at("2026-03-01T00:00Z"), "statistics_month", statistics_day=statistics_day),
        lambda: statistics_month(date(2026, 3, 1), statistics_day),
        lambda: statistics_days(date(2026, 3, 1), statistics_day),
    ):
        with pytest.raises(ValueError, match="1 to 28"):
            wrong()
