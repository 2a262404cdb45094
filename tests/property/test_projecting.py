"""Profiles and projections under any calendar: shares never fall, ends are right where days repeat."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerts.projecting.calendars import CELLS, calendar_of, day_number, day_of, local_times
from alerts.projecting.history import History, courses_of
from alerts.projecting.model import Projection
from alerts.projecting.profiles import due_shares
from alerts.projecting.project import project
from alerts.quotas.profile import EVEN, LastYear, Plan, Profile, Shift, Shifts, WorkingDays
from alerts.series.frame import NEVER, Floats
from energy.periods import PeriodKind, day_start, local_day, period_of
from tests.support.projecting import SHANGHAI, courses_by, flat, joined, used_by, watch

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = (SHANGHAI, "Europe/London")
KINDS = (PeriodKind.DAY, PeriodKind.MONTH, PeriodKind.STATISTICS_MONTH, PeriodKind.QUARTER, PeriodKind.YEAR)
DAYS = st.dates(date(2019, 1, 1), date(2026, 12, 31))
WEIGHTS = st.floats(0.01, 100)
CELL_MEANS = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).uniform(0.01, 100, CELLS))
SHIFTS = st.builds(
    Shift,
    start=st.sampled_from(("00:00", "06:15", "22:00")),
    end=st.sampled_from(("00:00", "05:45", "14:00", "22:00")),
    days=st.sampled_from((("working", "made_up"), ("rest",), ("working", "rest", "holiday", "made_up"))),
    weight=WEIGHTS,
)


def plans(day: date) -> st.SearchStrategy[Plan]:
    """Of some months around a day, not always of all that a period needs."""
    months = [f"{day.year}-{month:02}" for month in range(1, 13)]
    return st.dictionaries(st.sampled_from(months), WEIGHTS, min_size=1).map(Plan)


def profiles(day: date) -> st.SearchStrategy[Profile]:
    """Any."""
    shifts = st.builds(Shifts, shifts=st.lists(SHIFTS, min_size=1, max_size=3).map(tuple), idle=st.floats(0, 1))
    days = st.builds(WorkingDays, rest=st.floats(0, 2), holiday=st.floats(0, 2))
    return st.one_of(st.just(EVEN), st.just(LastYear()), days, shifts, plans(day))


@given(st.data(), st.sampled_from(ZONES), st.sampled_from(KINDS), DAYS, CELL_MEANS)
def test_due_shares_run_from_0_to_1_and_never_fall(
    data: st.DataObject, zone: str, kind: PeriodKind, day: date, cells: Floats
) -> None:
    """Under every profile, in each period of each calendar, leap years, short days and statistics months among them."""
    period = period_of(day_start(day, zone), kind, zone, statistics_day=26)
    parts = sorted(data.draw(st.lists(st.floats(0, 1), max_size=8)))
    inside = [period.start + part * period.duration for part in parts]
    at = [period.start - timedelta(hours=5), period.start, *inside, period.end, period.end + timedelta(days=3)]
    profile = data.draw(profiles(day))
    quota = watch(period, at, [0.0] * len(at), zone=zone, profile=profile, course=0)
    due, kinds = due_shares(quota, courses_by(cells, day, zone), local_times(quota.at_us, quota.zone, quota.zones))
    assert due[0] == due[1] == 0
    assert due[-1] == due[-2] == 1
    assert (np.diff(due) >= 0).all()
    if not isinstance(profile, Plan | WorkingDays | Shifts):
        assert set(kinds) == {"last_year" if isinstance(profile, LastYear) else "even"}


@given(st.data(), st.sampled_from(ZONES), DAYS)
def test_days_weigh_what_their_profile_says_wherever_the_period_is_cut(
    data: st.DataObject, zone: str, day: date
) -> None:
    """Shares at days' borders are sums of days' weights, worked out day by day."""
    rest, holiday = data.draw(st.tuples(st.floats(0, 2), st.floats(0.01, 2)))
    plan = {f"{day.year}-{month:02}": data.draw(WEIGHTS) for month in range(1, 13)} | {day.isoformat(): 0.005}
    cells, kind = data.draw(CELL_MEANS), data.draw(st.sampled_from(KINDS[1:4]))
    period = period_of(day_start(day, zone), kind, zone, statistics_day=1)
    calendar = calendar_of(zone)
    first, until = day_number(period.first_day), day_number(local_day(period.end, zone))
    borders = [day_start(day_of(number), zone) for number in range(first, until + 1)]

    def planned(number: int) -> float:
        one = day_of(number)
        length = (one.replace(day=28) + timedelta(days=4)).replace(day=1) - one.replace(day=1)
        in_month = (one.year, one.month) == (day.year, day.month)
        left = plan[f"{one:%Y-%m}"] - (0.005 if in_month else 0)
        return 0.005 if one == day else left / (length.days - in_month)

    courses = courses_by(cells, day, zone)

    def cell(number: int) -> int:
        return int(calendar.cells_of(np.array([number]))[0])

    cases: list[tuple[Profile, Callable[[int], float]]] = [
        (WorkingDays(rest, holiday), lambda number: (1.0, rest, holiday)[cell(number) % 3]),
        (LastYear(), lambda number: float(courses.year[0][cell(number)])),
        (Plan(plan), planned),
    ]
    for profile, weight in cases:
        quota = watch(period, borders, [0.0] * len(borders), zone=zone, profile=profile, course=0)
        due, _ = due_shares(quota, courses, local_times(quota.at_us, quota.zone, quota.zones))
        sums = np.array([0.0, *accumulate(weight(number) for number in range(first, until))])
        np.testing.assert_allclose(due, sums / sums[-1], atol=1e-9)


@given(st.sampled_from(ZONES), st.sampled_from(KINDS), DAYS, CELL_MEANS, st.floats(0.01, 0.99), st.floats(0.2, 1.2))
@example(SHANGHAI, KINDS[0], date(2019, 1, 1), np.random.default_rng(249).uniform(0.01, 100, CELLS), 0.5, 1.0)
def test_where_days_repeat_every_method_that_knows_days_ends_right(  # noqa: PLR0913, PLR0917 - drawn
    zone: str, kind: PeriodKind, day: date, cells: Floats, part: float, share: float
) -> None:
    """A subject that uses what its days always used: the end is met, and the limit is reached when it is."""
    cells = np.tile(cells[:3], 12)  # the last four weeks tell of every month only where months are alike
    period = period_of(day_start(day, zone), kind, zone, statistics_day=26)
    at = period.start + part * period.duration
    total, used = (used_by(cells, period.first_day, until, zone) for until in (period.end, at))
    limit = share * total
    courses = courses_by(cells, local_day(at, zone), zone)
    for method in ("mixture", "last_year", "like_days"):
        seen = project(watch(period, [at], [used], limit, zone=zone, course=0), courses, (method,))
        assert seen.method[0] == method
        assert seen.projected[0] == pytest.approx(total)
        assert seen.low[0] <= seen.projected[0] <= seen.high[0]
        if used <= limit and round(total / limit, 9) > 1:
            reached = EPOCH + timedelta(microseconds=int(seen.exhausted_us[0]))
            # Within a day with a change of the clock, 23 or 25 hours count as one day.
            assert used_by(cells, period.first_day, reached, zone) == pytest.approx(limit, abs=cells.max() / 12)
        else:
            assert seen.exhausted_us[0] == NEVER


SOME = (EVEN, LastYear(), WorkingDays(), Shifts((Shift("22:00", "06:15"),)), Plan({"2026-05": 1.0, "2026-06": 2.0}))
ROWS = st.tuples(DAYS, st.sampled_from(KINDS), st.floats(0, 1), st.sampled_from((-1, 0)), st.sampled_from(SOME))


@settings(max_examples=20)
@given(st.lists(ROWS, min_size=2, max_size=6), CELL_MEANS, st.randoms(use_true_random=False))
def test_quotas_do_not_sway_each_other(
    drawn: list[tuple[date, PeriodKind, float, int, Profile]], cells: Floats, order: random.Random
) -> None:
    """All at once in any order come to what each does alone."""
    courses = courses_by(cells, date(2026, 5, 5), scale=1.3)
    rows = []
    for number, (day, kind, part, course, profile) in enumerate(drawn):
        period = period_of(day_start(day), kind, statistics_day=26)
        rows.append(
            watch(period, [period.start + part * period.duration], [number], 3.0, profile=profile, course=course)
        )
    alone = [project(row, courses) for row in rows]
    mixed = order.sample(range(len(rows)), len(rows))
    together = project(joined([rows[number] for number in mixed]), courses)
    for name in Projection.__dataclass_fields__:
        each = [getattr(alone[number], name)[0] for number in mixed]
        found = getattr(together, name).tolist()
        if name.endswith("method"):
            assert found == each
        else:
            np.testing.assert_allclose(found, each, rtol=1e-12, err_msg=name)


def test_the_same_instant_has_one_share_in_every_row() -> None:
    """To the last digit: what is due never falls, and no quota's share depends on its place among others."""
    year = period_of(day_start(date(2026, 1, 1)), "year")
    quota = watch(year, [year.start + year.duration / 2] * 7, [0.0] * 7, profile=LastYear(), course=0)
    at = local_times(quota.at_us, quota.zone, quota.zones)
    for seed in range(8):
        cells = np.random.default_rng(seed).uniform(0.01, 100, CELLS)
        due, _ = due_shares(quota, courses_by(cells, date(2026, 1, 1)), at)
        assert set(due) == {due[0]}


