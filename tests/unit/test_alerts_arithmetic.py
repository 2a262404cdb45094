"""Verdicts: the worked examples of docs/rules.md and the borders between verdicts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from alerts.arithmetic import Figures, judge
from alerts.quotas import QuotaRule
from alerts.verdicts import CLEAR, EXCEEDED, ON_COURSE, UNKNOWN, Colour, Verdict

START = datetime(2026, 2, 28, 16, tzinfo=UTC)  # 1 March in Shanghai
RULE = QuotaRule()


def month(used: str, day: float, **changes: object) -> Figures:
    """March with a limit of 310 tce, `day` days in, judged when the data is complete."""
    ready = START + timedelta(days=day)
    figures = Figures(Decimal(used), Decimal(310), START, START + timedelta(days=31), ready, True, ready, 0.03)
    return msgspec.structs.replace(figures, **changes)


def test_on_the_limit_line() -> None:
    """Example 1: 10 tce a day is pace 1 and ends exactly at the limit, which is not over it."""
    seen = judge(month("62", 6.2), RULE)
    assert (seen.verdict, seen.mark) == (Verdict.OK, CLEAR)
    assert (seen.pace, seen.projected, seen.elapsed_share) == (Decimal(1), Decimal(310), Decimal("0.2"))


def test_on_course_to_exceed() -> None:
    """Example 2: 12 tce a day for 6.2 days projects to 372, and the limit breaks after 25.83 days."""
    seen = judge(month("74.4", 6.2), RULE)
    assert (seen.verdict, seen.mark) == (Verdict.ON_COURSE, ON_COURSE)
    assert (seen.pace, seen.projected) == (Decimal("1.2"), Decimal(372))
    assert seen.exhausted_at == START + timedelta(days=25, hours=20)


def test_too_early_to_judge_the_pace() -> None:
    """Example 3: half a day into the month the same pace says nothing yet."""
    seen = judge(month("6", 0.5), RULE)
    assert (seen.verdict, seen.pace) == (Verdict.OK, Decimal("1.2"))


def test_a_breach_needs_no_elapsed_time() -> None:
    """Example 4: more than the limit is a breach at any moment, with any data."""
    for changes in ({}, {"ready": None}, {"complete": False}, {"now": START + timedelta(days=30)}):
        seen = judge(month("310.001", 0.1, **changes), RULE)
        assert (seen.verdict, seen.mark) == (Verdict.EXCEEDED, EXCEEDED)


@pytest.mark.parametrize(
    ("used", "verdict", "colour"),
    [
        ("247.9", Verdict.OK, Colour.GREEN),
        ("248", Verdict.WARNED, Colour.BLUE),
        ("279", Verdict.WARNED, Colour.YELLOW),
        ("309.99", Verdict.WARNED, Colour.YELLOW),
    ],
)
def test_bands_warn_of_the_used_share(used: str, verdict: Verdict, colour: Colour) -> None:
    """Example 5: near the month's end 80 and 90 % warn, although the pace stays within the limit."""
    seen = judge(month(used, 31, ready=START + timedelta(days=31, seconds=-1)), RULE)
    assert (seen.verdict, seen.mark.colour) == (verdict, colour)


def test_a_finished_period_is_kept_or_broken() -> None:
    """Example 6: once all data is in, 99 % of the limit is simply within it."""
    seen = judge(month("307", 31, now=START + timedelta(days=40)), RULE)
    assert (seen.verdict, seen.projected, seen.elapsed_share) == (Verdict.OK, Decimal(307), Decimal(1))


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"ready": None}, Verdict.NO_DATA),
        ({"now": START + timedelta(days=6.2, seconds=RULE.stale_s + 1)}, Verdict.STALE),
        ({"complete": False}, Verdict.INCOMPLETE),
    ],
)
def test_absence_of_data_is_never_all_clear(changes: dict[str, object], verdict: Verdict) -> None:
    """Example 7: low use with data missing is a grey verdict of its own, not a green one."""
    seen = judge(month("10", 6.2, **changes), RULE)
    assert (seen.verdict, seen.mark, seen.verdict.known) == (verdict, UNKNOWN, False)


def test_missing_days_do_not_hide_a_pace_that_is_too_high() -> None:
    """What is missing can only add: a projection over the limit holds without it."""
    assert judge(month("74.4", 6.2, complete=False), RULE).verdict is Verdict.ON_COURSE


def test_clearing_needs_more_than_falling_below_the_limit() -> None:
    """Hysteresis: 0.98 of the limit is within it, yet not clear; below 0.97 is."""
    assert not judge(month("60.76", 6.2), RULE).clear
    assert not judge(month("60.14", 6.2), RULE).clear
    assert judge(month("60.13", 6.2), RULE).clear


def test_data_from_before_the_period_has_nothing_elapsed() -> None:
    """Just after midnight the newest data is still yesterday's: no pace, no projection, no verdict of doom."""
    seen = judge(month("0", 0, ready=START - timedelta(minutes=20), now=START + timedelta(minutes=5)), RULE)
    assert (seen.verdict, seen.pace, seen.projected, seen.exhausted_at) == (Verdict.OK, None, None, None)
