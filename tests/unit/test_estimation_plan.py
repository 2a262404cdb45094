"""Which days stand in for a gap: by type and nearness, by the wall clock, and never more than some weeks of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from energy.working_days import DayClass
from ingest.accounting.estimation.like_days import tiers
from ingest.accounting.estimation.plan import Plan, plan
from ingest.accounting.estimation.rules import EstimationSettings
from ingest.accounting.estimation.walls import SLOTS, walls

RULES = EstimationSettings()
SHANGHAI = "Asia/Shanghai"


def _quarter(zone: str, day: date, hour: int = 0) -> int:
    """The quarter hour that begins at that local time, numbered from 1970 UTC."""
    return round(datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone)).timestamp()) // 900


def _days(made: Plan, opening: date, need: int = 0) -> list[list[str]]:
    """The days of each tier of a need, nearest first."""
    start = opening - timedelta(days=made.days)
    return [[f"{start + timedelta(days=int(at)):%m-%d}" for at in tier] for tier in made.needs[need].tiers]


def test_a_tuesday_takes_tuesdays_then_midweek_then_any_working_day() -> None:
    """Nearest first; holidays and their make-up days come last or not at all."""
    at = _quarter(SHANGHAI, date(2026, 3, 17), 8)
    same, midweek, worked = _days(plan(SHANGHAI, at, at + 12, RULES), date(2026, 3, 17))
    assert same == ["03-10", "03-03", "02-24", "02-10", "02-03", "01-27", "01-20"]  # 02-17 is the spring festival
    assert midweek[:4] == ["03-12", "03-11", "03-05", "03-04"]
    assert worked[:3] == ["03-16", "03-13", "03-09"]
    assert "02-14" in worked
    assert "02-17" not in same + midweek + worked


def test_rest_days_and_holidays_have_their_own() -> None:
    """A Sunday by Sundays, then Saturdays; a holiday by holidays, then Sundays, then Saturdays."""
    at = _quarter(SHANGHAI, date(2026, 3, 15))
    sundays, rest = _days(plan(SHANGHAI, at, at + 12, RULES), date(2026, 3, 15))
    assert sundays[:2] == ["03-08", "03-01"]
    assert rest[:2] == ["03-14", "03-07"]
    at = _quarter(SHANGHAI, date(2026, 4, 5))
    holidays, sundays, saturdays = _days(plan(SHANGHAI, at, at + 12, RULES), date(2026, 4, 5))
    assert holidays[:2] == ["04-04", "02-23"]
    assert sundays[0] == "03-29"
    assert saturdays[0] == "03-28"


def test_a_day_worked_in_lieu_is_like_any_working_day() -> None:
    """It has no weekday of its own: its plant runs as on the days around it."""
    at = _quarter(SHANGHAI, date(2026, 5, 9))
    ((nearest, *_),) = _days(plan(SHANGHAI, at, at + 12, RULES), date(2026, 5, 9))
    assert nearest == "05-08"


@pytest.mark.parametrize("class_", list(DayClass))
def test_no_type_stands_in_for_the_opposite(class_: DayClass) -> None:
    """Days of work never stand in for days of rest, nor the reverse."""
    worked = {DayClass.WORKING, DayClass.MADE_UP}
    for weekday in range(7):
        others = {other for tier in tiers((class_, weekday)) for other, _ in tier}
        assert others <= worked if class_ in worked else not others & worked


def test_only_what_is_needed_is_read() -> None:
    """Three hours need three hours of some days, not eight weeks."""
    at = _quarter(SHANGHAI, date(2026, 3, 17), 8)
    runs = plan(SHANGHAI, at, at + 12, RULES).runs
    assert {beyond - first for first, beyond in runs} == {12}
    assert len(runs) <= 40
    assert {first % SLOTS for first, _ in runs} == {0}  # 08:00 in China is midnight UTC


def test_a_year_reads_no_more_than_the_weeks_before_it() -> None:
    """Its days repeat: the window does not grow with the gap, nor do the needs."""
    at = _quarter(SHANGHAI, date(2025, 3, 17), 8)
    made = plan(SHANGHAI, at, at + 366 * SLOTS, RULES)
    assert sum(beyond - first for first, beyond in made.runs) <= 56 * SLOTS
    assert all(first >= at - 57 * SLOTS and beyond <= at for first, beyond in made.runs)
    assert len(made.needs) <= 7 + 2 + 7 + 2
    assert len(made.need) == 366 * SLOTS


def test_years_without_a_calendar_are_named() -> None:
    """Both of the gap and of the days before it."""
    at = _quarter(SHANGHAI, date(2099, 1, 10))
    assert plan(SHANGHAI, at, at + 12, RULES).unknown_years == {2098, 2099}
    assert not plan("Europe/Berlin", at, at + 12, RULES).unknown_years


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize("month", [3, 10, 11])
def test_the_wall_clock_is_that_of_the_library(zone: str, month: int) -> None:
    """Each quarter hour of a month, changes of the clock among them, against `zoneinfo` one by one."""
    first = round(datetime(2026, month, 1, tzinfo=UTC).timestamp()) // 900 + 5
    day, slot = walls(zone, first, first + 31 * SLOTS)
    for number in range(31 * SLOTS):
        local = datetime.fromtimestamp(900 * (first + number), ZoneInfo(zone))
        assert (day[number], slot[number]) == (local.toordinal(), local.hour * 4 + local.minute // 15)


def test_the_hour_that_comes_twice_counts_once() -> None:
    """In autumn the first of the two hours is the reference; in spring the skipped one is simply not there."""
    at = _quarter("Europe/Berlin", date(2026, 11, 2))
    made = plan("Europe/Berlin", at, at + SLOTS, RULES)
    sunday = made.window_day == made.days - 8  # 2026-10-25
    assert np.bincount(made.window_slot[sunday], minlength=SLOTS).tolist() == [1] * SLOTS
    at = _quarter("Europe/Berlin", date(2026, 4, 3))
    made = plan("Europe/Berlin", at, at + SLOTS, RULES)
    sunday = made.window_day == made.days - 5  # 2026-03-29
    assert np.bincount(made.window_slot[sunday], minlength=SLOTS).tolist() == [1] * 8 + [0] * 4 + [1] * 84


def test_settings_that_contradict_themselves_are_refused() -> None:
    """At least more than at most can never be met."""
    with pytest.raises(ValueError, match="least_days"):
        EstimationSettings(least_days=5, most_days=4)
