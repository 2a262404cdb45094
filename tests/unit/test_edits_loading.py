"""Edits as the columns of the counter algebra: which series they concern, and what holds from when."""

from __future__ import annotations

from typing import Any

import numpy as np

from ingest.accounting.edits.loading import Row, arranged
from ingest.accounting.edits.model import Kind


def row(kind: Kind, since: int, until: int | None = None, point: int = 7, **further: Any) -> Row:
    """An edit as the database gives it."""
    bare = {"old_end": None, "new_start": None, "ratio": None, "quanta": None}
    return {
        "point_id": point,
        "kind": kind,
        "since": since,
        "until": since if until is None else until,
        **bare,
    } | further


def columns(*numbers: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A column of whole numbers."""
    return np.array(numbers, np.int64)


def test_a_ratio_holds_until_another_and_a_replacement_without_one_leaves_it() -> None:
    """Also where the change that gave it lies long before the series; of another point it says nothing.

    The first change after a series is there too: its state may be what follows the last reading.
    """
    rows = [
        row(Kind.RATIO, 10, ratio=1.5),
        row(Kind.REPLACEMENT, 20, 25, old_end=100.0, new_start=2.0),
        row(Kind.REPLACEMENT, 30, 31, ratio=2.0, old_end=7.0),
        row(Kind.RATIO, 60, ratio=4.0),
        row(Kind.REPLACEMENT, 40, point=9),
    ]
    changes = arranged(rows, columns(7, 8, 7, 9), columns(26, 0, 35, 0), columns(29, 99, 59, 99)).changes
    assert changes.series.tolist() == [0, 0, 0, 2, 2, 2, 2, 3]
    assert changes.ratio.tolist() == [1.5, 1.5, 2.0, 1.5, 1.5, 2.0, 4.0, 1.0]
    assert changes.since.tolist() == [10, 20, 30, 10, 20, 30, 60, 40]
    assert changes.until.tolist() == [10, 25, 31, 10, 25, 31, 60, 40]
    assert changes.continues.tolist() == [True, False, False, True, False, False, True, False]
    np.testing.assert_equal(changes.old_end, [np.nan, 100, 7, np.nan, 100, 7, np.nan, np.nan])
    np.testing.assert_equal(changes.new_start, [np.nan, 2, np.nan, np.nan, 2, np.nan, np.nan, np.nan])


def test_spans_that_touch_are_one_and_reach_whole_into_their_series() -> None:
    """Of those that only lie in another series' time there is no trace; a span ends before its end."""
    rows = [row(Kind.EXCLUDE, 0, 10), row(Kind.EXCLUDE, 5, 8), row(Kind.EXCLUDE, 10, 20), row(Kind.EXCLUDE, 30, 40)]
    excluded = arranged(rows, columns(7, 7, 7), columns(0, 20, 40), columns(19, 30, 50)).excluded
    assert list(zip(excluded.series, excluded.since, excluded.until, strict=True)) == [(0, 0, 20), (1, 30, 40)]


def test_amounts_and_acceptances_have_their_own_columns() -> None:
    """Each kind is found under its own name."""
    found = arranged([row(Kind.ACCEPT, 0, 9), row(Kind.AMOUNT, 3, 9, quanta=-5)], columns(7), columns(0), columns(50))
    assert (found.amounts.since.tolist(), found.amounts.until.tolist(), found.amounts.quanta.tolist()) == (
        [3],
        [9],
        [-5],
    )
    assert (found.accepted.series.tolist(), found.accepted.since.tolist()) == ([0], [0])
    assert not len(found.changes.series)
    assert not len(found.excluded.series)


def test_nothing_is_columns_without_rows() -> None:
    """Of the types that the algebra takes."""
    found = arranged([], columns(7), columns(0), columns(50))
    for part in (found.changes, found.excluded, found.amounts, found.accepted):
        assert part.series.dtype == np.int64
        assert len(part.series) == len(part.since) == len(part.until) == 0
