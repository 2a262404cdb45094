"""Which of several contradicting readings is effective follows from their content alone."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from energy.readings import Quality, content_order

contents = st.tuples(st.sampled_from([int(q) for q in Quality]), st.none() | st.floats(allow_infinity=False))


@given(candidates=st.lists(contents, min_size=1, max_size=6), shuffled=st.randoms())
def test_order_of_arrival_never_matters(candidates: list[tuple[int, float | None]], shuffled: object) -> None:
    """Any permutation has the same effective content, and its quality is the best there is."""
    reordered = list(candidates)
    shuffled.shuffle(reordered)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    first, second = (min(content_order(*c) for c in each) for each in (candidates, reordered))
    assert first == second
    assert first[0] == min(quality for quality, _ in candidates)


@given(value=st.floats(allow_nan=False))
def test_a_value_goes_before_none(value: float) -> None:
    """At equal quality a reading with a value is effective before one without."""
    assert content_order(1, value) < content_order(1, None) == content_order(1, math.nan)
