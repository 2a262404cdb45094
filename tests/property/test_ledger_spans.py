"""The days of an account by the calendar of a zone: none is lost or counted twice, and none reaches beyond now."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingest.ledger.spans import spans

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kolkata")
FAR = datetime(2100, 1, 1, tzinfo=UTC)


def hours(zone: str, day: date) -> float:
    """How long a day is."""
    (span,) = spans([zone], day, day, FAR)
    return (span.until - span.since) / timedelta(hours=1)


def test_days_with_a_change_of_the_clock() -> None:
    """23 and 25 hours, a leap day of 24, a day that begins at one, and one that never was."""
    assert hours("Europe/Berlin", date(2026, 3, 29)) == 23
    assert hours("Europe/Berlin", date(2026, 10, 25)) == 25
    assert hours("Asia/Shanghai", date(2028, 2, 29)) == 24
    assert hours("America/Sao_Paulo", date(2018, 11, 4)) == 23
    assert hours("Pacific/Apia", date(2011, 12, 30)) == 0


@given(
    st.sampled_from(ZONES),
    st.dates(date(1990, 1, 1), date(2040, 1, 1)),
    st.integers(0, 40),
    st.floats(-2, 42),
)
def test_days_follow_each_other_up_to_now(zone: str, first: date, count: int, passed: float) -> None:
    """From the first instant of the first day to the end of the last one, or to now."""
    last = first + timedelta(days=count)
    now = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(days=passed)
    whole, found = list(spans([zone], first, last, FAR)), list(spans([zone], first, last, now))
    assert [span.day for span in whole] == [first + timedelta(days=days) for days in range(count + 1)]
    assert all(one.until == other.since for one, other in pairwise(whole))
    assert [span.day for span in found] == [span.day for span in whole if span.since < now]
    assert all(span.since <= span.until <= now for span in found)
    assert found[:-1] == whole[: len(found)][:-1]