def test_a_festival_takes_its_days_along_when_it_moves() -> None:
    """In 2025 the Spring Festival began on 28 January, in 2026 on 15 February: nothing is due on its days in either."""
    cells = flat(10, 10, 0)
    courses = courses_by(cells, date(2026, 1, 10))
    year = period_of(day_start(date(2026, 1, 1)), "year")
    days = [date(2026, 1, 28), date(2026, 1, 29), date(2026, 2, 16), date(2026, 2, 17)]
    quota = watch(year, [day_start(day) for day in days], [0.0] * 4, profile=LastYear(), course=0)
    due, _ = due_shares(quota, courses, local_times(quota.at_us, quota.zone, quota.zones))
    assert due[1] - due[0] == pytest.approx(1 / (365 - 33), rel=0.02), "a day like any other this year"
    assert due[3] == due[2], "a day of the festival"


def test_what_is_not_known_is_not_said() -> None:
    """Without data nothing; without a past the pace, by name and without an interval; before the period no pace."""
    month = period_of(day_start(date(2026, 3, 1)), "month")
    half = month.start + month.duration / 2
    courses = courses_by(flat(1, 1, 1), date(2026, 3, 16))
    unknown = project(watch(month, [None, half], [5.0, math.nan], 31, course=0), courses)
    assert np.isnan([unknown.pace, unknown.projected, unknown.low, unknown.high]).all()
    assert unknown.method.tolist() == ["", ""]
    new = project(watch(month, [half], [20.0], 31), courses)
    assert (new.method[0], new.projected[0], new.pace[0]) == ("pace", 40.0, round(20 / 15.5, 9))
    assert np.isnan(new.low[0])
    begun = project(watch(month, [month.start], [0.0], 31, course=0), courses)
    assert np.isnan(begun.pace[0])
    assert begun.projected[0] == pytest.approx(31)
    over = project(watch(month, [month.end + timedelta(days=9)], [31.0], 31, course=0), courses)
    assert (over.projected[0], over.low[0], over.high[0], over.pace[0]) == (31.0, 31.0, 31.0, 1.0)
    assert over.exhausted_us[0] == NEVER, "exactly at the limit is not over it"


def test_few_known_days_say_nothing_and_unknown_ones_count_neither_way() -> None:
    """Six known days of a month, or of the last four weeks, are too few; half of the days tell as much as all."""
    days = np.array([[20.0, 8.0, 0.0]])
    counts = np.zeros((1, CELLS))
    counts[0, :3] = days
    year = np.tile(days, 12)
    half = courses_of(History(days * 5, days * 25, days / 2, counts, year * 10, year / 2))
    np.testing.assert_allclose(half.recent[0], [10, 10, 10])
    np.testing.assert_allclose(half.year[0], np.full(CELLS, 20))
    few = np.array([[4.0, 2.0, 0.0]])
    none = courses_of(History(few * 5, few * 25, few, counts, np.tile(few, 12), np.tile(few, 12)))
    assert np.isnan(none.recent).all()
    assert np.isnan(none.year).all()
    assert np.isnan(half.recent[-1]).all()
