"""Alerts, their evidence and maintenance windows as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from deploy.cli.columns import columns, shown

if TYPE_CHECKING:
    from alerts.life.people import Listed, Move
    from alerts.life.windows import Window
    from alerts.rules.messages import Language

_LIST = ("ID", "STATE", "SEVERITY", "RULE", "OF", "UNIT", "SINCE", "SAYS")
_MOVES = ("NO", "AT", "FROM", "TO", "REASON", "SEVERITY", "BY", "SAYS")
_WINDOWS = ("ID", "COVERS", "RULE", "SINCE", "UNTIL", "AUTHOR", "REASON")


def list_lines(alerts: Sequence[Listed], language: Language, width: int | None) -> Iterator[str]:
    """A line for each, below headings; `width` is the terminal's, None for no terminal."""
    rows = [_LIST]
    for one in alerts:
        standing = one.standing
        state = f"{standing.state}!" if standing.escalated_at and standing.state == "firing" else str(standing.state)
        of = one.code if one.period_start is None else f"{one.code} {one.period_start}"
        since = local(standing.since, one.time_zone)
        says = getattr(one.message, language)
        unit = one.unit or name_of(one, language)
        rows.append((str(one.alert_id), state, standing.mark.severity, one.rule, of, unit, since, says))
    return columns(rows, {0}, width)


def show_lines(one: Listed, moves: Sequence[Move], language: Language, width: int | None) -> Iterator[str]:
    """Where an alert stands, and how it came there."""
    yield from head_lines(one, language)
    yield ""
    rows = [_MOVES]
    for move in moves:
        made = move.transition
        says = move.note or (getattr(move.evidence.message, language) if move.evidence else "")
        states = (made.from_state, made.to_state, made.reason, made.mark.severity)
        rows.append((str(move.transition_id), local(made.at, one.time_zone), *states, move.author or "-", says))
    yield from columns(rows, {0}, width)


def head_lines(one: Listed, language: Language) -> Iterator[str]:
    """What an alert is, and where it stands."""
    standing = one.standing
    zone = one.time_zone
    period = "" if one.period_start is None else f", period from {one.period_start}"
    facts = {
        "alert": f"{one.alert_id}: {one.rule} of {one.subject} {one.code}{period}",
        "unit": ", ".join(filter(None, (one.unit, name_of(one, language), one.district, one.industry))),
        "state": f"{standing.state} since {local(standing.since, zone)}",
        "severity": f"{standing.mark.severity} ({standing.mark.colour})",
        "says": getattr(one.message, language),
    }
    if standing.fired_at is not None:
        times = "" if standing.firings == 1 else f" ({standing.firings} times in all)"
        facts["fired"] = local(standing.fired_at, zone) + times
    if standing.acknowledged_at is not None:
        facts["taken on"] = f"{local(standing.acknowledged_at, zone)} by {standing.acknowledged_by}"
    if standing.escalated_at is not None:
        facts["escalated"] = local(standing.escalated_at, zone)
    yield from fact_lines(facts)


def fact_lines(facts: dict[str, str]) -> Iterator[str]:
    """One line for each fact that there is."""
    for name, fact in facts.items():
        if fact:
            yield f"{name + ':':<12}{shown(fact)}"


def window_lines(windows: Sequence[Window], zone: str, width: int | None) -> Iterator[str]:
    """A line for each maintenance window, in times of `zone`."""
    rows = [_WINDOWS]
    for one in windows:
        until = local(one.end, zone) + (f" (ended by {one.ended_by})" if one.ended_at else "")
        covers = one.subject if one.key is None else f"{one.subject} {one.key}"
        rows.append(
            (str(one.window_id), covers, one.rule or "any", local(one.since, zone), until, one.author, one.reason)
        )
    return columns(rows, {0}, width)


def name_of(one: Listed, language: Language) -> str:
    """Of the unit or group."""
    return one.name_zh if language == "zh" else one.name_en


def local(moment: datetime | None, zone: str) -> str:
    """In a zone, as short as it stays exact; "-" for none."""
    if moment is None:
        return "-"
    at = moment.astimezone(ZoneInfo(zone))
    spec = "milliseconds" if at.microsecond else "seconds" if at.second else "minutes"
    return at.isoformat(timespec=spec)
