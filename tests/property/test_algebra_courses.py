"""Borders under any course: monotone, exact at both ends, up to 2^52 quanta, and amounts that people set."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.accounting.algebra.columns import INTERVAL_MS, Courses, Kind, Pairs, Spans
from ingest.accounting.algebra.courses import weighted
from ingest.accounting.algebra.overlaying import overlay
from ingest.accounting.algebra.spreading import spread
from tests.support.algebra import amounts_of, changes_of, one_series, readings_of
from tests.support.algebra_meters import T0, columns, derived

DELTAS = st.one_of(st.integers(-(2**52), 2**52), st.sampled_from([0, 1, -1, 2**52, -(2**52), 2**52 - 1]))
WEIGHTS = st.lists(
    st.one_of(st.floats(0, 1e12), st.sampled_from([0.0, 1e-300, 1e300, 5e-324])), min_size=1, max_size=60
)


@given(WEIGHTS, DELTAS, st.data())
def test_a_weighted_pair_is_exact_at_both_ends_and_never_turns_back(
    weights: list[float], delta: int, data: st.DataObject
) -> None:
    """Whatever the weights, beginning and end within their quarter hours, and size and sign of the advance."""
    began = T0 + data.draw(st.integers(0, INTERVAL_MS - 1))
    least = max(began + 1, T0 + (len(weights) - 1) * INTERVAL_MS + 1)
    ended = data.draw(st.integers(least, T0 + len(weights) * INTERVAL_MS))
    borders = np.array([began, *range(T0 + INTERVAL_MS, ended, INTERVAL_MS), ended])
    got = weighted(np.array(weights), began, ended, delta, borders).tolist()
    assert (got[0], got[-1]) == (0, delta)
    assert all(a <= b if delta >= 0 else a >= b for a, b in pairwise(got))


@given(DELTAS, st.integers(1, 10**11), st.integers(0, INTERVAL_MS))
def test_an_even_pair_adds_up_at_any_size(delta: int, span: int, offset: int) -> None:
    """Up to 2^52 quanta, forwards and backwards, over a millisecond or three years."""
    began = T0 + offset
    whole = T0 + (offset + span) // INTERVAL_MS * INTERVAL_MS + INTERVAL_MS
    one = np.zeros(1, np.int64)
    pairs = Pairs(one, one + began, one + began + span, one + delta, one == 0, one, one, one, np.zeros(1), np.zeros(1))
    series = one_series(since=max(T0, whole - 40 * INTERVAL_MS), until=whole)
    quanta = spread(pairs, series, Courses.none()).quanta
    assert all(one <= 0 if delta < 0 else one >= 0 for one in quanta.tolist())
    if series.since[0] <= began:
        assert quanta.sum() == delta


@given(WEIGHTS, st.integers(-(10**9), 10**9), st.lists(st.integers(0, 60), max_size=4).map(sorted))
def test_a_gap_cut_at_any_border_gives_the_same(weights: list[float], delta: int, cuts: list[int]) -> None:
    """The stretches of a gap, computed one by one, are the gap."""
    ended = T0 + len(weights) * INTERVAL_MS
    course = Courses(np.array([0]), np.array([0, len(weights)]), np.array(weights), np.array([8]), np.array([0]))
    one = np.zeros(1, np.int64)
    pairs = Pairs(one, one + T0, one + ended, one + delta, one == 0, one, one, one, np.zeros(1), np.zeros(1))
    whole = columns(spread(pairs, one_series(), course))
    borders = [0, *(T0 + cut * INTERVAL_MS for cut in cuts), 2**50 // INTERVAL_MS * INTERVAL_MS]
    parts = [
        row
        for since, until in pairwise(borders)
        for row in columns(spread(pairs, one_series(since=since, until=until), course))
    ]
    assert parts == whole
    assert sum(row[2] for row in whole) == delta


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30), st.integers(-(2**50), 2**50)), max_size=4),
    st.integers(0, 60),
)
def test_amounts_add_up_and_cut_at_any_border(told: list[tuple[int, int, int]], cut: int) -> None:
    """Spans apart from each other keep their amounts to the quantum; two stretches give what one gives."""
    amounts, beyond = [], T0
    for gap, length, quanta in told:
        since = beyond + gap * INTERVAL_MS
        beyond = since + length * INTERVAL_MS
        amounts.append((since, beyond, quanta))
    readings = readings_of([(T0 + i * INTERVAL_MS, 1.0 * i) for i in range(40)])

    def laid(since: int, until: int) -> list[tuple[int, ...]]:
        series = one_series(since=since, until=until)
        rows = derived(readings, series, changes_of([]), Spans.none())
        return columns(overlay(rows, series, amounts_of(amounts), Spans.none()))

    border, far = T0 + cut * INTERVAL_MS, 2**50 // INTERVAL_MS * INTERVAL_MS
    whole = laid(0, far)
    assert laid(0, border) + laid(border, far) == whole
    for since, until, quanta in amounts:
        assert sum(row[2] for row in whole if since <= row[1] < until) == quanta


@given(st.lists(st.tuples(st.integers(1, 3_000_000), st.floats(-1e6, 1e6)), min_size=2, max_size=50))
def test_a_rate_s_quarter_hours_are_its_integral_rounded_once(steps: list[tuple[int, float]]) -> None:
    """Each within half a quantum (and what fine parts are worth) of the exact area under its lines."""
    times = np.cumsum([T0, *(step for step, _ in steps[1:])])
    shown = [(int(at), value) for at, (_, value) in zip(times, steps, strict=True)]
    series = one_series(Kind.RATE, gap_ms=7_200_000)
    for row in columns(derived(readings_of(shown), series, changes_of([]), Spans.none())):
        exact = 0.0
        for (a, low), (b, high) in pairwise(shown):
            begin, end = max(a, row[1]), min(b, row[1] + INTERVAL_MS)
            if begin < end:
                values = [low + (high - low) * (at - a) / (b - a) for at in (begin, end)]
                exact += sum(values) / 2 * (end - begin) / 3_600_000 / 0.001
        assert abs(row[2] - exact) <= 0.501 + 1e-9 * abs(exact)
