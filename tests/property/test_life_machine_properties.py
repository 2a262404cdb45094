"""The life of an alert under random evidence, restarts, clock steps, windows, people and repeated evaluation."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from alerts.life.commands import acknowledge, unacknowledge
from alerts.life.machine import advance
from alerts.life.model import ACTIVE, AlertState, Condition, Look, Reason, Standing, Transition
from alerts.rules.model import Timing
from tests.support.alert_life import CLEAR, END, HELD, ORANGE, RAISED, RED, START, UNKNOWN

OVER = {AlertState.RESOLVED, AlertState.CORRECTED}
BY_TIME = {Reason.WINDOW, Reason.WINDOW_ENDED, Reason.ESCALATED, Reason.PERIOD_CLOSED}
SECONDS = st.sampled_from([0, 60, 900, 1800, 3600, 14_400])


class AlertLife(RuleBasedStateMachine):
    """One alert, and beside it what was seen since it last fired, ended or was clear."""

    @initialize(
        timing=st.builds(Timing, *[st.sampled_from([0, 0, 900, 3600])] * 4),
        corrects=st.booleans(),
        period=st.booleans(),
    )
    def begin(self, timing: Timing, *, corrects: bool, period: bool) -> None:
        """A rule, of a subject with a period or without one."""
        self.timing, self.corrects = timing, corrects
        self.end = END if period else None
        self.now = START
        self.standing: Standing | None = None
        self.moves: list[Transition] = []
        self.silenced = False
        self.last: tuple[Look, datetime, bool] | None = None
        self.raised_from: datetime | None = None
        self.clear_from: datetime | None = None

    @rule(
        condition=st.sampled_from([RAISED, RAISED, HELD, CLEAR, CLEAR, UNKNOWN]),
        step_s=SECONDS,
        lag_s=SECONDS,
        mark=st.sampled_from([ORANGE, RED]),
        final=st.booleans(),
    )
    def look(self, condition: Condition, step_s: int, lag_s: int, mark: object, *, final: bool) -> None:
        """Time goes on, and the data says something."""
        self.now += timedelta(seconds=step_s)
        at = self.now - timedelta(seconds=lag_s)
        over = self.end is not None and self.now >= self.end
        at = END if over and final else min(at, END) if self.end else at
        self._take(Look(condition, mark, at, self.end, over and final, self.corrects))  # type: ignore[arg-type]  # a Mark

    @rule(days=st.integers(1, 3))
    def days_pass(self, days: int) -> None:
        """So that periods close and alerts wait."""
        self.now += timedelta(hours=9 * days)

    @precondition(lambda self: self.last is not None)
    @rule()
    def look_again(self) -> None:
        """The same evaluation, by this instance or another: nothing happens."""
        look, now, silenced = self.last or (None, self.now, False)
        if look is not None and self.standing is not None and self.standing.since <= now:
            again = advance(self.standing, look, self.timing, now, silenced=silenced)
            assert again == (self.standing, None)

    @rule()
    def restart(self) -> None:
        """All that is remembered is what is stored."""
        stored = msgspec.json.encode(self.standing)
        self.standing = msgspec.json.decode(stored, type=Standing | None)

    @rule(back_s=st.sampled_from([1, 600, 7200, 90_000]))
    def clock_steps_back(self, back_s: int) -> None:
        """Looks before what has happened say nothing."""
        stepped = self.now - timedelta(seconds=back_s)
        if self.standing is not None and stepped < self.standing.since:
            for condition in Condition:
                look = Look(condition, RED, stepped, self.end, corrects=self.corrects)
                assert advance(self.standing, look, self.timing, stepped) == (self.standing, None)
        else:
            self.now = stepped

    @rule()
    def window(self) -> None:
        """A maintenance window begins, or ends."""
        self.silenced = not self.silenced

    @precondition(lambda self: self.standing is not None and self.standing.state in ACTIVE)
    @rule(who=st.sampled_from(["Li Wei", "Wu"]), takes=st.booleans())
    def people(self, who: str, *, takes: bool) -> None:
        """Somebody takes it on, or gives it back."""
        assert self.standing is not None
        first = self.standing.acknowledged_by
        if takes:
            self.standing, move = acknowledge(self.standing, who, self.now)
            assert self.standing.acknowledged_by == first or who
        else:
            self.standing, move = unacknowledge(self.standing, self.now)
        self._moved(move)
        self.last = None

    def _take(self, look: Look) -> None:
        before = self.standing
        after, move = advance(before, look, self.timing, self.now, silenced=self.silenced)
        assert advance(before, look, self.timing, self.now, silenced=self.silenced) == (after, move)
        self.standing, self.last = after, (look, self.now, self.silenced)
        if before is not None and self.now < before.since:
            assert (after, move) == (before, None)
            return
        self._seen(look)
        self._moved(move)
        self._checked(before, look, move)

    def _seen(self, look: Look) -> None:
        """The model: from when the data has been raised, or clear."""
        at = look.at or self.now
        if look.condition is RAISED:
            self.clear_from = None
            closed = self.end is not None and self.now >= self.end and not self.corrects
            self.raised_from = None if closed else self.raised_from or at
        elif look.condition is CLEAR or (look.final and look.condition is HELD):
            self.raised_from = None
            self.clear_from = self.clear_from or at

    def _moved(self, move: Transition | None) -> None:
        """Transitions form one chain, in the order of time."""
        if move is None:
            return
        assert self.standing is not None
        last = self.moves[-1] if self.moves else None
        assert move.from_state is (last.to_state if last else AlertState.INACTIVE)
        assert last is None or move.at >= last.at
        assert (move.to_state, move.at, move.mark) == (self.standing.state, self.standing.since, self.standing.mark)
        self.moves.append(move)

    def _checked(self, before: Standing | None, look: Look, move: Transition | None) -> None:
        was, now_is = (one.state if one else AlertState.INACTIVE for one in (before, self.standing))
        fires, ends = was not in ACTIVE and now_is in ACTIVE, was in ACTIVE and now_is not in ACTIVE
        if fires:
            self._may_fire(before, look)
        elif now_is is AlertState.PENDING:
            assert look.condition is not RAISED or not self._lasted(look)
            assert look.condition is not CLEAR
        elif now_is in ACTIVE:
            self._must_not_have_ended(look)
        if ends:
            assert now_is in OVER
            assert move is not None
            assert move.reason is not Reason.PERIOD_CLOSED or self._closed(look)
            self.raised_from = None
        if was is AlertState.PENDING and now_is is AlertState.INACTIVE:
            self.raised_from = None
        if was is AlertState.ACKNOWLEDGED:
            assert now_is is AlertState.ACKNOWLEDGED or ends
        if look.condition is UNKNOWN and move is not None:
            assert move.reason in BY_TIME
        assert now_is is not (AlertState.FIRING if self.silenced else AlertState.SILENCED)
        entries = sum(move.from_state not in ACTIVE and move.to_state in ACTIVE for move in self.moves)
        assert (self.standing.firings if self.standing else 0) == entries

    def _may_fire(self, before: Standing | None, look: Look) -> None:
        """Only on data that has been raised for long enough; never again after its period was closed."""
        assert look.condition is RAISED
        assert before is None or before.said is None
        assert self._lasted(look) or (look.final and self.corrects)
        assert self.standing is not None
        assert self.standing.fired_at == self.now

    def _lasted(self, look: Look) -> bool:
        at = look.at or self.now
        return at - (self.raised_from or at) >= timedelta(seconds=self.timing.for_s)

    def _must_not_have_ended(self, look: Look) -> None:
        """No resolve is lost."""
        assert not (look.final and look.condition in {CLEAR, HELD})
        if look.condition is CLEAR and self.clear_from is not None:
            kept = (look.at or self.now) - self.clear_from
            assert kept < timedelta(seconds=self.timing.keep_firing_s)
        assert not self._closed(look)

    def _closed(self, look: Look) -> bool:
        """Whether the period has been over for long enough, and its figures are final, certain, or a day late."""
        if self.end is None:
            return False
        keep = timedelta(seconds=self.timing.keep_closed_s)
        fired = max(move.at for move in self.moves if move.from_state not in ACTIVE and move.to_state in ACTIVE)
        settled = look.final or self.corrects or self.now >= self.end + timedelta(days=1)
        return settled and self.now >= self.end + keep and self.now > fired + keep

    def teardown(self) -> None:
        """Whatever has happened: data that goes on being clear ends it, and escalations came once each."""
        if not hasattr(self, "standing"):
            return
        self.now = max([self.now, *(move.at for move in self.moves)])
        for _ in range(3):
            self.now += timedelta(days=2)
            self._take(Look(CLEAR, ORANGE, self.now, self.end, corrects=self.corrects))
        assert self.standing is None or self.standing.state not in ACTIVE | {AlertState.PENDING}
        self._escalated_once()

    def _escalated_once(self) -> None:
        escalated = False
        for move in self.moves:
            if move.to_state in ACTIVE and move.from_state not in ACTIVE:
                escalated = False
            escalated = escalated and move.reason is not Reason.UNACKNOWLEDGED
            if move.reason is Reason.ESCALATED:
                assert not escalated
                assert move.from_state is move.to_state is AlertState.FIRING
                escalated = True


TestAlertLife = AlertLife.TestCase


@given(
    looks=st.lists(st.tuples(st.sampled_from([RAISED, CLEAR, UNKNOWN]), st.integers(0, 5)), max_size=30),
    for_s=st.integers(0, 900),
    keep_s=st.integers(0, 900),
)
def test_with_the_time_of_evaluation_it_does_what_prometheus_does(
    looks: list[tuple[Condition, int]], for_s: int, keep_s: int
) -> None:
    """`for` and keep-firing against Prometheus's own algorithm, written down plainly; unknown is no sample at all."""
    timing = Timing(for_s=for_s, keep_firing_s=keep_s)
    standing: Standing | None = None
    now, active_at, firing, kept_since = START, None, False, None
    for condition, minutes in looks:
        now += timedelta(minutes=minutes)
        standing, _ = advance(standing, Look(condition, ORANGE, now), timing, now)
        if condition is UNKNOWN:
            continue
        if condition is RAISED:
            active_at, kept_since = active_at or now, None
            firing = firing or now - active_at >= timedelta(seconds=for_s)
        elif firing:
            kept_since = kept_since or now
            if now - kept_since >= timedelta(seconds=keep_s):
                active_at, firing = None, False
        else:
            active_at = None
        expected = AlertState.FIRING if firing else AlertState.PENDING if active_at else None
        state = standing.state if standing else None
        assert (state if state in {AlertState.FIRING, AlertState.PENDING} else None) is expected
