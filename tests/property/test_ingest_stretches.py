"""Stretches of time within which taken keys are looked up."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.writing.merge import stretches

DAY_MS = 86_400_000
MOST = 64

moments = st.one_of(
    st.integers(-10 * DAY_MS, 60_000 * DAY_MS),
    st.builds(lambda day, off: day * DAY_MS + off, st.integers(20_000, 20_200), st.sampled_from([-1, 0, 1])),
)


@example([day * DAY_MS for day in range(200)])
@given(st.lists(moments, max_size=200))
def test_every_time_lies_in_one_stretch(at: list[int]) -> None:
    """No key is overlooked or looked up twice; no stretch is empty, and even a year of days makes few of them."""
    found = [
        (round(since.timestamp() * 1000), round(until.timestamp() * 1000))
        for since, until in stretches(np.array(at, np.int64))
    ]
    assert [sum(since <= one < until for since, until in found) for one in at] == [1] * len(at)
    assert all(any(since <= one < until for one in at) for since, until in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    assert len(found) <= MOST
