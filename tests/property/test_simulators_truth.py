"""The registers' curve and the audit's exact sum must agree, though they share no arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.loads import truth
from simulators.loads.catalogue import LoadSettings, shape_files
from simulators.loads.shapes import Load

START_MS = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)
HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS

loads = st.builds(
    LoadSettings,
    shape=st.sampled_from(sorted(shape_files())),
    mean_per_hour=st.floats(min_value=0.01, max_value=1e5),
    weeks=st.lists(st.integers(0, 200), min_size=1, max_size=4).map(tuple),
    spread=st.integers(1, 6),
)
moments = st.integers(START_MS - 3 * YEAR_MS, START_MS + 3 * YEAR_MS)
spans = st.one_of(st.integers(0, 4 * 24 * HOUR_MS), st.integers(0, 60 * 24 * HOUR_MS))
offsets = st.sampled_from([0, 28_800, -12_600, 20_700])


@settings(max_examples=150, deadline=None)
@given(load=loads, since=moments, span=spans, offset=offsets)
def test_the_curve_agrees_with_the_sum_of_the_intervals(load: LoadSettings, since: int, span: int, offset: int) -> None:
    """Over any span, also across gaps and the end of the file, curve and file give the same consumption."""
    exact = float(truth.consumed(load, offset, since, since + span))
    curve = Load(load, offset).consumed(since, since + span)
    assert abs(curve - exact) <= 1e-9 * max(exact, load.mean_per_hour)


@settings(max_examples=100, deadline=None)
@given(load=loads, since=moments, span=spans, offset=offsets)
def test_a_register_never_runs_backwards(load: LoadSettings, since: int, span: int, offset: int) -> None:
    """Later is never less: no shape has negative consumption, and no repetition steps back."""
    curve = Load(load, offset)
    assert curve.level(since + span) - curve.level(since) >= -1e-9 * load.mean_per_hour


@settings(max_examples=30, deadline=None)
@given(load=loads, offset=offsets)
def test_the_declared_mean_is_the_mean_over_a_full_turn(load: LoadSettings, offset: int) -> None:
    """Over the period after which the file repeats, the mean load is the declared one."""
    turns = {"uk-electricity-a": 140, "uk-electricity-b": 153, "uk-gas-a": 140}
    span = timedelta(weeks=turns[load.shape])
    hours = span.total_seconds() / 3600
    consumed = Load(load, offset).consumed(START_MS, START_MS + int(span.total_seconds() * 1000))
    assert abs(consumed / hours - load.mean_per_hour) <= 1e-9 * load.mean_per_hour
