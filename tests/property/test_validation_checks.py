"""Each check of validation against its rule, read slot by slot by other code: at the bounds, with nulls, on any day."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from energy.consumption import Flag
from ingest.accounting.algebra.columns import INTERVAL_MS, Kind
from ingest.accounting.validation.checks.amounts import differences, out_of_range, spikes
from ingest.accounting.validation.checks.completeness import missing, off_time, overlaps
from ingest.accounting.validation.checks.registers import sums
from ingest.accounting.validation.checks.standstill import (
    Before,
    same_again,
    stands_still,
    zero_runs,
    zero_where_used,
)
from ingest.accounting.validation.day import Day
from tests.support.validation_world import covered, day_of, only, points, runs_of, slots, with_shown

CONTEXTS = st.integers(1, 12)
LENGTHS = st.sampled_from([8, 92, 96, 100])
"""Short days, and those on which clocks change."""
Spans = set[tuple[int, int]]


@st.composite
def grids(draw: st.DrawFn, values: st.SearchStrategy[int]) -> tuple[list[int], int, list[bool]]:
    """Amounts, how many of them are context, and which are known; runs of equal ones are frequent."""
    context, length = draw(CONTEXTS), draw(LENGTHS)
    pieces = draw(st.lists(st.tuples(values, st.integers(1, 20)), min_size=1, max_size=40))
    amounts = [value for value, times in pieces for _ in range(times)]
    amounts = (amounts * (1 + (context + length) // len(amounts)))[: context + length]
    unknown = draw(st.sets(st.integers(0, context + length - 1), max_size=10))
    return amounts, context, [at not in unknown for at in range(context + length)]


def made(grid: tuple[list[int], int, list[bool]], about: Any, **columns: Any) -> Day:
    """A day of one point, with what is not known marked as missing."""
    amounts, context, known = grid
    quality = np.array([np.where(known, 0, 4)])
    return day_of([amounts], about, context=context, quality=quality, **columns)


@given(grids(st.sampled_from([0, 1, 4, 5, 10, 14, 15, 28, 29, 42, 1000])), st.sampled_from([0.5, 1.8, 3.0]))
def test_spikes_are_what_the_rule_says(grid: tuple[list[int], int, list[bool]], over: float) -> None:
    """(highest - third highest) / third highest, exactly at its bound, of the local day alone."""
    day = made(grid, points(chosen=only("spike", over=over, least_slots=5, steps=0.0)))
    own = [(at - grid[1], grid[0][at]) for at in range(grid[1], len(grid[0])) if grid[2][at]]
    ranked = sorted((amount for _, amount in own), reverse=True)
    wanted = set()
    if len(own) >= 5 and ranked[2] > 0:
        bound = Fraction(str(over))
        wanted = {at for at, amount in own if Fraction(amount - ranked[2], ranked[2]) > bound}
    assert covered(day, list(spikes(day))) == wanted


def test_the_bounds_of_spike_and_range_are_not_beyond_themselves() -> None:
    """Exactly 180 % above the third highest, exactly what the greatest rate allows: nothing; one quantum more: told."""
    for highest, expected in ((14_000, 0), (14_001, 1)):
        day = day_of([[5_000] * 50 + [highest]], points(chosen=only("spike", steps=0.0)), context=1)
        assert len(list(spikes(day))) == expected
    for amount, expected in ((120_002, 0), (120_003, 1)):
        day = day_of([[1, amount]], points(chosen=only("range"), most_per_hour=400.0), context=1)
        assert len(list(out_of_range(day))) == expected


@given(grids(st.integers(-30, 30)), st.sampled_from([0.5, 1.0, 2.0]))
def test_differences_are_what_the_rule_says(grid: tuple[list[int], int, list[bool]], over: float) -> None:
    """Against the slot before, over midnight too, and never against nothing."""
    day = made(grid, points(chosen=only("difference", over=over, steps=0.0)))
    amounts, context, known = grid
    wanted = {
        at - context
        for at in range(context, len(amounts))
        if known[at]
        and known[at - 1]
        and amounts[at - 1]
        and abs(amounts[at] - amounts[at - 1]) > over * abs(amounts[at - 1])
    }  # fmt: skip - the rule in one line
    assert covered(day, list(differences(day))) == wanted


@given(
    grids(st.sampled_from([-1, 0, 119_999, 120_001, 120_002, 120_003, 500_000])),
    st.booleans(),
    st.sampled_from([0, 1, 450, 899, 900]),
)
def test_the_range_ends_where_the_rule_says(grid: tuple[list[int], int, list[bool]], net: bool, covered_s: int) -> None:  # noqa: FBT001 - hypothesis gives it
    """400 kWh/h x 1.2 x the hours covered, and two quanta for rounding; below zero only a net register."""
    about = points(chosen=only("range"), most_per_hour=400.0, may_fall=net)
    day = made(grid, about, covered_s=np.full((1, len(grid[0])), covered_s))
    amounts, context, known = grid
    most = Fraction(480_000 * covered_s, 3600) + 2
    wanted = {
        at - context
        for at in range(context, len(amounts))
        if known[at] and (amounts[at] > most or (amounts[at] < 0 and not net))
    }
    assert covered(day, list(out_of_range(day))) == wanted


@given(grids(st.sampled_from([0, 5, 10, 10, 11, 12, 500])), st.integers(2, 6))
def test_the_same_again_counts_to_the_last_slot(grid: tuple[list[int], int, list[bool]], readings: int) -> None:
    """Runs of equal amounts of more than ten steps, over midnight; found on one day or the other, never on both."""
    amounts, context, known = grid
    context = max(context, readings)
    grid = (amounts, context, known)
    if len(amounts) <= context:
        return
    day = made(grid, points(chosen=only("stuck_interval", readings=readings, steps=10.0)))
    wanted = set()
    for value in {one for one in amounts if one > 10}:
        wanted |= runs_of([k and one == value for one, k in zip(amounts, known, strict=True)], context, readings)
    assert covered(day, list(same_again(day))) == wanted


@given(grids(st.sampled_from([0, 0, 7])), st.integers(1, 6), st.sampled_from([0.0, 3.9, 4.1, 40.0]))
def test_a_register_stands_when_power_should_have_moved_it(
    grid: tuple[list[int], int, list[bool]], least: int, power: float
) -> None:
    """Only if what flowed over the run exceeds the steps that it may hide."""
    amounts, context, known = grid
    context = max(context, least)
    if len(amounts) <= context:
        return
    about = points(chosen=only("stuck_register", slots=least, steps=2.0), resolution=1.0)
    day = made((amounts, context, known), about)
    rate = np.full((1, len(amounts)), power)
    day = replace(day, siblings=replace(day.siblings, rate=rate))
    found = list(stands_still(day))
    wanted = runs_of([k and one == 0 for one, k in zip(amounts, known, strict=True)], context, least)
    enough = {slot for one in _spans(wanted) for slot in range(*one) if (one[1] - one[0]) * power / 4 > 2.0}
    assert covered(day, found) == enough


def _spans(slots_: set[int]) -> Spans:
    ordered = sorted(slots_)
    starts = [at for at in ordered if at - 1 not in slots_]
    return {(at, next(end for end in range(at, max(ordered) + 2) if end not in slots_)) for at in starts}


def test_a_power_that_leaves_moves_no_register_of_what_enters() -> None:
    """A rooftop plant at noon is no fault of the import register; of the export register it would be."""
    grid = ([0] * 40, 8, [True] * 40)
    for backward, power, expected in ((False, -50.0, 0), (True, -50.0, 1), (True, 50.0, 0), (False, 50.0, 1)):
        day = made(grid, points(chosen=only("stuck_register"), backward=backward))
        day = replace(day, siblings=replace(day.siblings, rate=np.full((1, 40), power)))
        assert len(list(stands_still(day))) == expected


def test_a_float32_register_may_rest_between_its_steps() -> None:
    """Above 8.4 million kWh it moves by whole kWh (below 16.8 million): a standstill of half of one says nothing."""
    grid = ([0] * 12, 4, [True] * 12)
    for start, expected in ((9_000_000_000, 0), (9_000, 1)):
        day = made(grid, points(chosen=only("stuck_register"), float32=True), start=start)
        day = replace(day, siblings=replace(day.siblings, rate=np.full((1, 12), 0.5)))
        assert len(list(stands_still(day))) == expected


@given(
    grids(st.sampled_from([0, 0, 9])),
    st.integers(1, 6),
    st.sampled_from([[], [0.5] * 2, [0.5] * 3, [0.002] * 3, [0.5, 0.5, 0.001], [0.5] * 4, [0.0] * 3]),
)
def test_zero_is_told_where_every_week_had_use(
    grid: tuple[list[int], int, list[bool]], least: int, usual: list[float]
) -> None:
    """At least three comparable weeks, all of them beyond the register's step."""
    amounts, context, known = grid
    context = max(context, least)
    if len(amounts) <= context:
        return
    day = made((amounts, context, known), points(chosen=only("zero_run", slots=least, least_weeks=3)))
    candidates = zero_runs(day)
    before = Before(np.repeat(np.arange(len(candidates)), len(usual)).astype(np.int64), np.tile(usual, len(candidates)))
    wanted = runs_of([k and one == 0 for one, k in zip(amounts, known, strict=True)], context, least)
    used = len(usual) >= 3 and min(usual) > 0.001
    assert covered(day, list(zero_where_used(day, candidates, before))) == (wanted if used else set())


