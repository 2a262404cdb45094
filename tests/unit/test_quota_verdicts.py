"""The verdict that is shown of a quota: its borders by hand, and what holds of any figures."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.evaluation.figures import Written, figures_of
from alerts.evaluation.verdicts import COLOURS, VERDICTS, marks, verdicts
from alerts.series.frame import NEVER
from alerts.series.quotas import QuotaFrame
from alerts.verdicts import Colour, Verdict
from tests.support.rule_pages import STALE_S, one_quota

START = datetime(2026, 2, 28, 16, tzinfo=UTC)  # 1 March in Shanghai
DAYS = 31
LIMIT = 310.0
END = START + timedelta(days=DAYS)


def month(used: float, day: float | None, *, after: timedelta = timedelta(0), complete: bool = True) -> QuotaFrame:
    """March with a limit of 310 tce, complete for `day` days (None: a carrier never delivered), judged `after` that."""
    ready = None if day is None else START + timedelta(days=day)
    return one_quota(used, LIMIT, ready, (ready or START) + after, complete=complete)


def verdict_of(frame: QuotaFrame) -> Verdict:
    """Of its one row."""
    return VERDICTS[int(verdicts(frame)[0])]


@pytest.mark.parametrize(
    ("used", "day", "seen", "verdict", "colour"),
    [
        (62, 6.2, {}, Verdict.OK, Colour.GREEN),  # exactly on course is not over it
        (74.4, 6.2, {}, Verdict.ON_COURSE, Colour.ORANGE),
        (74.4, 6.2, {"complete": False}, Verdict.ON_COURSE, Colour.ORANGE),  # what is missing can only add
        (6, 0.5, {}, Verdict.OK, Colour.GREEN),  # the same pace, too early to say anything
        (310, 31, {}, Verdict.OK, Colour.GREEN),
        (310.001, 0.1, {}, Verdict.EXCEEDED, Colour.RED),
        (310.001, None, {}, Verdict.EXCEEDED, Colour.RED),
        (310.001, 0.1, {"complete": False}, Verdict.EXCEEDED, Colour.RED),
        (310.001, 0.1, {"after": timedelta(days=30)}, Verdict.EXCEEDED, Colour.RED),
        (247.9, 30.99, {}, Verdict.OK, Colour.GREEN),
        (248, 30.99, {}, Verdict.WARNED, Colour.BLUE),
        (279, 30.99, {}, Verdict.WARNED, Colour.YELLOW),
        (307, 31, {"after": timedelta(days=9)}, Verdict.OK, Colour.GREEN),  # over, and kept
        (10, None, {}, Verdict.NO_DATA, Colour.GREY),
        (10, 6.2, {"after": timedelta(seconds=STALE_S + 1)}, Verdict.STALE, Colour.GREY),
        (10, 6.2, {"complete": False}, Verdict.INCOMPLETE, Colour.GREY),
        (0, -0.01, {}, Verdict.OK, Colour.GREEN),  # just after midnight the newest data is yesterday's
    ],
)
def test_verdicts_by_hand(used: float, day: float | None, seen: Any, verdict: Verdict, colour: Colour) -> None:
    """What is certain on any data comes first, and absence of data is a grey verdict of its own."""
    frame = month(used, day, **seen)
    found = verdicts(frame)
    _, colours = marks(frame, found)
    assert (VERDICTS[int(found[0])], COLOURS[int(colours[0])]) == (verdict, colour)


def test_before_a_period_has_data_it_has_neither_pace_nor_end() -> None:
    """Nothing has elapsed that use could be set against."""
    columns = month(0, -0.01).columns
    assert columns["elapsed_share"][0] == 0
    assert np.isnan(columns["pace"][0])


@settings(max_examples=200)
@given(
    thousandths=st.integers(0, 400_000),
    more=st.integers(0, 400_000),
    day=st.none() | st.floats(-0.2 * DAYS, 1.2 * DAYS),
    after=st.timedeltas(timedelta(0), timedelta(days=40)),
    complete=st.booleans(),
)
def test_what_holds_of_any_figures(
    *, thousandths: int, more: int, day: float | None, after: timedelta, complete: bool
) -> None:
    """A breach is found exactly when more was used; nothing unknown is green; more use never looks better."""
    frame = month(thousandths / 1000, day, after=after, complete=complete)
    verdict = verdict_of(frame)
    assert (verdict is Verdict.EXCEEDED) == (thousandths > LIMIT * 1000)
    if verdict in {Verdict.OK, Verdict.WARNED}:
        assert complete
        assert frame.final[0] or frame.columns["lag_s"][0] <= STALE_S
    if verdict is Verdict.ON_COURSE:
        assert frame.columns["elapsed_share"][0] >= frame.columns["min_elapsed"][0]
        assert frame.columns["projected"][0] > LIMIT
    worse = verdict_of(month((thousandths + more) / 1000, day, after=after, complete=complete))
    assert worse.flags >= verdict.flags
    exhausted = int(figures_of(frame).columns["exhausted_at"][0])
    if exhausted != NEVER:
        assert frame.ready_us[0] - 1_000_000 <= exhausted <= frame.end_us[0]


def test_only_figures_that_may_be_looked_at_again_are_remembered() -> None:
    """What was written is not written again, until the widest look is past its period."""
    march = figures_of(month(62, 6.2))
    may = figures_of(
        one_quota(1, LIMIT, END + timedelta(days=40), END + timedelta(days=40), first=date(2026, 5, 1), complete=True)
    )
    written = Written()
    written.remember(march, written.changed(march))
    written.remember(may, written.changed(may))
    assert [len(written.changed(one)) for one in (march, may)] == [0, 0]
    written.remember(may, written.changed(may), alone=True)
    assert [len(written.changed(one)) for one in (march, may)] == [1, 0]
