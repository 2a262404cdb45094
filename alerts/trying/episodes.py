"""What a back-test found: each alert with its course; per rule how often, how early, how wrongly it fired. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import TypeAlias

import msgspec

from alerts.life.model import ACTIVE, AlertState, Reason
from alerts.rules.model import Subject

Period: TypeAlias = tuple[int, date]
"""A quota, by its id, in the period that begins on a day."""


class Moved(msgspec.Struct, frozen=True):
    """A transition.

    Attributes:
        rule: whose alert it was.
        subject, subject_id, period_start: of what; `period_start` is None where there is no period.
        code, unit: of the subject, and of its unit; empty for quotas of groups.
        at: data time; from_state, to_state, reason: as `alerts.life.model` has them.
        severity, colour: that are shown from then on.
        used, limit: of quotas, the figures of that moment; said_used those that were said before.
    """

    rule: str
    subject: Subject
    subject_id: int
    period_start: date | None
    code: str
    unit: str
    at: datetime
    from_state: AlertState
    to_state: AlertState
    reason: Reason
    severity: str
    colour: str
    used: float | None = None
    limit: float | None = None
    said_used: float | None = None


class Watched(msgspec.Struct, frozen=True):
    """A quota in one period.

    Attributes:
        end: of the period.
        broken_at: data time of the first look that found more used than allowed; None where none did.
    """

    end: datetime
    broken_at: datetime | None = None


class Episode(msgspec.Struct, frozen=True):
    """The course of one alert.

    Attributes:
        moves: its transitions, in the order of time; the first is to pending or firing.
        fired_at: when it first fired; None where it never did.
        broken_at: when the quota was broken in that period; None where it was not, or there is no quota.
        lead_s: seconds from the firing to the breach, 0 for a rule that tells the breach itself; None where it did not
            fire, nothing broke, or it fired after the breach.
    """

    moves: tuple[Moved, ...]
    fired_at: datetime | None
    broken_at: datetime | None
    lead_s: float | None

    def spans(self, until: datetime) -> list[tuple[AlertState, datetime, datetime, str]]:
        """The states in turn: (state, from, until, colour); the last one lasts `until` the end of the back-test."""
        ends = [after.at for _, after in pairwise(self.moves)]
        return [
            (move.to_state, move.at, end, move.colour) for move, end in zip(self.moves, [*ends, until], strict=True)
        ]


class RuleSummary(msgspec.Struct, frozen=True):
    """What a rule did.

    Attributes:
        rule: its code.
        pending: alerts that were pending or more.
        fired: alerts that fired, firings: how often in all.
        corrected: of those, how many were corrected.
        firing_s: seconds that they fired, acknowledged and silenced ones among them, per alert.
        foretold: broken periods of quotas in which it had fired when the limit broke, or at that very look.
        missed: broken periods in which it had not.
        false: periods in which it fired and that ended unbroken.
        open: periods in which it fired and that had not ended yet, unbroken.
        lead_s: median of the seconds from the firing to the breach, of those foretold; None without any.
    """

    rule: str
    pending: int
    fired: int
    firings: int
    corrected: int
    firing_s: float
    foretold: int | None = None
    missed: int | None = None
    false: int | None = None
    open: int | None = None
    lead_s: float | None = None


def episodes(moves: Iterable[Moved], periods: Mapping[Period, Watched]) -> list[Episode]:
    """The alerts, in the order in which they began."""
    grouped: dict[tuple[object, ...], list[Moved]] = defaultdict(list)
    for move in sorted(moves, key=lambda one: one.at):
        grouped[move.rule, move.subject, move.subject_id, move.period_start].append(move)
    found = [_episode(one, periods) for one in grouped.values()]
    return sorted(found, key=lambda one: (one.moves[0].at, one.moves[0].code, one.moves[0].rule))


def _episode(moves: Sequence[Moved], periods: Mapping[Period, Watched]) -> Episode:
    fired_at = next((move.at for move in moves if _fires(move)), None)
    period = _period(moves[0])
    broken_at = periods[period].broken_at if period is not None and period in periods else None
    early = fired_at is not None and broken_at is not None and fired_at <= broken_at
    lead = (broken_at - fired_at).total_seconds() if early and broken_at and fired_at else 0.0
    return Episode(tuple(moves), fired_at, broken_at, lead if early else None)


def _fires(move: Moved) -> bool:
    return move.to_state in ACTIVE and move.from_state not in ACTIVE


def _period(move: Moved) -> Period | None:
    quota = move.subject == "quota" and move.period_start is not None
    return (move.subject_id, move.period_start) if quota and move.period_start else None


def summaries(
    rules: Mapping[str, Collection[Period] | None],
    found: Sequence[Episode],
    periods: Mapping[Period, Watched],
    until: datetime,
) -> list[RuleSummary]:
    """One row per rule, also of those that never spoke.

    Args:
        rules: by their codes, of rules about quotas with the periods that they are about; None for others.
        found: the alerts of these rules.
        periods: all periods of quotas.
        until: the end of the back-test.
    """
    by_rule: dict[str, list[Episode]] = {rule: [] for rule in rules}
    for episode in found:
        by_rule[episode.moves[0].rule].append(episode)
    return [
        _summary(rule, one, None if (about := rules[rule]) is None else {at: periods[at] for at in about}, until)
        for rule, one in by_rule.items()
    ]


def _summary(
    rule: str, found: Sequence[Episode], periods: Mapping[Period, Watched] | None, until: datetime
) -> RuleSummary:
    fired = [one for one in found if one.fired_at is not None]
    plain = RuleSummary(
        rule=rule,
        pending=len(found),
        fired=len(fired),
        firings=sum(_fires(move) for one in fired for move in one.moves),
        corrected=sum(any(move.to_state is AlertState.CORRECTED for move in one.moves) for one in fired),
        firing_s=sum(_lasting(one, until).total_seconds() for one in fired),
    )
    if periods is None:
        return plain
    early = {_period(one.moves[0]): one.lead_s for one in fired if one.lead_s is not None}
    whole = [period for one in fired if (period := _period(one.moves[0])) is not None and one.broken_at is None]
    ended = sum(periods[period].end <= until for period in whole if period in periods)
    broken = sum(one.broken_at is not None for one in periods.values())
    return msgspec.structs.replace(
        plain,
        foretold=len(early),
        missed=broken - len(early),
        false=ended,
        open=len(whole) - ended,
        lead_s=median(early.values()) if early else None,
    )


def _lasting(one: Episode, until: datetime) -> timedelta:
    return sum((end - start for state, start, end, _ in one.spans(until) if state in ACTIVE), timedelta())