@given(grids(st.integers(1, 9)), st.data())
def test_missing_is_what_has_no_reading_of_its_own(
    grid: tuple[list[int], int, list[bool]], data: st.DataObject
) -> None:
    """Rows without an amount, gaps, the end of a point that its unit outlives; never what lies before its first row."""
    amounts, context, known = grid
    count = len(amounts)
    rows = sorted(data.draw(st.lists(st.integers(0, count), min_size=2, max_size=2)))
    gaps = data.draw(st.sets(st.integers(0, count - 1), max_size=6))
    until = data.draw(st.integers(0, count - context))
    present = np.array([[rows[0] <= at < rows[1] for at in range(count)]])
    flags = np.array([[Flag.GAP if at in gaps else 0 for at in range(count)]])
    day = made(grid, points(chosen=only("missing")), present=present, flags=flags)
    day = replace(day, horizon=np.array([day.since + until * INTERVAL_MS]))
    failures, warnings = set(), set()
    for at in range(context, count):
        there = rows[0] <= at < rows[1]
        began = rows[0] < rows[1] and max(rows[0], context - 1) <= at and rows[1] > context - 1
        if there and not known[at]:
            failures.add(at - context)
        elif there and at in gaps:
            warnings.add(at - context)
        elif not there and began and at >= rows[1] and at - context < until:
            failures.add(at - context)
    found = list(missing(day))
    assert covered(day, [one for one in found if one.severity == "failure"]) == failures
    assert covered(day, [one for one in found if one.severity == "warning"]) == warnings


