"""Energy is conserved, exactly: against plain rules on any readings, and against the truth of a simulated meter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from energy.consumption import Flag, IntervalQuality
from ingest.accounting.algebra.columns import INTERVAL_MS, Consumption, Courses, Kind, Series, Spans
from ingest.accounting.algebra.pairing import pairs
from ingest.accounting.algebra.spreading import spread
from tests.support.algebra import Change, changes_of, one_series, readings_of, rows_of
from tests.support.plain_algebra import Register, advances

T0 = 1_772_294_400_000  # 2026-03-01T00:00+08:00
QUANTUM = 0.001
TOP = 100_000  # quanta
MAX_RATE = 1.000_123_7  # no multiple of it by a time is whole quanta, so that float64 and fractions agree


@dataclass(frozen=True)
class Course:
    """A register's readings in quanta, what is known of it, and how the rules see it."""

    shown: list[tuple[int, int | None]]
    register: Register

    def series(self) -> Series:
        """The same as a series."""
        return one_series(
            Kind.NET_REGISTER if self.register.net else Kind.REGISTER,
            wrap=math.nan if self.register.wrap is None else self.register.wrap * QUANTUM,
            max_rate=math.nan if self.register.fastest is None else MAX_RATE,
        )

    def compute(self) -> Consumption:
        """Its rows."""
        readings = readings_of([(at, math.nan if one is None else one * QUANTUM) for at, one in self.shown])
        series = self.series()
        return spread(pairs(readings, series, changes_of([]), Spans.none()), series, Courses.none())


