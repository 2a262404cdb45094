"""Properties that any verdict has, whatever the figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alerts.arithmetic import Figures, elapsed_share, judge
from alerts.quotas import QuotaRule
from alerts.verdicts import Verdict

RULE = QuotaRule()
START = datetime(2026, 1, 1, tzinfo=UTC)
amounts = st.decimals(0, 10**9, places=4)


@st.composite
def figures(draw: st.DrawFn) -> Figures:
    """Any use of any period up to a year, with data that may be late, missing or full of holes."""
    length = timedelta(seconds=draw(st.integers(3600, 366 * 86400)))
    ready = draw(st.none() | st.floats(-0.2, 1.2).map(lambda share: START + length * share))
    return Figures(
        used=draw(amounts),
        limit=draw(st.decimals("0.001", 10**9, places=3)),
        start=START,
        end=START + length,
        ready=ready,
        complete=draw(st.booleans()),
        now=(ready or START) + timedelta(seconds=draw(st.integers(0, 10 * RULE.stale_s))),
        min_elapsed=draw(st.sampled_from([0.02, 0.03, 0.25, 1.0])),
    )


@given(figures())
def test_a_breach_is_found_exactly_when_more_was_used(case: Figures) -> None:
    """No other figure can hide or invent a breach."""
    assert (judge(case, RULE).verdict is Verdict.EXCEEDED) == (case.used > case.limit)


@given(figures())
def test_nothing_unknown_is_all_clear(case: Figures) -> None:
    """Green needs complete data that is fresh, or a period that is over."""
    if judge(case, RULE).verdict in {Verdict.OK, Verdict.WARNED}:
        assert case.complete
        assert case.ready is not None
        assert case.final or case.now - case.ready <= timedelta(seconds=RULE.stale_s)


@given(figures())
def test_the_projection_decides_the_course(case: Figures) -> None:
    """On course exactly when used / elapsed share exceeds the limit, compared without rounding."""
    if judge(case, RULE).verdict is Verdict.ON_COURSE:
        elapsed = elapsed_share(case.start, case.end, case.ready)
        assert elapsed >= Fraction(repr(case.min_elapsed))
        assert Fraction(case.used) > Fraction(case.limit) * elapsed


@given(figures(), amounts)
def test_using_more_never_improves_the_verdict(case: Figures, more: Decimal) -> None:
    """With all else equal, a larger use is flagged if the smaller one is, and never clearer."""
    less, greater = judge(case, RULE), judge(msgspec.structs.replace(case, used=case.used + more), RULE)
    assert greater.verdict.flags >= less.verdict.flags
    assert greater.clear <= less.clear


@given(figures())
def test_what_flags_is_never_clear(case: Figures) -> None:
    """An alert cannot be raised and ended by the same figures."""
    seen = judge(case, RULE)
    assert not (seen.clear and seen.verdict.flags)


@given(figures(), st.integers(1, 1000))
def test_the_unit_of_measure_does_not_matter(case: Figures, factor: int) -> None:
    """Use and limit in a smaller unit give the same verdict, shares and date."""
    scaled = msgspec.structs.replace(case, used=case.used * factor, limit=case.limit * factor)
    one, other = judge(case, RULE), judge(scaled, RULE)
    assert msgspec.structs.replace(one, projected=None) == msgspec.structs.replace(other, projected=None)


@given(figures())
def test_exhaustion_lies_between_the_data_and_the_end(case: Figures) -> None:
    """A date of exhaustion is only named when it is still to come within the period."""
    when = judge(case, RULE).exhausted_at
    if when is not None:
        assert case.ready is not None
        assert case.ready - timedelta(seconds=1) <= when <= case.end