@given(
    st.integers(0, 899_999),
    st.lists(
        st.sampled_from([0, 59_000, 60_000, 61_000, 179_000, 181_000, 300_000, 200_000, -300_000]),
        min_size=96,
        max_size=96,
    ),
    st.sets(st.integers(0, 95), max_size=4),
)  # fmt: skip - the offsets in one line
def test_stamps_are_judged_by_the_points_own_rhythm(phase: int, offsets: list[int], doubtful: set[int]) -> None:
    """Whatever its phase, also over the border of a slot: doubtful readings at 60 and 180 s, others at a quarter."""
    shifted = {at: offsets[at] for at in sorted(doubtful)} | {50: offsets[50]}
    day = day_of([[9] * 98], points(chosen=only("time")), context=2)
    at = day.since + phase + INTERVAL_MS * np.arange(95) + np.array([shifted.get(n, 0) for n in range(95)])
    own = (at >= day.since) & (at < day.until)
    unsure = np.array([n in doubtful for n in range(95)])
    day = with_shown(day, point=np.zeros(95, np.int64), at=at, value=np.zeros(95), ratio=np.ones(95), doubtful=unsure)
    wanted: dict[int, str] = {}
    pull = 2_600  # ms by which one reading that is off moves the mean of the others, at most
    for n in shifted:
        if n >= 95 or not own[n]:
            continue
        away = abs(shifted[n])
        low, high = (60_000, 180_000) if n in doubtful else (225_000, 10**9)
        if min(abs(away - low), abs(away - high)) <= pull:
            return
        slot = (int(at[n]) - day.since) // INTERVAL_MS
        if away > high:
            wanted[slot] = "failure"
        elif away > low:
            wanted.setdefault(slot, "warning")
    found = list(off_time(day))
    told = {slot: str(one.severity) for one in found for slot in range(*slots(day, one))}
    assert told == wanted


