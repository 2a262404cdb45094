"""The back-off stays within its bounds for every setting and every chance."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.backoff import Backoff


@given(
    first=st.floats(0.001, 10),
    longer=st.floats(1, 1e6),
    factor=st.floats(1, 10),
    jitter=st.floats(0, 1),
    chances=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=400),
)
def test_every_delay_lies_between_its_bounds(
    first: float, longer: float, factor: float, jitter: float, chances: list[float]
) -> None:
    """The n-th delay follows the documented formula, also after very many attempts."""
    chance: Iterator[float] = iter(chances)
    backoff = Backoff(first, first * longer, factor, jitter, lambda: next(chance))
    ceiling = first
    for attempt in range(1, len(chances) + 1):
        delay = backoff.next()
        assert (1 - jitter) * ceiling * 0.999999 <= delay <= ceiling
        assert backoff.attempts == attempt
        ceiling = min(first * longer, ceiling * factor)


def test_a_success_starts_over() -> None:
    """After a reset the first delay comes again."""
    backoff = Backoff(1.0, 60.0, random=lambda: 0.0)
    assert [backoff.next() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    backoff.reset()
    assert (backoff.attempts, backoff.next()) == (0, 1.0)


@pytest.mark.parametrize("settings", [(0, 1, 2, 0), (2, 1, 2, 0), (1, 2, 0.5, 0), (1, 2, 2, 1.5)])
def test_settings_that_make_no_sense_are_refused(settings: tuple[float, float, float, float]) -> None:
    """A delay of nothing, a shrinking or an inverted one is a programming error."""
    with pytest.raises(ValueError, match="back-off needs"):
        Backoff(*settings)
