"""The life of an alert: a pure state machine over (what is remembered, one look, now).

                  ┌── clear ──┐
                  ▼           │         ┌▶ silenced ◀─ window ─┐
    inactive ─ raised ─▶ pending ─ for ─▶ firing ──────────────┴─▶ acknowledged
                                            │ clear (keep-firing), or the period closes
                                            ▼
                                  resolved, or corrected ─ raised anew ─▶ pending, firing

`for` and keep-firing are Prometheus's, on the time of the data: with `at` the time of evaluation both do the same
transition by transition; repeated looks at the same data add nothing up. Between the two thresholds (held) what is
stays; absence of data (unknown) neither fires, nor clears, nor confirms.

A period that is over has no course any more: what needs time to last does not fire there. What corrects (`used` above
the limit), and what fires at once on final figures, does, since people have to know of it. What a closed period said
is remembered; when a later look decides otherwise the alert is corrected, and never fires again.

A look that is older than the last transition says nothing: so a clock that is put back changes nothing. Each look is a
fixed point: the same one again changes nothing either.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from alerts.life.model import ACTIVE, AlertState, Condition, Look, Reason, Standing, Transition
from alerts.rules.model import Timing

_SETTLED = timedelta(days=1)
"""For so long at most an alert of a period that is over waits for the rest of its data."""
_Next = tuple[Standing, Reason | None]
"""What is remembered from now on, and why there is a transition, if there is one."""


def advance(
    standing: Standing | None, look: Look, timing: Timing, now: datetime, *, silenced: bool = False
) -> tuple[Standing | None, Transition | None]:
    """Take one look.

    Args:
        standing: what is remembered; None of what never was more than inactive.
        look: what the figures say.
        timing: the rule's.
        now: data time of the evaluation.
        silenced: a maintenance window covers the alert.

    Returns:
        What is remembered from now on, and the transition if there was one.
    """
    if standing is None and look.condition is not Condition.RAISED:
        return None, None
    before = standing or Standing(AlertState.INACTIVE, now, look.mark)
    if now < before.since:
        return standing, None
    if before.state in ACTIVE:
        after, reason = _active(before, look, timing, now, silenced=silenced)
    elif before.said is not None:
        after, reason = _closed(before, look)
    else:
        after, reason = _unfired(before, look, timing, now, silenced=silenced)
    if reason is None:
        return (standing if after == before else after), None
    return moved(before, after, reason, now)


def moved(before: Standing, after: Standing, reason: Reason, now: datetime) -> tuple[Standing, Transition]:
    """A transition at `now`, or at the last one's time where the clock is behind that."""
    at = max(now, before.since)
    return replace(after, since=at), Transition(before.state, after.state, at, after.mark, reason)


def _unfired(before: Standing, look: Look, timing: Timing, now: datetime, *, silenced: bool) -> _Next:
    """From inactive or pending, or from an end within a period that is still open."""
    pending = before.state is AlertState.PENDING
    if not _may_fire(look, timing, now):
        return _inactive(before, Reason.PERIOD_CLOSED) if pending else (before, None)
    if look.condition is Condition.RAISED:
        return _raised(before, look, timing, now, silenced=silenced)
    ended = look.condition is Condition.CLEAR or (look.final and look.condition is Condition.HELD)
    return _inactive(before, Reason.CLEARED) if pending and ended else (before, None)


def _may_fire(look: Look, timing: Timing, now: datetime) -> bool:
    is_open = look.end is None or now < look.end
    return is_open or look.corrects or (look.final and timing.for_s == 0)


def _inactive(before: Standing, reason: Reason) -> _Next:
    return replace(before, state=AlertState.INACTIVE, seen_from=None), reason


