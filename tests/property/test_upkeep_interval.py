"""The law of the chunk interval."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.upkeep.interval import DAY, HOUR, LADDER, ROOM, TOO_LARGE, Choice, Growth, Limits, choose

MIB = 1_048_576
currents = st.one_of(st.sampled_from(LADDER), st.integers(600, 90 * DAY))
growths = st.builds(Growth, rows_per_s=st.floats(1e-4, 1e6), index_bytes=st.floats(20, 200))
limits = st.builds(
    Limits, index_bytes=st.floats(1e6, 1e11), kept_days=st.floats(1, 40_000), most_chunks=st.integers(10, 10_000)
)


@given(currents, growths, limits)
def test_a_second_look_changes_nothing(current: int, growth: Growth, limit: Limits) -> None:
    """What was chosen is chosen again, so that a round that is repeated does nothing."""
    first = choose(current, growth, limit)
    assert choose(first.interval_s, growth, limit) == first


@given(currents, growths, limits)
def test_what_is_kept_falls_into_no_more_chunks_than_allowed(current: int, growth: Growth, limit: Limits) -> None:
    """Unless even the longest interval does not do, which is then taken."""
    chosen = choose(current, growth, limit).interval_s
    assert chosen * limit.most_chunks >= limit.kept_days * DAY or chosen >= LADDER[-1]


@given(currents, growths, limits)
def test_the_index_fits_unless_the_number_of_chunks_forbids(current: int, growth: Growth, limit: Limits) -> None:
    """And whoever reads why, reads the truth."""
    chosen = choose(current, growth, limit)
    size = growth.index_of(chosen.interval_s)
    fits = size <= limit.index_bytes * TOO_LARGE
    assert fits == (chosen.bound != "number")
    assert fits or chosen.interval_s <= max(limit.shortest_s, LADDER[0])


@given(currents, growths, limits)
def test_it_is_as_long_as_it_can_be(current: int, growth: Growth, limit: Limits) -> None:
    """Few chunks make plans short: a longer step of the ladder would be clearly too large."""
    chosen = choose(current, growth, limit).interval_s
    longer = [step for step in LADDER if step > chosen]
    assert all(growth.index_of(step) > limit.index_bytes * ROOM for step in longer) or chosen >= LADDER[-1]


@given(
    st.sampled_from(LADDER),
    st.sampled_from(LADDER),
    st.floats(0.7, 1.4),
    st.lists(st.sampled_from([0.9, 0.95, 1.0, 1.05, 1.1]), min_size=2, max_size=40),
)
def test_a_rate_that_varies_changes_nothing_back_and_forth(
    current: int, step: int, part: float, factors: list[float]
) -> None:
    """A tenth up and down, just where a step of the ladder fits: intervals grow, or become shorter once, never both."""
    growth = Growth(750, 40)
    limit = Limits(growth.index_of(step) * part, 1, 500)
    taken = [current]
    for factor in factors:
        varied = Growth(growth.rows_per_s * factor, growth.index_bytes)
        taken.append(choose(taken[-1], varied, limit).interval_s)
    steps = [after - before for before, after in pairwise(taken) if after != before]
    assert all(change > 0 for change in steps) or len(steps) == 1


@given(currents, growths, limits, st.floats(1, 100))
def test_more_memory_never_makes_chunks_shorter(current: int, growth: Growth, limit: Limits, factor: float) -> None:
    """Nor does a slower rate, which is the same in the law."""
    richer = Limits(limit.index_bytes * factor, limit.kept_days, limit.most_chunks)
    assert choose(current, growth, richer).interval_s >= choose(current, growth, limit).interval_s


@pytest.mark.parametrize(
    ("rows_per_s", "memory_mib", "days", "chosen"),
    [
        (750, 2_048, 100, Choice(12 * HOUR, "memory")),  # a city on a server that can hold half a day
        (
            750,
            128,
            2_200,
            Choice(7 * DAY, "number"),
        ),  # a city on a small one: for good, so the number of chunks decides
        (42_500, 16_384, 30, Choice(2 * HOUR, "memory")),  # the nation for a month
        (0.5, 128, 2_200, Choice(30 * DAY, "longest")),  # a trial with a few meters
    ],
)
def test_known_sizes(rows_per_s: float, memory_mib: int, days: float, chosen: Choice) -> None:
    """What it says of some installations, beginning with a week."""
    growth, limit = Growth(rows_per_s, 40.0), Limits(memory_mib * MIB, days, 500)
    assert choose(7 * DAY, growth, limit) == chosen
