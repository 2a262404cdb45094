"""A back-test as the terminal shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.life.model import AlertState
from alerts.trying.backtest import BackTest
from alerts.trying.episodes import Episode, RuleSummary
from deploy.cli.columns import columns

_HEAD = ("rule", "alerts", "fired", "corrected", "hours", "early", "median lead", "missed", "in vain", "open")
_COURSE = ("fired", "rule", "of", "period", "unit", "state", "lead", "figures")
_HOUR = 3600.0


def table(found: BackTest, width: int | None) -> Iterator[str]:
    """What each rule did, and then every alert that fired, in the order of time."""
    zone = ZoneInfo(found.zone)
    yield (
        f"{found.looks} looks from {_time(found.since, zone)} to {_time(found.until, zone)} ({found.zone});"
        f" {found.periods} periods of quotas, {found.broken} of them broken"
    )
    yield ""
    yield from columns([_HEAD, *map(_rule, found.rules)], set(range(1, len(_HEAD))), None)
    yield ""
    fired = [one for one in found.episodes if one.fired_at is not None]
    if fired:
        yield from columns([_COURSE, *(_course(one, zone) for one in fired)], {6}, width)
    yield f"{len(fired)} alerts fired"


def _rule(one: RuleSummary) -> tuple[str, ...]:
    counts = (one.pending, one.fired, one.corrected)
    told = (one.foretold, _lead(one.lead_s), one.missed, one.false, one.open)
    return (
        one.rule,
        *map(str, counts),
        f"{one.firing_s / _HOUR:.1f}",
        *("-" if value is None else str(value) for value in told),
    )


def _course(one: Episode, zone: ZoneInfo) -> tuple[str, ...]:
    first, last = one.moves[0], one.moves[-1]
    fired = "" if one.fired_at is None else _time(one.fired_at, zone)
    period = "" if first.period_start is None else f"{first.period_start}"
    return (fired, first.rule, first.code, period, first.unit, last.to_state, _lead(one.lead_s) or "-", _figures(one))


def _figures(one: Episode) -> str:
    """Used and limit where it fired; of a correction both figures."""
    told = next((move for move in one.moves if move.at == one.fired_at), one.moves[0])
    text = "" if told.used is None or told.limit is None else f"{told.used:,.6g} of {told.limit:,.6g}"
    corrected = next((move for move in reversed(one.moves) if move.to_state is AlertState.CORRECTED), None)
    if corrected is None or corrected.said_used is None or corrected.used is None:
        return text
    return f"{text}; corrected: {corrected.said_used:,.6g} → {corrected.used:,.6g}"


def _lead(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds / _HOUR:.1f} h"


def _time(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
