"""The course of a gap: exact, whole, independent of order, true where the truth repeats itself."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.accounting.algebra.columns import INTERVAL_MS, Ints
from ingest.accounting.estimation.measured import merged
from ingest.accounting.estimation.plan import Plan, plan
from ingest.accounting.estimation.rules import EstimationSettings
from ingest.accounting.estimation.shapes import MOST_USABLE, Shape, of_check_meter, of_like_days
from ingest.accounting.estimation.walls import SLOTS, walls

RULES = EstimationSettings()
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
START = 1_970_000
"""A quarter hour of the spring of 2026, numbered from 1970 UTC; days on either side cross changes of the clock."""

gaps = st.builds(
    lambda zone, first, length: plan(zone, START + first, START + first + length, RULES),
    st.sampled_from(ZONES),
    st.integers(0, 40_000),
    st.one_of(st.integers(9, 100), st.integers(9, 1_500)),
)


def _window(made: Plan) -> Ints:
    return made.first + np.flatnonzero(made.window_day >= 0)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Plan, Ints, Ints]:
    """A gap, and what was measured before it: some quarter hours of the window, with some amounts."""
    made = draw(gaps)
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    most = draw(st.sampled_from([0, 1, 1_000, MOST_USABLE - 1]))
    share = draw(st.sampled_from([0.3, 0.93, 1.0]))
    quarter = _window(made)
    quarter = quarter[chance.random(len(quarter)) < share]
    return made, quarter, chance.integers(0, most, len(quarter), endpoint=True)


@given(histories(), st.integers(0, 2**20))
def test_the_order_in_which_rows_are_read_changes_nothing(history: tuple[Plan, Ints, Ints], seed: int) -> None:
    """Sums are of whole numbers: the same rows in any order give the same shape, to the last part."""
    made, quarter, quanta = history
    order = np.random.default_rng(seed).permutation(len(quarter))
    one, other = of_like_days(quarter, quanta, made, RULES), of_like_days(quarter[order], quanta[order], made, RULES)
    assert (one is None) == (other is None)
    if one and other:
        assert one.amount.tolist() == other.amount.tolist()


@given(histories())
def test_rows_that_no_run_asks_for_change_nothing(history: tuple[Plan, Ints, Ints]) -> None:
    """What is read (the runs) is all that the shape rests on."""
    made, quarter, quanta = history
    inside = np.zeros(len(quarter), np.bool_)
    for first, beyond in made.runs:
        inside |= (quarter >= first) & (quarter < beyond)
    one, other = of_like_days(quarter, quanta, made, RULES), of_like_days(quarter[inside], quanta[inside], made, RULES)
    assert (one is None) == (other is None)
    if one and other:
        assert one.amount.tolist() == other.amount.tolist()


@given(histories())
def test_every_quarter_hour_lies_within_what_its_time_of_day_ever_was(history: tuple[Plan, Ints, Ints]) -> None:
    """A mean is no less than the least and no more than the most; nothing is below zero."""
    made, quarter, quanta = history
    if (shape := of_like_days(quarter, quanta, made, RULES)) is None:
        return
    assert len(shape.amount) == len(made.need)
    assert shape.amount.min() >= 0
    assert shape.amount.max() <= shape.parts * quanta.max()
    assert shape.weight().any()


@given(gaps, st.integers(0, 2**20))
def test_a_course_that_repeats_every_day_is_found_exactly(made: Plan, seed: int) -> None:
    """Where every day ran alike by the wall clock, the gap did too: across changes of the clock, to the quantum."""
    daily = np.random.default_rng(seed).integers(0, 10_000, SLOTS)
    quarter = _window(made)
    quanta = daily[made.window_slot[quarter - made.first]]
    shape = of_like_days(quarter, quanta, made, RULES)
    assert shape is not None
    assert shape.amount.tolist() == (daily[made.slot] * shape.parts).tolist()
    length = len(made.need)
    began, ended = START * INTERVAL_MS, (START + length) * INTERVAL_MS
    assert shape.total(began, ended, Fraction(1)) == daily[made.slot].sum()


@given(gaps, st.data())
def test_the_mean_is_of_the_nearest_days_and_exact(made: Plan, data: st.DataObject) -> None:
    """Against fractions, one quarter hour at a time, over the days that the first tier has in full."""
    quarter = _window(made)
    quanta = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 1_000, len(quarter))
    shape = of_like_days(quarter, quanta, made, RULES)
    assert shape is not None
    at = data.draw(st.integers(0, len(made.need) - 1))
    need = made.needs[made.need[at]]
    amounts: dict[int, int] = {}
    complete: dict[int, int] = {}
    for q, amount in zip((quarter - made.first).tolist(), quanta.tolist(), strict=True):
        day, slot = int(made.window_day[q]), int(made.window_slot[q])
        complete[day] = complete.get(day, 0) + (slot in need.slots)
        if slot == made.slot[at]:
            amounts[day] = amount
    whole = [int(day) for day in need.tiers[0] if complete[int(day)] >= 0.9 * len(need.slots)]
    if len(whole) >= RULES.least_days and all(day in amounts for day in whole[: RULES.most_days]):
        chosen = [amounts[day] for day in whole[: RULES.most_days]]
        assert Fraction(int(shape.amount[at]), shape.parts) == Fraction(sum(chosen), len(chosen))


@given(st.integers(9, 400), st.data())
def test_a_check_meter_that_saw_all_is_followed_exactly(length: int, data: st.DataObject) -> None:
    """A gap shaped by its own true course reproduces it; what the meter lacks lies between its neighbours."""
    amounts = np.array(data.draw(st.lists(st.integers(0, 2**40), min_size=length, max_size=length)), np.int64)
    quarter = np.arange(START, START + length)
    whole = of_check_meter(quarter, amounts, START, START + length, RULES)
    assert whole is not None
    assert whole.amount.tolist() == amounts.tolist()
    assert whole.total(START * INTERVAL_MS, (START + length) * INTERVAL_MS, Fraction(1)) == amounts.sum()
    lacking = data.draw(st.integers(0, length - 1))
    kept = np.arange(length) != lacking
    holed = of_check_meter(quarter[kept], amounts[kept], START, START + length, RULES)
    if holed is None:
        assert length < 10
    else:
        beside = [amounts[at] for at in (lacking - 1, lacking + 1) if 0 <= at < length]
        assert min(beside) <= holed.amount[lacking] <= max(beside)
        assert holed.amount[kept].tolist() == amounts[kept].tolist()


@given(
    st.lists(st.integers(0, 2**43), min_size=1, max_size=40),
    st.integers(0, INTERVAL_MS - 1),
    st.integers(1, INTERVAL_MS),
    st.fractions(Fraction(1, 1000), Fraction(1000)),
)
def test_an_amount_counts_the_parts_of_its_end_quarters(
    amounts: list[int], into: int, rest: int, scale: Fraction
) -> None:
    """A gap that begins and ends within quarter hours takes their share of time, rounded once."""
    began, ended = START * INTERVAL_MS + into, (START + len(amounts) - 1) * INTERVAL_MS + rest
    if ended <= began:
        return
    shares = [Fraction(1)] * len(amounts)
    shares[0] -= Fraction(into, INTERVAL_MS)
    shares[-1] -= Fraction(INTERVAL_MS - rest, INTERVAL_MS)
    exact = sum(share * amount for share, amount in zip(shares, amounts, strict=True)) * scale
    assert Shape(np.array(amounts, np.int64), 1).total(began, ended, scale) == round(exact)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30), st.integers(1, 9)), max_size=20))
def test_spans_are_read_once_each(asked: list[tuple[int, int, int]]) -> None:
    """Merged spans cover what was asked for and nothing else, and none touches another."""
    wanted = [(point, first, first + length) for point, first, length in asked]
    spans = merged(wanted)
    covered = [(point, at) for point, first, beyond in spans for at in range(first, beyond)]
    assert sorted(covered) == sorted({(point, at) for point, first, beyond in wanted for at in range(first, beyond)})
    assert all(a[0] != b[0] or a[2] < b[1] for a, b in pairwise(spans))


@given(st.sampled_from(ZONES), st.integers(-10_000, 10_000), st.integers(0, 300))
def test_walls_of_a_part_are_a_part_of_the_walls(zone: str, first: int, length: int) -> None:
    """Where a span begins does not change what the clock shows within it."""
    whole = walls(zone, START + first - 50, START + first + length + 50)
    part = walls(zone, START + first, START + first + length)
    assert [side.tolist() for side in part] == [side[50 : 50 + length].tolist() for side in whole]