@given(st.lists(st.sampled_from([300_000, 809_000, 810_000, 811_000, 900_000]), min_size=3, max_size=60))
def test_interval_readings_may_not_overlap(steps: list[int]) -> None:
    """Closer together than nine tenths of their interval, to the millisecond."""
    about = points(kind=int(Kind.INTERVAL), chosen=only("overlap"))
    day = day_of([[9] * 98], about, context=2)
    at = day.start_of(0) + np.cumsum(steps)
    count = len(at)
    day = with_shown(
        day,
        point=np.zeros(count, np.int64),
        at=at,
        value=np.zeros(count),
        ratio=np.ones(count),
        doubtful=np.zeros(count, np.bool_),
    )
    wanted = set()
    for one, other in zip(at[:-1].tolist(), at[1:].tolist(), strict=True):
        if other - one < 810_000 and day.since <= other < day.until:
            wanted |= {(one - day.since) // INTERVAL_MS, (other - day.since) // INTERVAL_MS}
    assert covered(day, list(overlaps(day))) == wanted


@given(
    grids(st.integers(0, 5000)),
    st.lists(st.integers(0, 12), min_size=1, max_size=6),
    st.sets(st.integers(0, 107), max_size=3),
    st.integers(-3, 3),
    st.integers(0, 107),
)
def test_the_sum_is_exact_whichever_readings_are_there(
    grid: tuple[list[int], int, list[bool]], kept: list[int], parted: set[int], error: int, where: int
) -> None:
    """Nothing is found of what agrees; one quantum is forgiven, two are found between any two readings around them."""
    amounts, context, known = grid
    count = len(amounts)
    flags = np.array([[Flag.RESET if at in parted else 0 for at in range(count)]])
    day = made(grid, points(chosen=only("sum")), flags=flags)
    borders = np.isin(np.arange(count + 1) % 13, kept)
    shown = day.shown
    day = with_shown(
        day,
        point=shown.point[borders],
        at=shown.at[borders],
        value=shown.value[borders],
        ratio=shown.ratio[borders],
        doubtful=shown.doubtful[borders],
    )  # fmt: skip - the columns in one line
    assert list(sums(day)) == []
    wrong = day.quanta.copy()
    at = context + where % (count - context)
    wrong[0, at] += error
    plain = [known[n] and n not in parted for n in range(count)]
    left = right = at
    while left > context and plain[left - 1]:
        left -= 1
    while right < count and plain[right]:
        right += 1
    bounds = [n for n in range(left, right + 1) if borders[n]]
    seen = plain[at] and any(n <= at for n in bounds) and any(n > at for n in bounds)
    found = list(sums(replace(day, quanta=wrong)))
    assert bool(found) == (seen and abs(error) > 1)


def test_a_sum_without_readings_on_borders_is_held_between_bounds() -> None:
    """What whole slots hold at least, and all that readings touch at most."""
    day = day_of([[100] * 40], points(chosen=only("sum")), context=4)
    at = np.array([day.start_of(6) + 60_000, day.start_of(30) - 60_000])
    for advance, expected in ((2300, 0), (2200, 0), (2199, 0), (2198, 1), (2400, 0), (2401, 0), (2402, 1)):
        shown = {"point": np.zeros(2, np.int64), "at": at, "value": np.array([5000, 5000 + advance]) * 0.001}
        found = list(sums(with_shown(day, **shown, ratio=np.ones(2), doubtful=np.zeros(2, np.bool_))))
        assert len(found) == expected, advance
