"""The working calendar: announced holidays, days worked in lieu, and what holds where neither is known."""

from __future__ import annotations

from datetime import date

import pytest

from energy.working_days import ZONES, DayClass, DayKind, day_kind


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 2, 13), DayClass.WORKING),  # the Friday before the spring festival
        (date(2026, 2, 14), DayClass.MADE_UP),  # a Saturday that is worked for it
        (date(2026, 2, 17), DayClass.HOLIDAY),  # its Tuesday
        (date(2026, 2, 21), DayClass.HOLIDAY),  # a Saturday within it
        (date(2026, 2, 28), DayClass.MADE_UP),
        (date(2026, 3, 1), DayClass.REST),
        (date(2026, 3, 2), DayClass.WORKING),
        (date(2025, 10, 1), DayClass.HOLIDAY),
        (date(2025, 9, 28), DayClass.MADE_UP),  # a Sunday
        (date(2024, 2, 9), DayClass.WORKING),  # New Year's Eve, which was no holiday that year
    ],
)
def test_days_of_mainland_china_follow_the_announcement(day: date, expected: DayClass) -> None:
    """Holidays with all their days, and weekends that are worked for them."""
    assert {day_kind(day, zone) for zone in ZONES} == {DayKind(expected, day.weekday(), announced=True)}


def test_a_year_that_is_not_announced_goes_by_weekdays_and_says_so() -> None:
    """Nobody invents the holidays of 2099; that they are missing is part of the answer."""
    kinds = [day_kind(date(2099, 1, day), "Asia/Shanghai") for day in range(1, 8)]
    assert not any(kind.announced for kind in kinds)
    assert {kind.class_ for kind in kinds if kind.weekday > 4} == {DayClass.REST}
    assert {kind.class_ for kind in kinds if kind.weekday <= 4} == {DayClass.WORKING}


def test_elsewhere_only_the_weekday_counts() -> None:
    """The first of October is a Thursday like any other in Europe, and no announcement is missed there."""
    for day in (date(2026, 10, 1), date(2099, 10, 1)):
        assert day_kind(day, "Europe/Berlin") == DayKind(DayClass.WORKING, 3, announced=True)
