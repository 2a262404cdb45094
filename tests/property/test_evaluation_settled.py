"""What an evaluation does not take to the state machine is what that would have left as it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alerts.evaluation.standing import Alerts, may_fire
from alerts.life.machine import advance
from alerts.life.model import AlertState, Standing
from alerts.life.store import AlertKey, Known
from alerts.rules.judging import CONDITIONS, Judge, Judgement
from alerts.rules.model import Timing
from alerts.series.frame import NEVER, Frame
from alerts.series.known import catalogue
from alerts.verdicts import Colour, Mark, Severity
from tests.support.alert_rows import BREACH

START = datetime(2026, 3, 2, tzinfo=UTC)
SHOWN = Mark(Severity.CRITICAL, Colour.RED)
OTHER = Mark(Severity.WARNING, Colour.ORANGE)
ROWS = 40

hours = st.integers(0, 6).map(lambda count: START + timedelta(hours=count))
maybe = st.none() | hours
standings = st.builds(
    Standing,
    state=st.sampled_from(AlertState),
    since=hours,
    mark=st.sampled_from((SHOWN, SHOWN, OTHER)),
    seen_from=maybe,
    clear_from=maybe,
    fired_at=maybe,
    said=st.none() | st.booleans(),
    called_from=maybe,
    escalated_at=maybe,
)
seconds = st.sampled_from((0, 3600, 7200))
timings = st.builds(Timing, for_s=seconds, keep_firing_s=seconds, keep_closed_s=seconds, escalate_s=seconds)
looks = st.tuples(st.integers(0, len(CONDITIONS) - 1), st.booleans(), maybe, maybe, st.booleans())
rows = st.lists(st.tuples(standings, looks), min_size=1, max_size=ROWS)


Seen = tuple[int, bool, datetime | None, datetime | None, bool]
"""Code of the condition, final, up to when it speaks, end of the period, whether the rule is about it."""


def micros(at: datetime | None) -> int:
    """As frames have it."""
    return NEVER if at is None else int((at - START) / timedelta(microseconds=1)) + int(START.timestamp()) * 10**6


def judgement(seen: list[Seen], timing: Timing, *, corrects: bool) -> Judgement:
    """What a rule says of so many quotas."""
    count = len(seen)
    codes, final, at, end, applies = zip(*seen, strict=True)
    frame = Frame(
        subject="quota",
        ids=np.arange(count),
        periods=np.zeros(count, np.int64),
        at_us=np.array([micros(one) for one in at]),
        end_us=np.array([micros(one) for one in end]),
        final=np.array(final),
        columns={},
    )
    judge = Judge(msgspec.structs.replace(BREACH, timing=timing, corrects=corrects), catalogue())
    nothing = np.zeros(count, np.int8)
    return Judgement(judge, frame, np.array(applies), nothing, nothing, np.array(codes, np.int8))


@given(seen=rows, timing=timings, corrects=st.booleans(), now=hours, silenced=st.booleans())
def test_the_state_machine_would_leave_as_it_is_whatever_it_is_not_asked_about(
    *, seen: list[tuple[Standing, Seen]], timing: Timing, corrects: bool, now: datetime, silenced: bool
) -> None:
    """Whatever the standing, the figures and the clock."""
    of = judgement([look for _, look in seen], timing, corrects=corrects)
    known = [Known(n, AlertKey(BREACH.code, "quota", n, date(2026, 3, 2)), one, 1) for n, (one, _) in enumerate(seen)]
    settled = Alerts.of(known).settled(of, np.arange(len(seen)), now, watched=silenced)
    for row in np.flatnonzero(settled).tolist():
        was = known[row].standing
        assert advance(was, of.look(row), timing, now, silenced=silenced) == (was, None)


@given(seen=st.lists(looks, min_size=1, max_size=ROWS), timing=timings, corrects=st.booleans(), now=hours)
def test_what_may_not_fire_any_more_begins_nothing(
    *, seen: list[Seen], timing: Timing, corrects: bool, now: datetime
) -> None:
    """A raised row without an alert, whose period is over."""
    of = judgement(seen, timing, corrects=corrects)
    for row in np.flatnonzero(~may_fire(of, np.arange(len(seen)), now)).tolist():
        assert advance(None, of.look(row), timing, now) == (None, None)


@given(standings, st.integers(0, 3))
def test_what_fires_and_goes_on_unchanged_is_passed_over(was: Standing, hour: int) -> None:
    """It is told at all: an alert of a nation that merely goes on is not looked at."""
    was = msgspec.structs.replace(
        was, state=AlertState.FIRING, mark=SHOWN, clear_from=None, said=None, escalated_at=None
    )
    of = judgement([(1, False, None, None, True)], Timing(), corrects=True)
    known = Known(1, AlertKey(BREACH.code, "quota", 0, date(2026, 3, 2)), was, 1)
    assert Alerts.of([known]).settled(of, np.zeros(1, np.int64), START + timedelta(hours=hour), watched=False).all()
