"""A change that is too fast is flagged, and nothing else is; flags never change what is stored."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.checking.rates import MOST_FLAGS, SLOTS, Fast, RateWatch
from ingest.checking.rows import Rows, sorted_rows

HOUR_MS = 3_600_000
BOUNDS = {1: 10.0, 2: math.inf, 3: 1e-3}

batches = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from([*BOUNDS]),
            st.integers(0, 5),
            st.one_of(st.none(), st.sampled_from([0.0, 1.0, 10.0, 10.5, 1e308, -1e308])),
        ),
        max_size=12,
    ),
    max_size=4,
)


def rows_of(readings: list[tuple[int, int, float | None]]) -> Rows:
    """Rows of (point, hour, value)."""
    point = np.array([one[0] for one in readings], np.int32)
    at = np.array([one[1] * HOUR_MS for one in readings], np.int64)
    value = np.array([math.nan if one[2] is None else one[2] for one in readings], np.float64)
    return sorted_rows(point, at, value, np.where(np.isnan(value), 3, 0))[0]


def judged(watch: RateWatch, rows: Rows) -> Fast:
    """What `watch` says, by the bounds above."""
    return watch.judge(rows, np.array([BOUNDS[int(point)] for point in rows.point], np.float64))


@given(batches)
def test_flags_are_those_of_a_plain_look(sent: list[list[tuple[int, int, float | None]]]) -> None:
    """Each effective value is compared with the one before it in its batch, or with the newest one seen before."""
    watch = RateWatch()
    newest: dict[int, tuple[int, float]] = {}
    for readings in sent:
        rows = rows_of(readings)
        expected = []
        before: dict[int, tuple[int, float]] = {}
        for row in np.flatnonzero(rows.effective & ~np.isnan(rows.value)).tolist():
            point, at, value = int(rows.point[row]), int(rows.at[row]), float(rows.value[row])
            since = before.get(point) or newest.get(point)
            if since and since[0] < at and abs(value - since[1]) > BOUNDS[point] * (at - since[0]) / HOUR_MS:
                expected.append((point, at))
            before[point] = at, value
        for point, seen in before.items():
            newest[point] = max(newest.get(point, seen), seen, key=lambda one: one[0])
        fast = judged(watch, rows)
        assert [(flag.point, flag.at) for flag in fast.flags] == expected
        assert fast.count == len(expected)


def test_a_flag_says_what_it_saw() -> None:
    """From, to, how long, and what is plausible."""
    (flag,) = judged(RateWatch(), rows_of([(1, 0, 0.0), (1, 2, 21.0)])).flags
    assert flag.detail == "from 0.0 to 21.0 in 7200.0 s: more than 10.0 an hour"


def test_what_is_kept_of_a_batch_is_bounded_and_all_is_counted() -> None:
    """A meter gone mad must not write more flags than readings matter."""
    count = 3 * MOST_FLAGS
    fast = judged(RateWatch(), rows_of([(1, hour, 1000.0 * (hour % 2)) for hour in range(count)]))
    assert len(fast.flags) == MOST_FLAGS
    assert fast.count == count - 1


def test_points_that_share_a_slot_are_never_compared_with_each_other() -> None:
    """The table of newest values has a fixed size; who is pushed out is compared with nothing."""
    watch = RateWatch()
    bound = np.array([10.0])
    for point, hour, value in [(1, 0, 0.0), (1 + SLOTS, 1, 1e6), (1, 2, 0.0)]:
        assert watch.judge(rows_of([(point, hour, value)]), bound).count == 0
    assert watch.judge(rows_of([(1, 3, 1e6)]), bound).count == 1


def test_flags_on_rows_that_the_database_refuses_are_dropped() -> None:
    """There is no reading that they could be about."""
    rows = rows_of([(1, 0, 0.0), (1, 1, 50.0), (1, 2, 100.0)])
    fast = judged(RateWatch(), rows)
    assert [flag.at for flag in fast.without(rows.take(slice(1, 2))).flags] == [2 * HOUR_MS]
