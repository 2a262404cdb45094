"""When a gap has no course: too few days, too little of the check meter, a meter that ran backwards."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from ingest.accounting.algebra.columns import Ints
from ingest.accounting.estimation.plan import Plan, plan
from ingest.accounting.estimation.rules import EstimationSettings
from ingest.accounting.estimation.shapes import Shape, of_check_meter, of_like_days

RULES = EstimationSettings()
TUESDAY = 20_529 * 96
"""2026-03-17T08:00 in China, as a quarter hour from 1970 UTC."""
THREE_HOURS = plan("Asia/Shanghai", TUESDAY, TUESDAY + 12, RULES)


def _days(made: Plan, *back: int) -> Ints:
    """All quarter hours of the days so many days before the gap's."""
    chosen = np.isin(made.window_day, [made.days - one for one in back])
    return made.first + np.flatnonzero(chosen)


def _shape(*back: int, amounts: dict[int, int] | None = None) -> Shape | None:
    quarter = _days(THREE_HOURS, *back)
    day = THREE_HOURS.days - THREE_HOURS.window_day[quarter - THREE_HOURS.first]
    quanta = np.array([(amounts or {}).get(one, 10) for one in day.tolist()])
    return of_like_days(quarter, quanta, THREE_HOURS, RULES)


@pytest.mark.parametrize(
    ("back", "found"),
    [
        ((7, 14, 21), True),  # three Tuesdays
        ((7, 14), False),
        ((7, 14, 6), True),  # a Wednesday fills up
        ((7, 14, 1), True),  # a Monday too, last
        ((7, 14, 2), False),  # a Sunday never
        ((1, 4, 8), True),  # Monday, Friday, Monday
        ((2, 3, 9, 10), False),  # weekends
    ],
)
def test_three_like_days_are_needed(back: tuple[int, ...], found: bool) -> None:  # noqa: FBT001 - a column of a table
    """Of the same type, or of one that stands in for it."""
    assert (_shape(*back) is not None) == found


def test_a_later_tier_only_fills_up_to_the_least_number() -> None:
    """With two Tuesdays one Thursday is taken, the nearest, and no Monday; with three, none."""
    two = _shape(7, 14, 5, 12, 1, amounts={7: 10, 14: 20, 5: 60, 12: 1_000, 1: 1_000})
    assert two
    assert set((two.amount / two.parts).tolist()) == {30.0}
    three = _shape(7, 14, 21, 5, amounts={7: 10, 14: 20, 21: 30, 5: 1_000})
    assert three
    assert set((three.amount / three.parts).tolist()) == {20.0}


def test_the_nearest_days_are_taken_when_there_are_many() -> None:
    """No more than eight by default; here two."""
    rules = msgspec.structs.replace(RULES, least_days=1, most_days=2)
    made = plan("Asia/Shanghai", TUESDAY, TUESDAY + 12, rules)
    quarter = _days(made, 7, 14, 21)
    quanta = np.repeat([1_000, 4, 2], 96)  # ascending in time: 21, 14, 7 days before
    shape = of_like_days(quarter, quanta, made, rules)
    assert shape
    assert set((shape.amount / shape.parts).tolist()) == {3.0}


def test_an_incomplete_day_does_not_count() -> None:
    """Of 12 quarter hours it must have 11; elsewhere in the day it may lack what it likes."""
    quarter = _days(THREE_HOURS, 7, 14, 21)
    slot = THREE_HOURS.window_slot[quarter - THREE_HOURS.first]
    day = THREE_HOURS.window_day[quarter - THREE_HOURS.first]
    last = day == THREE_HOURS.days - 7
    for lacking, found in (((32,), True), ((32, 33), False), (tuple(range(32)), True)):
        kept = ~(last & np.isin(slot, lacking))
        shape = of_like_days(quarter[kept], np.full(kept.sum(), 5), THREE_HOURS, RULES)
        assert (shape is not None) == found


def test_a_meter_that_ran_backwards_gives_no_shape() -> None:
    """A weight below zero would make other quarter hours of the gap more than all of it."""
    assert _shape(7, 14, 21, amounts={14: -1}) is None
    seen = np.arange(TUESDAY, TUESDAY + 12)
    assert of_check_meter(seen, np.array([1] * 11 + [-1]), TUESDAY, TUESDAY + 12, RULES) is None


def test_one_type_of_day_without_like_days_leaves_the_whole_gap_even() -> None:
    """From Friday to Sunday, with working days before but no weekend: parts of a scale would not fit together."""
    made = plan("Asia/Shanghai", TUESDAY + 3 * 96, TUESDAY + 5 * 96, RULES)
    working = _days(made, 1, 2, 3, 4, 7, 8, 9, 10, 11)
    assert of_like_days(working, np.ones(len(working), np.int64), made, RULES) is None
    every = _days(made, *range(1, 15), 20, 21, 27, 28)
    assert of_like_days(every, np.ones(len(every), np.int64), made, RULES) is not None


def test_each_day_of_a_gap_runs_as_its_own_type() -> None:
    """A Friday as Fridays, the Saturday after it as Saturdays: one scale, two courses."""
    made = plan("Asia/Shanghai", TUESDAY - 32 + 3 * 96, TUESDAY - 32 + 5 * 96, RULES)
    quarter = _days(made, 7, 14, 21, 6, 13)
    fridays = np.isin(made.window_day[quarter - made.first], [made.days - one for one in (7, 14, 21)])
    quarter = np.concatenate([quarter, _days(made, 41)])  # Saturdays between are worked, or of the spring festival
    quanta = np.concatenate([np.where(fridays, 10, 20), np.full(96, 20)])
    shape = of_like_days(quarter, quanta, made, RULES)
    assert shape
    assert (shape.amount / shape.parts).tolist() == [10.0] * 96 + [20.0] * 96


@pytest.mark.parametrize(
    ("lacking", "found"),
    [([], True), ([50], True), (range(92, 96), True), (range(40, 48), True), (range(40, 49), False)],
)
def test_a_check_meter_may_lack_a_little(lacking: range | list[int], found: bool) -> None:  # noqa: FBT001 - likewise
    """Nothing for more than two hours on end, at either edge too, and nine tenths in all."""
    seen = np.setdiff1d(np.arange(TUESDAY, TUESDAY + 96), TUESDAY + np.array(lacking, np.int64))
    assert (of_check_meter(seen, seen - TUESDAY, TUESDAY, TUESDAY + 96, RULES) is not None) == found


def test_a_check_meter_that_lacks_much_in_small_parts_is_not_used() -> None:
    """Every eighth quarter hour is more than a tenth."""
    seen = np.array([at for at in range(TUESDAY, TUESDAY + 96) if at % 8])
    assert of_check_meter(seen, np.ones(len(seen), np.int64), TUESDAY, TUESDAY + 96, RULES) is None


def test_zero_all_the_time_gives_even_weights() -> None:
    """Where nothing flowed the amount is nothing, and any weights will do that are not all zero."""
    shape = _shape(7, 14, 21, amounts={7: 0, 14: 0, 21: 0})
    assert shape
    assert not shape.amount.any()
    assert set(shape.weight().tolist()) == {1}
    assert replace(shape, parts=1).weight().tolist() == shape.weight().tolist()
