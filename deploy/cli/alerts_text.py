"""Alerts, their evidence and maintenance windows as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from alerts.life.model import ACTIVE, AlertState
from alerts.life.terms import REASONS, STATES, SUBJECTS, term
from alerts.verdicts import COLOUR_TERMS, SEVERITY_TERMS
from deploy.cli.columns import columns, places, shown
from deploy.cli.terminal import saying

if TYPE_CHECKING:
    from alerts.life.model import Standing
    from alerts.life.people import Listed, Move
    from alerts.life.windows import Window
    from alerts.rules.messages import Language

_LIST: Mapping[Language, tuple[str, ...]] = {
    "en": ("ID", "STATE", "SEVERITY", "RULE", "OF", "SINCE", "SAYS"),
    "zh": ("编号", "状态", "级别", "规则", "对象", "起始时间", "内容"),
}
_MOVES: Mapping[Language, tuple[str, ...]] = {
    "en": ("NO", "AT", "FROM", "TO", "REASON", "SEVERITY", "BY", "SAYS"),
    "zh": ("序号", "时间", "由", "至", "原因", "级别", "人员", "内容"),
}
_WINDOWS: Mapping[Language, tuple[str, ...]] = {
    "en": ("ID", "COVERS", "RULE", "SINCE", "UNTIL", "AUTHOR", "REASON"),
    "zh": ("编号", "范围", "规则", "开始", "结束", "登记人", "原因"),
}
_COVERS: Mapping[str, str] = {"unit": "用能单位", "district": "区县", "industry": "行业", "all": "全部"}
_FACTS_AT = 11


def list_lines(alerts: Sequence[Listed], language: Language, width: int | None) -> Iterator[str]:
    """A line for each, below headings; `width` is the terminal's, None for no terminal."""
    rows = [_LIST[language]]
    for one in alerts:
        standing = one.standing
        escalated = standing.escalated_at and standing.state == "firing"
        state = f"{term(STATES, standing.state, language)}{'!' if escalated else ''}"
        severity = term(SEVERITY_TERMS, standing.mark.severity, language)
        says = getattr(one.message, language)
        since = minute(_began(standing), one.time_zone)
        rows.append((str(one.alert_id), state, severity, one.rule, _of(one), since, says))
    return columns(rows, {0}, width, gives_way=4)


def show_lines(one: Listed, moves: Sequence[Move], language: Language, width: int | None) -> Iterator[str]:
    """Where an alert stands, and how it came there."""
    yield from head_lines(one, language)
    yield ""
    rows = [_MOVES[language]]
    for move in moves:
        made = move.transition
        says = move.note or (getattr(move.evidence.message, language) if move.evidence else "")
        states = [term(STATES, state, language) for state in (made.from_state, made.to_state)]
        states += [term(REASONS, made.reason, language), term(SEVERITY_TERMS, made.mark.severity, language)]
        rows.append((str(move.number), minute(made.at, one.time_zone), *states, move.author or "-", says))
    yield from columns(rows, {0}, width)


def head_lines(one: Listed, language: Language) -> Iterator[str]:
    """What an alert is, and where it stands."""
    say = saying(language)
    standing, zone, since = one.standing, one.time_zone, one.period_start
    state, colour = term(STATES, standing.state, language), term(COLOUR_TERMS, standing.mark.colour, language)
    severity = term(SEVERITY_TERMS, standing.mark.severity, language)
    period = "" if since is None else say(f"，周期自{since}起", f", period from {since}")
    subject = term(SUBJECTS, one.subject, language)
    came = _began(standing) if standing.state is AlertState.FIRING else standing.since
    facts = {
        say("预警", "alert"): f"{one.alert_id}: "
        + say(f"{subject} {one.code}，规则 {one.rule}", f"{one.rule} of {subject} {one.code}")
        + period,
        say("单位", "unit"): ", ".join(filter(None, (one.unit, name_of(one, language), one.district, one.industry))),
        say("状态", "state"): say(
            f"{state}，自 {local(came, zone)}",
            f"{state} since {local(came, zone)}",
        ),
        say("级别", "severity"): say(f"{severity}（{colour}）", f"{severity} ({colour})"),
        say("内容", "says"): getattr(one.message, language),
    }
    if standing.fired_at is not None:
        count = standing.firings
        times = "" if count == 1 else say(f"（共 {count} 次）", f" ({count} times in all)")
        facts[say("触发", "fired")] = local(standing.fired_at, zone) + times
    if standing.acknowledged_at is not None:
        at, who = local(standing.acknowledged_at, zone), standing.acknowledged_by
        facts[say("确认", "taken on")] = say(f"{at}，{who}", f"{at} by {who}")
    if standing.escalated_at is not None:
        facts[say("升级", "escalated")] = local(standing.escalated_at, zone)
    yield from fact_lines(facts)


def fact_lines(facts: dict[str, str]) -> Iterator[str]:
    """One line for each fact that there is."""
    for name, fact in facts.items():
        if fact:
            yield f"{name}:{' ' * (_FACTS_AT - places(name))}{shown(fact)}"


def window_lines(windows: Sequence[Window], zone: str, language: Language, width: int | None) -> Iterator[str]:
    """A line for each maintenance window, in times of `zone`."""
    say = saying(language)
    rows = [_WINDOWS[language]]
    for one in windows:
        ended = say(f"（{one.ended_by}结束）", f" (ended by {one.ended_by})") if one.ended_at else ""
        covers = " ".join(filter(None, (term(_COVERS, one.subject, language), one.key)))
        times = (minute(one.since, zone), minute(one.end, zone) + ended)
        rows.append((str(one.window_id), covers, one.rule or say("任意", "any"), *times, one.author, one.reason))
    return columns(rows, {0}, width)


def name_of(one: Listed, language: Language) -> str:
    """Of the unit or group."""
    return one.name_zh if language == "zh" else one.name_en


def minute(moment: datetime, zone: str) -> str:
    """In a zone, to the minute, for lists."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def local(moment: datetime | None, zone: str) -> str:
    """In a zone, as short as it stays exact; "-" for none."""
    if moment is None:
        return "-"
    at = moment.astimezone(ZoneInfo(zone))
    spec = "milliseconds" if at.microsecond else "seconds" if at.second else "minutes"
    return at.isoformat(timespec=spec)


def _began(standing: Standing) -> datetime:
    """When it fired, while it fires: it may have escalated or been taken on since; else when it came to its state."""
    return (standing.fired_at if standing.state in ACTIVE else None) or standing.since


def _of(one: Listed) -> str:
    """What an alert is about."""
    code = one.code if one.code.startswith(one.unit) else f"{one.unit} {one.code}"
    return code if one.period_start is None else f"{code} {one.period_start}"