@st.composite
def courses(draw: st.DrawFn) -> Course:
    """Any readings at any distance: rises, falls, zeros, jumps, returns, wraps, gaps, none at all."""
    at, level, before = T0 + draw(st.integers(0, INTERVAL_MS)), draw(st.integers(0, TOP - 1)), 0
    shown: list[tuple[int, int | None]] = []
    for _ in range(draw(st.integers(0, 30))):
        at += draw(st.sampled_from([1, 60_000, 300_000, 900_000, 900_001, 3_600_000, 40_000_000]))
        way = draw(st.integers(0, 11))
        kept = level
        if way <= 6:
            level += draw(st.sampled_from([0, 1, 7, 100, 20_000]))
        elif way == 7:
            level = draw(st.sampled_from([0, 0, 3, level // 2, max(0, level - 7), max(0, level - level // 50)]))
        elif way == 8:
            level = draw(st.integers(-TOP // 2, 2 * TOP))
        elif way == 9:
            for _ in range(draw(st.sampled_from([0, 0, 4, 6, 7]))):
                shown.append((at, 0))
                at += 60_000
            level = before
        elif way == 10:
            level = draw(st.sampled_from([TOP - 2, TOP // 2 - 1, 1, -TOP // 2 + 1]))
        else:
            shown.append((at, None))
            continue
        before = kept
        shown.append((at, level))
    fastest = Fraction(MAX_RATE) / Fraction(QUANTUM) / 3_600_000
    register = Register(
        wrap=draw(st.sampled_from([None, TOP])),
        fastest=draw(st.sampled_from([None, fastest])),
        net=draw(st.sampled_from([False, False, True])),
    )
    return Course(shown, register)


def _advances(course: Course) -> list[tuple[int, int, int | None, str]]:
    return advances([(at, one) for at, one in course.shown if one is not None], course.register)


@given(courses())
def test_intervals_add_up_to_what_the_rules_count(course: Course) -> None:
    """Through every mixture of gaps, wraps, resets, dips, spikes and falls, to the quantum."""
    assert course.compute().quanta.sum() == sum(one or 0 for _, _, one, _ in _advances(course))


@given(courses())
def test_each_interval_is_the_course_at_its_borders(course: Course) -> None:
    """Every interval lies within a quantum per pair of exact interpolation, and covers what is known and no more."""
    told = _advances(course)
    found = course.compute()
    for row, start, ready in zip(rows_of(found), found.start.tolist(), found.ready.tolist(), strict=True):
        exact, covered, used, last = Fraction(0), 0, 0, 0
        for began, ended, one, _ in told:
            inside = min(ended, start + INTERVAL_MS) - max(began, start)
            if inside > 0:
                last = max(last, ended)
                exact += Fraction((one or 0) * inside, ended - began)
                covered, used = covered + inside * (one is not None), used + 1
        assert abs(row.quanta - exact) <= used
        assert (row.covered_s, ready) == (covered // 1000, last)
        assert (row.quality == IntervalQuality.MISSING) == (covered == 0)
        assert (row.quanta, covered) != (0, 0) or row.flags & Flag.GAP


@given(courses())
def test_what_happened_is_said(course: Course) -> None:
    """Each rule that was used leaves its flag on every quarter hour that its pair touches."""
    rows = {row.quarter: row for row in rows_of(course.compute())}
    for began, ended, _, rule in _advances(course):
        if rule:
            for quarter in range(began // INTERVAL_MS, -(-ended // INTERVAL_MS)):
                assert rows[quarter].flags & Flag[rule.upper()]
                assert rule == "wrap" or rows[quarter].quality != IntervalQuality.MEASURED


@given(courses())
def test_rows_are_contiguous(course: Course) -> None:
    """No quarter hour between two usable readings is left out, and none outside is invented."""
    told = _advances(course)
    expected = range(told[0][0] // INTERVAL_MS, -(-told[-1][1] // INTERVAL_MS)) if told else ()
    assert [row.quarter for row in rows_of(course.compute())] == list(expected)


@given(courses(), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(course: Course, random: Random) -> None:
    """Sorted by key and each key once, as the database gives them, any delivery is the same set: the same bytes."""
    jumbled = course.shown * 2
    random.shuffle(jumbled)
    again = Course(sorted(set(jumbled), key=lambda one: one[0]), course.register)
    for one, other in zip(_columns(course.compute()), _columns(again.compute()), strict=True):
        assert one.tobytes() == other.tobytes()


def _columns(found: Consumption) -> list[np.ndarray]:
    return [getattr(found, name) for name in Consumption.__slots__]


@dataclass(frozen=True)
class Metered:
    """A simulated meter: what it showed, the changes on record, and what really flowed between its readings."""

    shown: list[tuple[int, float]]
    changes: list[Change]
    truth: int


@st.composite
def metered(draw: st.DrawFn) -> Metered:
    """A meter of six digits that wraps, dips, spikes, is replaced, changes its ratio; every change is on record."""
    at, raw, ratio, truth, pending = T0, draw(st.integers(0, 999_999)), 1, 0, 0
    shown: list[tuple[int, float]] = []
    changes: list[Change] = []
    calm = 0  # readings since something happened: what happens twice at once can mean many things
    for _ in range(draw(st.integers(2, 40))):
        at += draw(st.sampled_from([60_000, 300_000, 900_000, 7_200_000]))
        before, step = raw, draw(st.integers(0, 20_000))
        if before + step >= 1_000_000:
            step, calm = (0 if calm < 4 else step), min(calm, 3)
        raw = (before + step) % 1_000_000
        pending += step * ratio if shown else 0
        happens = draw(st.sampled_from(["", "", "dip", "spike", "none", "replaced", "ratio"])) if calm >= 4 else ""
        calm = 0 if happens else calm + 1
        if happens == "dip":
            shown.append((at, draw(st.sampled_from([0, max(0, before - 1), before // 2])) * QUANTUM))
        elif happens == "spike":
            shown.append((at, (raw + 50_000_000) * QUANTUM))
        elif happens == "none":
            shown.append((at, math.nan))
        else:
            truth, pending = truth + pending, 0
        if happens == "replaced":
            later = at + draw(st.sampled_from([0, 60_000]))
            start = draw(st.integers(0, 999_999))
            changes.append(Change(at, later, raw * QUANTUM, start * QUANTUM, ratio=float(ratio)))
            at, raw = later, start
        elif happens in {"", "ratio"}:
            if happens:
                ratio = draw(st.sampled_from([1, 2, 80]))
                changes.append(Change(at, at, continues=True, ratio=float(ratio)))
            shown.append((at, raw * QUANTUM))
    if calm == 0:  # what nothing follows cannot be told from a reset: let it go on
        truth += pending
        shown.append((at + 60_000, raw * QUANTUM))
    return Metered(shown, changes, truth)


def _derived(meter: Metered) -> Consumption:
    series = one_series(wrap=1_000_000 * QUANTUM)
    found = pairs(readings_of(meter.shown), series, changes_of(meter.changes), Spans.none())
    return spread(found, series, Courses.none())


@given(metered())
def test_what_flowed_is_what_is_counted(meter: Metered) -> None:
    """Through wraps, dips, spikes, missing values, recorded replacements and ratios nothing is lost, to the quantum."""
    assert _derived(meter).quanta.sum() == meter.truth


@given(metered())
def test_nothing_of_it_is_called_suspect_or_missing(meter: Metered) -> None:
    """All of it can be explained; only between two meters nothing is known."""
    rows = rows_of(_derived(meter))
    assert all(row.quality <= IntervalQuality.ESTIMATED or row.flags & Flag.REPLACED for row in rows)
    assert all(row.quanta >= 0 for row in rows)
