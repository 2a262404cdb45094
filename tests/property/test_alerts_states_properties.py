"""The state machine under random evidence, restarts, clock steps and repeated looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from alerts.quotas import QuotaRule
from alerts.states import AlertState, Seen, Standing, Transition, advance
from alerts.verdicts import CLEAR, EXCEEDED, ON_COURSE, UNKNOWN, Mark, Verdict

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=1)
MARKS: dict[Verdict, Mark] = {Verdict.OK: CLEAR, Verdict.ON_COURSE: ON_COURSE, Verdict.EXCEEDED: EXCEEDED}
OVER = {AlertState.RESOLVED, AlertState.CORRECTED}


class AlertLife(RuleBasedStateMachine):
    """One alert that is looked at over and over, with a model of what it may do."""

    def __init__(self) -> None:
        super().__init__()
        self.rule = QuotaRule(for_s=1800, keep_s=4 * 3600)
        self.now = START
        self.standing: Standing | None = None
        self.last: Seen | None = None
        self.moves: list[Transition] = []

    @rule(
        verdict=st.sampled_from(Verdict),
        clear=st.booleans(),
        lag_s=st.integers(0, 4 * 3600),
        step_s=st.integers(0, 3 * 3600),
    )
    def look(self, verdict: Verdict, step_s: int, lag_s: int, clear: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        """Time goes on, and the data says something."""
        self.now += timedelta(seconds=step_s)
        at = None if verdict is Verdict.NO_DATA else min(self.now - timedelta(seconds=lag_s), END)
        final = at == END
        if final and verdict is Verdict.ON_COURSE:
            verdict = Verdict.EXCEEDED  # nothing is left to be on course for
        self.last = Seen(verdict, MARKS.get(verdict, UNKNOWN), clear and not verdict.flags, final, at, END)
        self._take(self.last)

    @rule()
    def look_again(self) -> None:
        """The same evidence at the same time changes nothing."""
        if self.last is not None:
            before = self.standing
            self._take(self.last)
            assert self.standing == before

    @rule(back_s=st.integers(1, 86400))
    def clock_steps_back(self, back_s: int) -> None:
        """A clock that is put back is survived."""
        self.now -= timedelta(seconds=back_s)

    @rule()
    def restart(self) -> None:
        """What the store keeps is all there is."""
        if self.standing is not None:
            assert msgspec.json.decode(msgspec.json.encode(self.standing), type=Standing) == self.standing

    def _take(self, seen: Seen) -> None:
        before = self.standing
        self.standing, move = advance(before, seen, self.rule, self.now)
        self._check_step(before, self.standing, seen, move)
        self.moves += [move] if move else []

    def _check_step(self, before: Standing | None, after: Standing, seen: Seen, move: Transition | None) -> None:
        old = before.state if before else AlertState.INACTIVE
        assert (move is not None) == (
            old is not after.state or (before is not None and before.cause is not after.cause)
        )
        if move and move.to_state is AlertState.FIRING:
            assert seen.verdict.flags, "only evidence fires"
            if seen.verdict is Verdict.ON_COURSE and old is not AlertState.FIRING:
                self._check_for(before, seen)
        if not seen.verdict.known and old is AlertState.FIRING and after.state is not old:
            assert self.now >= END + timedelta(seconds=self.rule.keep_s), "absence never ends a firing alert early"
        if seen.verdict is Verdict.EXCEEDED and old not in OVER:
            assert after.state is not AlertState.INACTIVE, "a breach is never silent"
        if old is AlertState.FIRING and seen.verdict.flags and self.now < END:
            assert after.state is AlertState.FIRING, "it does not end while the reason lasts"

    def _check_for(self, before: Standing | None, seen: Seen) -> None:
        assert before is not None
        assert before.seen_from is not None
        assert seen.at is not None
        assert seen.at - before.seen_from >= timedelta(seconds=self.rule.for_s), "a pace must last"

    @invariant()
    def fires_once_for_one_thing(self) -> None:
        """Between two transitions to firing for the same cause there is an end, or another cause."""
        last: Transition | None = None
        for move in self.moves:
            if move.to_state is AlertState.FIRING:
                assert last is None or last.verdict is not move.verdict
                last = move
            elif move.from_state is AlertState.FIRING:
                last = None

    @invariant()
    def firing_is_shown_as_such(self) -> None:
        """The colour of a firing alert is that of its cause, whatever is known at the moment."""
        if self.standing is not None and self.standing.state is AlertState.FIRING:
            assert self.standing.mark in {ON_COURSE, EXCEEDED}
            assert self.standing.cause in {Verdict.ON_COURSE, Verdict.EXCEEDED}


TestAlertLife = AlertLife.TestCase