def _raised(before: Standing, look: Look, timing: Timing, now: datetime, *, silenced: bool) -> _Next:
    """`for`: fire when the data itself has been raised for long enough."""
    at = look.at or now
    pending = before.state is AlertState.PENDING
    seen_from = before.seen_from if pending and before.seen_from is not None else at
    settled = look.final and look.corrects  # no more data comes that could last
    if not settled and at - seen_from < timedelta(seconds=timing.for_s):
        after = replace(before, state=AlertState.PENDING, seen_from=seen_from, mark=look.mark)
        return after, None if pending else Reason.RAISED
    state = AlertState.SILENCED if silenced else AlertState.FIRING
    after = Standing(
        state=state,
        since=now,
        mark=look.mark,
        fired_at=now,
        called_from=None if silenced else now,
        firings=before.firings + 1,
    )
    return after, Reason.LASTED if pending else Reason.RAISED


def _active(before: Standing, look: Look, timing: Timing, now: datetime, *, silenced: bool) -> _Next:
    at = look.at or now
    clear_from = before.clear_from
    if look.condition is Condition.RAISED:
        clear_from = None
    elif look.condition is Condition.CLEAR and clear_from is None:
        clear_from = at
    kept = clear_from is not None and at - clear_from >= timedelta(seconds=timing.keep_firing_s)
    closes = _closes(before, look, timing, now)
    if look.condition is Condition.CLEAR and (kept or closes or look.final):
        return _cleared(before, look, now)
    if look.condition is Condition.HELD and look.final and (look.corrects or not closes):
        return _cleared(before, look, now)
    if closes:
        return replace(_over(before, AlertState.RESOLVED), said=True), Reason.PERIOD_CLOSED
    mark = look.mark if look.condition is Condition.RAISED else before.mark
    return _called(before, replace(before, clear_from=clear_from, mark=mark), timing, now, silenced=silenced)


def _closes(before: Standing, look: Look, timing: Timing, now: datetime) -> bool:
    """Whether the period, and a late alert, have been over for long enough, and the figures are final.

    A forecast that went wrong by the period's last readings, a little late as ever, would else be told as a correction.
    """
    if look.end is None:
        return False
    keep = timedelta(seconds=timing.keep_closed_s)
    fired_at = before.fired_at or before.since
    settled = look.final or look.corrects or now >= look.end + _SETTLED
    return settled and now >= look.end + keep and now > fired_at + keep


def _cleared(before: Standing, look: Look, now: datetime) -> _Next:
    said = False if look.end is not None and now >= look.end else None
    if look.corrects:
        return replace(_over(before, AlertState.CORRECTED), said=said), Reason.CORRECTED
    return replace(_over(before, AlertState.RESOLVED), said=said), Reason.CLEARED


def _over(before: Standing, state: AlertState) -> Standing:
    """An alert that fires no more; when it escalated is kept to be read."""
    return replace(before, state=state, clear_from=None, acknowledged_at=None, acknowledged_by="", called_from=None)


def _called(before: Standing, after: Standing, timing: Timing, now: datetime, *, silenced: bool) -> _Next:
    """Who is called for an alert that goes on; all that changes at one look is one transition."""
    reason = Reason.SEVERITY if after.mark != before.mark else None
    if before.state is AlertState.FIRING and silenced:
        return replace(after, state=AlertState.SILENCED, called_from=None), Reason.WINDOW
    if before.state is AlertState.SILENCED and not silenced:
        return replace(after, state=AlertState.FIRING, called_from=now), Reason.WINDOW_ENDED
    if before.state is AlertState.FIRING and before.escalated_at is None and timing.escalate_s:
        waited = now - (before.called_from or before.since)
        if waited >= timedelta(seconds=timing.escalate_s):
            return replace(after, escalated_at=now), Reason.ESCALATED
    return after, reason


def _closed(before: Standing, look: Look) -> _Next:
    """What a closed period said stands until final figures, or certain ones, say otherwise.

    Between the two thresholds they do not, but of what cannot end by itself: an alert that closed there, on figures
    that were not final, would be corrected by the very same ones.
    """
    says = look.condition is Condition.RAISED
    undecided = {Condition.UNKNOWN} if look.corrects else {Condition.UNKNOWN, Condition.HELD}
    decided = look.condition not in undecided and (look.final or (look.corrects and says))
    if not decided or says is before.said:
        return before, None
    mark = look.mark if says else before.mark
    return replace(before, state=AlertState.CORRECTED, said=says, mark=mark), Reason.CORRECTED
