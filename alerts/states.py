"""The life of an alert: a pure state machine over (what was seen, now), one per quota and period.

    inactive ──on course──▶ pending ──for──▶ firing ──clear, or the period closes──▶ resolved ──late data──▶ corrected
        └──────────────────exceeded────────────▲ └─ escalates in place: firing on course → firing exceeded

A pace must last for `for_s` of *data*: repeated looks at the same data never add up to it. A breach fires at once.
Absence of data changes nothing but the verdict that is shown: it neither fires, nor clears, nor confirms.
The whole memory is a `Standing`, which the store keeps; a restart therefore changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from alerts.quotas import QuotaRule
from alerts.verdicts import EXCEEDED, ON_COURSE, Mark, Verdict


class AlertState(StrEnum):
    """Where an alert stands."""

    INACTIVE = "inactive"
    """It has not fired."""
    PENDING = "pending"
    """On course to exceed, not yet for long enough."""
    FIRING = "firing"
    """Somebody has to know."""
    RESOLVED = "resolved"
    """It has fired, and is over: the pace fell, or the period closed."""
    CORRECTED = "corrected"
    """After it was over, late data changed what was said."""


class Seen(msgspec.Struct, frozen=True):
    """One look at the evidence.

    Attributes:
        verdict, mark: of the judgement.
        clear: the judgement's: far enough below the limit to end a firing alert.
        final: the period is over and all its data is in.
        at: up to when the data speaks (at most the end of the period); None without data.
        end: of the period.
    """

    verdict: Verdict
    mark: Mark
    clear: bool
    final: bool
    at: datetime | None
    end: datetime


class Standing(msgspec.Struct, frozen=True):
    """All that is remembered of one alert.

    Attributes:
        state: where it stands.
        since: data time of the last transition; of the first look where there was none.
        cause: the verdict it fired for, kept after the period has closed; or what it was corrected to.
        seen_from: while pending: the data time from which the data has been on course.
        verdict, mark: what boards show now.
    """

    state: AlertState
    since: datetime
    cause: Verdict | None
    seen_from: datetime | None
    verdict: Verdict
    mark: Mark


class Transition(msgspec.Struct, frozen=True):
    """A change worth keeping for ever; `from_state` equals `to_state` when a firing alert changes its cause."""

    from_state: AlertState
    to_state: AlertState
    verdict: Verdict
    at: datetime


class _Next(msgspec.Struct, frozen=True):
    """Where to go: the state, and what it then remembers."""

    state: AlertState
    cause: Verdict | None = None
    seen_from: datetime | None = None


def advance(before: Standing | None, seen: Seen, rule: QuotaRule, now: datetime) -> tuple[Standing, Transition | None]:
    """Take one look; returns what is remembered from now on, and the transition if there was one."""
    start = before or Standing(AlertState.INACTIVE, now, None, None, seen.verdict, seen.mark)
    goal = _RULES[start.state](start, seen, rule, now)
    changed = goal.state is not start.state or goal.cause is not start.cause
    after = Standing(
        state=goal.state,
        since=now if changed else start.since,
        cause=goal.cause,
        seen_from=goal.seen_from,
        verdict=seen.verdict,
        mark=_mark(goal, seen),
    )
    return after, Transition(start.state, goal.state, seen.verdict, now) if changed else None


def _mark(goal: _Next, seen: Seen) -> Mark:
    """A firing alert keeps its colour through hysteresis and through missing data."""
    if goal.state is AlertState.FIRING:
        return EXCEEDED if goal.cause is Verdict.EXCEEDED else ON_COURSE
    return seen.mark


def _unfired(before: Standing, seen: Seen, rule: QuotaRule, now: datetime) -> _Next:
    """From inactive, pending, or resolved without a breach: what may still fire."""
    if seen.verdict is Verdict.EXCEEDED:
        return _Next(AlertState.FIRING, Verdict.EXCEEDED)
    if seen.verdict is Verdict.ON_COURSE and seen.at is not None and now < seen.end:
        return _hold(before, seen.at, rule)
    if before.state is AlertState.PENDING:
        ended = seen.verdict.known or now >= seen.end
        return _Next(AlertState.INACTIVE) if ended else _Next(AlertState.PENDING, None, before.seen_from)
    return _Next(before.state, before.cause)


def _hold(before: Standing, at: datetime, rule: QuotaRule) -> _Next:
    """`for`: fire when the data itself has been on course for long enough."""
    seen_from = at if before.seen_from is None else min(before.seen_from, at)
    if at - seen_from >= timedelta(seconds=rule.for_s):
        return _Next(AlertState.FIRING, Verdict.ON_COURSE)
    return _Next(AlertState.PENDING, None, seen_from)


def _firing(before: Standing, seen: Seen, rule: QuotaRule, now: datetime) -> _Next:
    closing = now >= max(seen.end, before.since) + timedelta(seconds=rule.keep_s)
    if closing:
        return _Next(AlertState.RESOLVED, seen.verdict if seen.verdict.flags else before.cause)
    if seen.verdict.flags:
        return _Next(AlertState.FIRING, seen.verdict)
    if seen.verdict.known and (seen.clear or seen.final):
        return _Next(AlertState.RESOLVED)
    return _Next(AlertState.FIRING, before.cause)


def _resolved(before: Standing, seen: Seen, rule: QuotaRule, now: datetime) -> _Next:
    if before.cause is not Verdict.EXCEEDED:
        return _unfired(before, seen, rule, now)
    return _corrected(before, seen, rule, now)


def _corrected(before: Standing, seen: Seen, _rule: QuotaRule, _now: datetime) -> _Next:
    """A closed breach never fires again; a final verdict that differs is a correction."""
    decided = seen.verdict is Verdict.EXCEEDED or (seen.final and seen.verdict.known)
    if decided and seen.verdict is not before.cause:
        return _Next(AlertState.CORRECTED, seen.verdict)
    return _Next(before.state, before.cause)


_RULES = {
    AlertState.INACTIVE: _unfired,
    AlertState.PENDING: _unfired,
    AlertState.FIRING: _firing,
    AlertState.RESOLVED: _resolved,
    AlertState.CORRECTED: _corrected,
}
