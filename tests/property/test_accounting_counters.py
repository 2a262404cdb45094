"""Counter algebra under any course of a register: energy is conserved, and a stretch computed again is the same."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.accounting.algebra.counters import INTERVAL_MS, Consumption, IntervalQuality, Readings, Series, consumption

T0 = 1_772_294_400_000  # 2026-03-01T00:00+08:00
WRAP = 100_000.0
FAR = 2**50 // INTERVAL_MS * INTERVAL_MS
Row = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Course:
    """A register's readings: times in ms, values in quanta of 0.001, qualities."""

    at: list[int]
    quanta: list[int | None]
    quality: list[int]


@st.composite
def courses(draw: st.DrawFn, *, falling: bool = True) -> Course:
    """Readings at any distance, with gaps, resets, dips, wraps and readings without value."""
    steps = draw(st.lists(st.integers(1, 40_000_000), min_size=1, max_size=40))
    at = [T0 + sum(steps[: i + 1]) for i in range(len(steps))]
    quanta: list[int | None] = []
    level = draw(st.integers(0, 99_000_000))
    for _ in at:
        level += draw(st.integers(0, 3_000_000))
        if falling and draw(st.integers(0, 9)) == 0:
            level = draw(st.sampled_from([0, 5, level // 2, max(0, level - 7)]))
        level %= int(WRAP * 1000)
        quanta.append(level if draw(st.integers(0, 9)) else None)
    quality = [3 if one is None else draw(st.sampled_from([0, 0, 0, 1])) for one in quanta]
    if not falling:
        quanta = [None if one is None else i * 1000 + 5 for i, one in enumerate(quanta)]
    return Course(at, quanta, quality)


def _compute(course: Course, since: int = 0, until: int = FAR, wrap: float = WRAP) -> list[Row]:
    """Rows (start, quanta, quality, covered, ready) of the quarter hours from `since` to `until`."""
    count = len(course.at)
    readings = Readings(
        series=np.zeros(count, np.int64),
        at=np.array(course.at, np.int64),
        value=np.array([math.nan if one is None else one / 1000 for one in course.quanta]),
        quality=np.array(course.quality, np.int64),
    )
    return _rows(consumption(readings, _series([since], [until], wrap)))


def _series(since: list[int], until: list[int], wrap: float = WRAP) -> Series:
    count = len(since)
    return Series(
        quantum=np.full(count, 0.001),
        wrap=np.full(count, wrap),
        gap_ms=np.full(count, 1_800_000, np.int64),
        since=np.array(since, np.int64),
        until=np.array(until, np.int64),
    )


def _rows(found: Consumption) -> list[Row]:
    columns = (found.start, found.quanta, found.quality, found.covered_s, found.ready)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _pairs(course: Course) -> list[tuple[int, int, int, int]]:
    """(from, to, old, new) of consecutive readings with a value."""
    usable = [(at, one) for at, one in zip(course.at, course.quanta, strict=True) if one is not None]
    return [(a, b, old, new) for (a, old), (b, new) in pairwise(usable)]


def _advance(old: int, new: int) -> int:
    """The rules of docs/accounting.md, written once more and plainly."""
    top = int(WRAP * 1000)
    if new >= old:
        return new - old
    if old > 0.9 * top and new < 0.1 * top:
        return new - old + top
    if new >= Fraction(9, 10) * old:
        return new - old
    return new if new < Fraction(1, 10) * old else 0


@given(courses())
def test_intervals_add_up_to_the_register_difference_exactly(course: Course) -> None:
    """Through gaps, wraps, resets, dips and missing values the sum is that of the pairs, to the quantum."""
    assert sum(row[1] for row in _compute(course)) == sum(_advance(old, new) for _, _, old, new in _pairs(course))


@given(courses(falling=False))
def test_a_rising_register_gives_last_less_first(course: Course) -> None:
    """Where nothing fell, the sum is simply the last reading less the first."""
    known = [one for one in course.quanta if one is not None]
    total = known[-1] - known[0] if known else 0
    assert sum(row[1] for row in _compute(course)) == total


@given(courses())
def test_each_interval_is_the_register_s_course_at_its_borders(course: Course) -> None:
    """Every interval is within one quantum per pair of exact linear interpolation, and covers what it says."""
    for start, quanta, _, covered_s, ready in _compute(course):
        exact, covered, used, last = Fraction(0), 0, 0, 0
        for began, ended, old, new in _pairs(course):
            inside = min(ended, start + INTERVAL_MS) - max(began, start)
            if inside > 0:
                exact += Fraction(_advance(old, new) * inside, ended - began)
                covered, used, last = covered + inside, used + 1, max(last, ended)
        assert abs(quanta - exact) <= used
        assert (covered_s, ready) == (covered // 1000, last)


@given(courses())
def test_rows_are_contiguous_between_the_first_and_the_last_usable_reading(course: Course) -> None:
    """No quarter hour between two readings is left out, and none outside is invented."""
    pairs = _pairs(course)
    starts = [row[0] for row in _compute(course)]
    expected = range(pairs[0][0] // INTERVAL_MS, -(-pairs[-1][1] // INTERVAL_MS)) if pairs else ()
    assert starts == [bucket * INTERVAL_MS for bucket in expected]


@given(courses(), st.data())
def test_a_window_computed_alone_is_that_part_of_the_whole(course: Course, data: st.DataObject) -> None:
    """With the readings from the last one before the window to the first one after it, nothing differs."""
    whole = _compute(course)
    first, last = course.at[0] // INTERVAL_MS - 2, course.at[-1] // INTERVAL_MS + 2
    since = data.draw(st.integers(first, last)) * INTERVAL_MS
    until = data.draw(st.integers(since // INTERVAL_MS, last)) * INTERVAL_MS
    usable = [at for at, one in zip(course.at, course.quanta, strict=True) if one is not None]
    begin = max((at for at in usable if at <= since), default=since)
    end = min((at for at in usable if at >= until), default=until)
    keep = [i for i, at in enumerate(course.at) if begin <= at <= end]
    part = Course(*([getattr(course, field.name)[i] for i in keep] for field in fields(course)))
    assert _compute(part, since, until) == [row for row in whole if since <= row[0] < until]


@given(st.lists(courses(), min_size=1, max_size=5))
def test_many_series_in_one_pass_do_not_touch_each_other(many: list[Course]) -> None:
    """Computing series together gives what computing each alone gives."""
    readings = Readings(
        series=np.concatenate([np.full(len(course.at), i, np.int64) for i, course in enumerate(many)]),
        at=np.array([at for course in many for at in course.at], np.int64),
        value=np.array([math.nan if one is None else one / 1000 for course in many for one in course.quanta]),
        quality=np.array([one for course in many for one in course.quality], np.int64),
    )
    found = consumption(readings, _series([0] * len(many), [FAR] * len(many)))
    rows = list(zip(found.series.tolist(), _rows(found), strict=True))
    assert [row for _, row in rows] == [row for course in many for row in _compute(course)]
    assert [i for i, _ in rows] == [i for i, course in enumerate(many) for _ in _compute(course)]


@given(courses(falling=False), st.data())
def test_a_reading_on_a_border_changes_no_interval(course: Course, data: st.DataObject) -> None:
    """A reading that shows what interpolation had found at a border leaves every interval's consumption as it was."""
    rows = _compute(course)
    if not rows:
        return
    chosen = data.draw(st.integers(0, len(rows)))
    border = rows[0][0] + chosen * INTERVAL_MS
    if border in course.at or not rows[0][0] < border < max(row[4] for row in rows):
        return
    known = [one for one in course.quanta if one is not None]
    shown = known[0] + sum(row[1] for row in rows[:chosen])
    place = sum(at < border for at in course.at)
    more = Course(
        [*course.at[:place], border, *course.at[place:]],
        [*course.quanta[:place], shown, *course.quanta[place:]],
        [*course.quality[:place], 0, *course.quality[place:]],
    )
    assert all(abs(old[1] - new[1]) <= 1 for old, new in zip(rows, _compute(more), strict=True)), (
        "each side is rounded anew, by a quantum at most"
    )
    assert sum(row[1] for row in _compute(more)) == sum(row[1] for row in rows)


@given(courses())
def test_only_what_was_estimated_or_fell_is_not_called_measured(course: Course) -> None:
    """An interval is measured exactly when all its pairs are close, of measured readings, and rose or wrapped."""
    doubtful = [q for one, q in zip(course.quanta, course.quality, strict=True) if one is not None]
    for start, _, quality, _, _ in _compute(course):
        clean = True
        for i, (began, ended, old, new) in enumerate(_pairs(course)):
            if min(ended, start + INTERVAL_MS) > max(began, start):
                rose = new >= old or _advance(old, new) > new
                clean &= rose and ended - began <= 1_800_000 and not (doubtful[i] or doubtful[i + 1])
        assert (quality == IntervalQuality.MEASURED) == clean
