"""The fast path: a calm register that goes on from its tail gives what everything gives, to the last bit."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.accounting.algebra.columns import INTERVAL_MS, Changes, Courses, Kind, Readings, Series, Spans
from ingest.accounting.algebra.spreading import spread
from ingest.accounting.algebra.tails import Tails, forward, tails
from tests.support.algebra import one_series
from tests.support.algebra_meters import T0, columns, derived

Shown: TypeAlias = list[tuple[int, float, int]]
Rows: TypeAlias = list[tuple[int, ...]]


@st.composite
def registers(draw: st.DrawFn) -> Shown:
    """Readings of a register that mostly goes forward, and now and then does anything else."""
    at, level = T0 + draw(st.integers(0, 2 * INTERVAL_MS)), draw(st.integers(0, 10**9))
    restless = draw(st.integers(0, 2)) == 0
    shown: Shown = []
    for _ in range(draw(st.integers(14, 30))):
        at += draw(st.sampled_from([1000, 60_000, 60_000, 60_000, 299_999, 300_000]))
        way = draw(st.integers(0, 15)) if restless else 0
        level += draw(st.sampled_from([0, 1, 17, 1500]))
        value = [level, 0, level - 3, level + 10**6, 5][way] if way < 5 else level
        at += 3_600_000 if way == 5 else 0
        shown.append((at, math.nan if way == 6 else value * 0.001, draw(st.integers(0, 2)) if way == 7 else 0))
    return shown


def _readings(many: list[Shown]) -> Readings:
    flat = [(i, *one) for i, shown in enumerate(many) for one in shown]
    return Readings(
        series=np.array([one[0] for one in flat], np.int64),
        at=np.array([one[1] for one in flat], np.int64),
        value=np.array([one[2] for one in flat], np.float64),
        quality=np.array([one[3] for one in flat], np.int64),
    )


def _everything(many: list[Shown], series: Series) -> Rows:
    return columns(derived(_readings(many), series, Changes.none(), Spans.none()))


def _going_on(many: list[Shown], cuts: list[int], series: Series) -> tuple[list[bool], Rows]:
    """Whether each series was calm throughout, and the rows that the fast path gives at its last step, by series."""
    first, *rest = cuts
    standing, calm = tails(_readings([shown[:first] for shown in many]), series)
    rows: dict[tuple[int, int], tuple[int, ...]] = {}
    before = first
    for cut in rest:
        own = np.flatnonzero(calm)
        part = Series(*(getattr(series, name)[own] for name in Series.__slots__))
        new = _readings([many[i][before:cut] for i in own.tolist()])
        found, moved, still = forward(standing.chosen(own), new, part)
        for row in columns(spread(found, part, Courses.none())):
            rows[int(own[row[0]]), row[1]] = (int(own[row[0]]), *row[1:])
        calm[own] = still
        standing = Tails(*(_put(getattr(standing, name), own, getattr(moved, name)) for name in Tails.__slots__))
        before = cut
    return calm.tolist(), list(rows.values())


def _put(column: np.ndarray, place: np.ndarray, content: np.ndarray) -> np.ndarray:
    column = column.copy()
    column[place] = content
    return column


@given(
    st.lists(registers(), min_size=1, max_size=2),
    st.lists(st.integers(10, 30), min_size=2, max_size=4).map(sorted),
    st.sampled_from([math.nan, 500.0]),
    st.booleans(),
)
def test_going_on_is_what_everything_gives(many: list[Shown], cuts: list[int], max_rate: float, coarse: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    """In any steps: every row that the fast path gives for a register that stays calm is that of all its readings."""
    series = one_series(wrap=1e6, max_rate=max_rate, resolution=0.01, float32=coarse, gap_ms=300_000, count=len(many))
    calm, rows = _going_on(many, cuts, series)
    whole = {row[:2]: row for row in _everything([shown[: cuts[-1]] for shown in many], series)}
    for row in rows:
        if calm[row[0]]:
            assert whole[row[:2]] == row


@given(registers(), st.integers(13, 30), st.integers(0, 17))
def test_a_calm_register_s_fast_path_leaves_no_row_out(shown: Shown, cut: int, more: int) -> None:
    """From the open quarter hour on it gives every row that everything gives."""
    series = one_series(gap_ms=300_000)
    calm, rows = _going_on([shown], [cut, cut + more], series)
    if calm[0] and rows:
        whole = [row for row in _everything([shown[: cut + more]], series) if row[1] >= rows[0][1]]
        assert rows == whole


@given(registers(), st.integers(0, 60))
def test_what_is_not_plain_is_not_calm(shown: Shown, cut: int) -> None:
    """A fall, a gap, a doubt among the last readings, too few of them: the slow path."""
    usable = [one for one in shown[:cut] if not math.isnan(one[1])][-13:]
    series = one_series(gap_ms=300_000, count=2)
    series.kind[1] = Kind.NET_REGISTER
    _, calm = tails(_readings([shown[:cut], shown[:cut]]), series)
    plain = all(b[1] >= a[1] and b[0] - a[0] <= 300_000 and not (a[2] or b[2]) for a, b in pairwise(usable))
    assert not calm[1]
    assert not calm[0] or (plain and len(usable) == 13)
