"""A back-test as the terminal shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.life.model import AlertState
from alerts.life.terms import STATES, term
from alerts.rules.messages import Language
from alerts.trying.backtest import BackTest
from alerts.trying.episodes import Episode, RuleSummary
from deploy.cli.columns import amount, columns
from deploy.cli.terminal import saying

_HEAD: Mapping[Language, tuple[str, ...]] = {
    "en": ("RULE", "ALERTS", "FIRED", "CORRECTED", "HOURS", "EARLY", "LEAD", "MISSED", "IN VAIN", "OPEN"),
    "zh": ("规则", "预警", "触发", "更正", "小时", "预见", "提前", "漏报", "误报", "未结束"),
}
_COURSE: Mapping[Language, tuple[str, ...]] = {
    "en": ("FIRED", "RULE", "OF", "STATE", "LEAD", "FIGURES"),
    "zh": ("触发时间", "规则", "对象", "状态", "提前", "数据"),
}
_HOUR = 3600.0


def table(found: BackTest, language: Language, width: int | None) -> Iterator[str]:
    """What each rule did, and then every alert that fired, in the order of time."""
    zone, say = ZoneInfo(found.zone), saying(language)
    since, until = _time(found.since, zone), _time(found.until, zone)
    yield say(
        f"自 {since} 至 {until}（{found.zone}）判断 {found.looks} 次；"
        f"限额周期 {found.periods} 个，其中突破 {found.broken} 个",
        f"{found.looks} looks from {since} to {until} ({found.zone}); "
        f"{found.periods} periods of quotas, {found.broken} of them broken",
    )
    yield ""
    yield from columns([_HEAD[language], *map(_rule, found.rules)], set(range(1, len(_HEAD[language]))), None)
    yield ""
    fired = [one for one in found.episodes if one.fired_at is not None]
    if fired:
        rows = [_COURSE[language], *(_course(one, zone, language) for one in fired)]
        yield from columns(rows, {4}, width, gives_way=2)
    yield say(f"触发的预警 {len(fired)} 个", f"{len(fired)} alert{'s' * (len(fired) != 1)} fired")


def _rule(one: RuleSummary) -> tuple[str, ...]:
    counts = (one.pending, one.fired, one.corrected)
    told = (one.foretold, _lead(one.lead_s), one.missed, one.false, one.open)
    return (
        one.rule,
        *map(str, counts),
        f"{one.firing_s / _HOUR:.1f}",
        *("-" if value is None else str(value) for value in told),
    )


def _course(one: Episode, zone: ZoneInfo, language: Language) -> tuple[str, ...]:
    first, last = one.moves[0], one.moves[-1]
    fired = "" if one.fired_at is None else _time(one.fired_at, zone)
    of = first.code if first.code.startswith(first.unit) else f"{first.unit} {first.code}"
    if first.period_start is not None:
        of = f"{of} {first.period_start}"
    state = term(STATES, last.to_state, language)
    return (
        fired,
        first.rule,
        of,
        state,
        _lead(one.lead_s) or "-",
        _figures(one, saying(language)("；更正", "; corrected")),
    )


def _figures(one: Episode, corrects: str) -> str:
    """Used and limit where it fired; of a correction both figures."""
    told = next((move for move in one.moves if move.at == one.fired_at), one.moves[0])
    text = "" if told.used is None or told.limit is None else f"{amount(told.used)} / {amount(told.limit)}"
    corrected = next((move for move in reversed(one.moves) if move.to_state is AlertState.CORRECTED), None)
    if corrected is None or corrected.said_used is None or corrected.used is None:
        return text
    return f"{text}{corrects} {amount(corrected.said_used)} → {amount(corrected.used)}"


def _lead(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds / _HOUR:.1f} h"


def _time(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
