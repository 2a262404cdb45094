"""A stretch computed alone is that part of the whole: with REACH readings on each side, cut at any border."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.accounting.algebra.columns import INTERVAL_MS, Changes, Readings, Series, Spans
from ingest.accounting.algebra.excursions import REACH
from tests.support.algebra import FAR, changes_of, readings_of, spans_of
from tests.support.algebra_meters import T0, Meter, columns, derived, meters

Columns = TypeVar("Columns", Readings, Changes, Spans, Series)


def _window(draw: st.DrawFn, meter: Meter) -> tuple[int, int]:
    first = meter.shown[0][0] if meter.shown else T0
    last = meter.shown[-1][0] if meter.shown else T0
    since = draw(st.integers(first // INTERVAL_MS - 2, last // INTERVAL_MS + 2))
    return since * INTERVAL_MS, draw(st.integers(since, last // INTERVAL_MS + 3)) * INTERVAL_MS


@st.composite
def windows(draw: st.DrawFn) -> tuple[Meter, int, int]:
    """A meter and a stretch of it."""
    meter = draw(meters())
    return meter, *_window(draw, meter)


@given(windows())
def test_a_stretch_with_its_reach_is_that_part_of_the_whole(window: tuple[Meter, int, int]) -> None:
    """From the REACH-th usable reading at or before it to the REACH-th at or after it, every column is the same."""
    meter, since, until = window
    usable = meter.usable()
    low = [at for at in usable if at <= since][-REACH:][:1] or [since]
    high = [at for at in usable if at >= until][:REACH][-1:] or [until]
    if len([at for at in usable if at <= since]) < REACH:
        low = [0]
    if len([at for at in usable if at >= until]) < REACH:
        high = [2**50]
    part = [one for one in meter.shown if low[0] <= one[0] <= high[0]]
    whole = [row for row in meter.compute(0, FAR) if since <= row[1] < until]
    assert meter.compute(since, until, part) == whole


@given(windows())
def test_splitting_at_any_border_changes_nothing(window: tuple[Meter, int, int]) -> None:
    """Two stretches that meet give what one gives."""
    meter, border, end = window
    assert meter.compute(0, border) + meter.compute(border, end) == meter.compute(0, end)


@given(windows(), st.sets(st.integers(0, 27), max_size=6))
def test_readings_change_nothing_beyond_their_reach(window: tuple[Meter, int, int], late: set[int]) -> None:
    """What comes late alters no row before the REACH-th usable reading before it, nor after the REACH-th after it."""
    meter, _, _ = window
    before = [one for i, one in enumerate(meter.shown) if i not in late]
    changed = [one[0] for i, one in enumerate(meter.shown) if i in late]
    if not changed:
        return
    usable = set(meter.usable()) - set(changed)
    low = sorted(at for at in usable if at < min(changed))[-REACH:]
    high = sorted(at for at in usable if at > max(changed))[:REACH]
    since = low[0] if len(low) == REACH else -(2**50)
    until = high[-1] if len(high) == REACH else 2**50

    def outside(rows: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        return [row for row in rows if row[1] + INTERVAL_MS <= since or row[1] >= until]

    assert outside(meter.compute(0, FAR, before)) == outside(meter.compute(0, FAR))


@given(st.lists(meters(), min_size=2, max_size=2))
def test_series_in_one_pass_do_not_touch_each_other(many: list[Meter]) -> None:
    """Computed together they give what each alone gives, whatever kinds they are."""
    readings = _stacked(Readings, [readings_of(one.shown, i) for i, one in enumerate(many)])
    changes = _stacked(Changes, [changes_of(one.changes, i) for i, one in enumerate(many)])
    excluded = _stacked(Spans, [spans_of(one.excluded, i) for i, one in enumerate(many)])
    series = _stacked(Series, [one.series for one in many])
    rows = columns(derived(readings, series, changes, excluded))
    alone = [(i, *row[1:]) for i, one in enumerate(many) for row in one.compute(0, FAR)]
    assert rows == alone


def _stacked(kind: type[Columns], parts: list[Columns]) -> Columns:
    return kind(*(np.concatenate([getattr(one, name) for one in parts]) for name in kind.__slots__))
