"""Sorting and resolving one batch agrees with the plain definition of what is effective."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from energy.readings import content_order
from ingest.checking.rows import sorted_rows, touched

SPANS = st.sampled_from([0, 1, 2, 3, 1 << 31, 1 << 32, 1 << 40])
READINGS = st.lists(
    st.tuples(
        st.integers(1, 3),
        SPANS,
        st.one_of(st.sampled_from([0.0, -0.0, 1.5, -2.0, math.nan]), st.floats(allow_infinity=False)),
        st.integers(0, 3),
    ),
    max_size=40,
)


def _content(quality: int, value: float) -> tuple[int, float | None]:
    """Comparable contents: NaN is none, and minus zero is zero."""
    return quality, None if math.isnan(value) else value + 0.0


@given(READINGS)
def test_rows_are_the_distinct_readings_with_one_effective_per_key(readings: list[tuple[int, int, float, int]]) -> None:
    """Nothing is lost or invented, each key has exactly one effective row, and it is the first by content order."""
    points, ats, values, qualities = (list(column) for column in zip(*readings, strict=True)) if readings else ([],) * 4
    rows, row_of = sorted_rows(
        np.array(points, np.int32), np.array(ats, np.int64), np.array(values, np.float64), np.array(qualities, np.int64)
    )
    expected: defaultdict[tuple[int, int], set[tuple[int, float | None]]] = defaultdict(set)
    for point, at, value, quality in readings:
        expected[point, at].add(_content(quality, value))
    found: defaultdict[tuple[int, int], list[tuple[int, float | None]]] = defaultdict(list)
    effective = {}
    for row in range(len(rows)):
        key = int(rows.point[row]), int(rows.at[row])
        content = _content(int(rows.quality[row]), float(rows.value[row]))
        found[key].append(content)
        if rows.effective[row]:
            assert key not in effective
            effective[key] = content
    assert {key: sorted(map(repr, contents)) for key, contents in found.items()} == {
        key: sorted(map(repr, contents)) for key, contents in expected.items()
    }
    assert effective == {
        key: min(contents, key=lambda item: content_order(*item)) for key, contents in expected.items()
    }
    assert list(found) == sorted(found)
    for (point, at, value, quality), row in zip(readings, row_of, strict=True):
        assert (rows.point[row], rows.at[row], rows.quality[row]) == (point, at, quality)
        assert rows.value[row] == value or (math.isnan(value) and math.isnan(rows.value[row]))


@given(READINGS.filter(bool))
def test_touched_names_each_point_once_with_its_range(readings: list[tuple[int, int, float, int]]) -> None:
    """The dirty marks cover exactly what the rows say."""
    rows, _ = sorted_rows(
        np.array([r[0] for r in readings], np.int32),
        np.array([r[1] for r in readings], np.int64),
        np.array([r[2] for r in readings], np.float64),
        np.array([r[3] for r in readings], np.int64),
    )
    marks = touched(rows)
    times: defaultdict[int, list[int]] = defaultdict(list)
    for point, at, _, _ in readings:
        times[point].append(at)
    assert marks.point.tolist() == sorted(times)
    assert marks.since.tolist() == [min(times[point]) for point in sorted(times)]
    assert marks.until.tolist() == [max(times[point]) for point in sorted(times)]
