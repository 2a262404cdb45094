"""Which quota of a city will fire when, and why: worked out from the data files, before anything is started.

    quotawatt simulate forecast CITY.toml

It judges with the shipped rules, the series' own arithmetic and the alerts' state machine, at every polling interval,
on what the gate meters will have counted by then. The demo finds the same a little later: as soon as the readings have
come through. It knows no past, as the demo's database does not either for its first eight days: later on that one
projects by the days that it has seen, and warns at other times; breaches are the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from alerts.life.machine import advance
from alerts.life.model import ACTIVE, AlertState, Standing
from alerts.quotas.model import QuotaSpec
from alerts.rules.files import load_rules
from alerts.rules.judging import Judge, Judgement
from alerts.rules.messages import WORDS, Language
from alerts.series.frame import Floats, Frame, Scope
from alerts.series.known import catalogue
from alerts.series.quota_book import Book, book_of
from alerts.series.quota_course import no_courses, projecting
from alerts.series.quota_periods import due
from alerts.series.quotas import frame
from alerts.verdicts import Severity
from deploy.demo.city import City, CityUnit
from deploy.demo.forecast_use import CityUse

_TOLD = {Severity.WARNING, Severity.CRITICAL}
"""Alerts that the forecast tells of: warnings of bands, which every quota passes on its way, are left aside."""


@dataclass(frozen=True, slots=True)
class Firing:
    """What is said of a quota at one moment.

    Attributes:
        at: data time.
        unit: the unit.
        quota: its quota.
        state: firing, or corrected.
        rules: whose alerts.
        used: in the period until then, in the quota's unit of measure.
        projected: use at the end of the period; None while it is not known.
        said: of a correction, what had been said to be used.
    """

    at: datetime
    unit: CityUnit
    quota: QuotaSpec
    state: AlertState
    rules: tuple[str, ...]
    used: float
    projected: float | None
    said: float | None = None

    @property
    def broken(self) -> bool:
        """Whether it is the breach that is told."""
        return self.used > self.quota.limit


def forecast(city: City, days: int) -> list[Firing]:
    """Every firing and correction within `days` days of the city's start, in the order of time."""
    return sorted(_Forecast(city).walk(days), key=lambda firing: (firing.at, firing.quota.code, firing.state))


@dataclass
class _Alert:
    """What is remembered of an alert, and the use that was last told."""

    standing: Standing | None = None
    said: float | None = None


class _Forecast:
    """All quotas of a city, and the alerts of all rules on them, step by step."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._quotas = [(unit, quota) for unit in city.unit for quota in unit.quota]
        self._book = _book(city)
        self._use = CityUse(city)
        self._ends = projecting(self._book, no_courses(), np.full(len(self._quotas), -1))
        rules = [rule for rule in load_rules((), catalogue()) if rule.subject == "quota" and rule.severity in _TOLD]
        self._judges = [Judge(rule, catalogue()) for rule in rules]
        self._alerts: dict[tuple[str, int, int], _Alert] = {}

    def walk(self, days: int) -> Iterator[Firing]:
        """From the city's start in steps of the polling interval."""
        step = timedelta(seconds=self._city.city.interval_s)
        at = self._city.city.start.astimezone(ZoneInfo(self._city.city.zone))
        end = at + timedelta(days=days)
        while at < end:
            at += step
            self._use.advance(at)
            yield from self._look(at)

    def _look(self, at: datetime) -> Iterator[Firing]:
        rows = due(self._book, Scope(now=at, recent_days=2))
        seen = frame(self._book, rows, self._use.use(rows), at, stale_s=math.inf, projecting=self._ends)
        told = [
            firing
            for judge in self._judges
            for judgement in [judge.judge(seen)]
            for row in self._concerned(judgement, seen)
            if (firing := self._advance(judgement, seen, row, at)) is not None
        ]
        told.sort(key=lambda one: (one.quota.code, one.state, one.said or 0))
        for _, group in groupby(told, key=lambda one: (one.quota.code, one.state, one.used)):
            yield _joined(list(group))

    def _concerned(self, judgement: Judgement, seen: Frame) -> Iterator[int]:
        """Rows of which something is raised, or is remembered."""
        for row, raised in enumerate(judgement.raised.tolist()):
            if raised or (judgement.rule.code, int(seen.ids[row]), int(seen.periods[row])) in self._alerts:
                yield row

    def _advance(self, judgement: Judgement, seen: Frame, row: int, at: datetime) -> Firing | None:
        number, rule = int(seen.ids[row]), judgement.rule
        alert = self._alerts.setdefault((rule.code, number, int(seen.periods[row])), _Alert())
        before = alert.standing
        alert.standing, move = advance(before, judgement.look(row), rule.timing, at)
        if move is None:
            return None
        used, said = _figure(seen.columns["used"], row), alert.said
        alert.said = used
        fires = move.to_state is AlertState.FIRING and move.from_state not in ACTIVE
        if not fires and move.to_state is not AlertState.CORRECTED:
            return None
        unit, quota = self._quotas[number]
        projected = _figure(seen.columns["projected"], row)
        told = None if fires else said
        return Firing(at, unit, quota, move.to_state, (rule.code,), used or 0.0, projected, told)


def _joined(same: Sequence[Firing]) -> Firing:
    """What several rules say of one quota at once, in one."""
    (first, *_), rules = same, tuple(rule for one in same for rule in one.rules)
    said = max((one.said for one in same if one.said is not None), default=None)
    return Firing(first.at, first.unit, first.quota, first.state, rules, first.used, first.projected, said)


def _figure(column: Floats, row: int) -> float | None:
    value = float(column[row])
    return None if np.isnan(value) else value


def _book(city: City) -> Book:
    """The city's quotas as the alerts service reads them; their ids are their numbers in the city's order."""
    pairs = [(number, unit, quota) for number, (unit, quota) in enumerate(_pairs(city))]
    return book_of((0, 0), [_row(city, number, unit, quota) for number, unit, quota in pairs])


def _pairs(city: City) -> Iterator[tuple[CityUnit, QuotaSpec]]:
    yield from ((unit, quota) for unit in city.unit for quota in unit.quota)


def _row(city: City, number: int, unit: CityUnit, quota: QuotaSpec) -> dict[str, object]:
    names = ("measure", "limit_unit", "period", "kind", "product", "standard", "source")
    return {name: getattr(quota, name) for name in names} | {
        "quota_id": number,
        "unit_id": 1,
        "unit": unit.code,
        "name_zh": unit.name_zh,
        "name_en": unit.name_en,
        "quota": quota.code,
        "subject_kind": "unit",
        "key": unit.code,
        "standard_level": quota.level or "",
        "district": unit.district,
        "industry": unit.industry,
        "limit_value": quota.limit_in_base_unit(),
        "valid_from": quota.valid_from,
        "valid_to": quota.valid_to,
        "min_elapsed": quota.judged_from,
        "version": 1,
        "bands": msgspec.json.encode(quota.bands).decode(),
        "profile": msgspec.json.encode(quota.profile).decode(),
        "zone": city.city.zone,
        "statistics_day": 1,
    }


_HEADS: Mapping[Language, str] = {
    "en": "| day | local time | unit | quota | why | used | limit | projected |",
    "zh": "| 日 | 当地时间 | 用能单位 | 限额 | 原因 | 已用 | 限额值 | 预测值 |",
}


def as_markdown(city: City, firings: list[Firing], language: Language) -> str:
    """The forecast as a Markdown table, the form in which `docs/demo-city.md` and its Chinese page have it."""
    return "\n".join(
        [_HEADS[language], "|---|---|---|---|---|--:|--:|--:|", *(_line(city, firing, language) for firing in firings)]
    )


def _line(city: City, firing: Firing, language: Language) -> str:
    quota, unit, rules = firing.quota, firing.unit, ", ".join(firing.rules)
    day = (firing.at.date() - city.city.start.astimezone(firing.at.tzinfo).date()).days + 1
    cells = (
        f"{day}",
        f"{firing.at:%m-%d %H:%M}",
        unit.name_zh if language == "zh" else f"{unit.name_zh} {unit.name_en}",
        f"`{quota.code}`",
        f"{_why(firing, language)}（{rules}）" if language == "zh" else f"{_why(firing, language)} ({rules})",
        f"{firing.used:,.0f} {quota.limit_unit}",
        f"{quota.limit:,.0f}",
        "" if firing.projected is None else f"{firing.projected:,.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _why(firing: Firing, language: Language) -> str:
    period = WORDS["period"][firing.quota.period]
    if firing.state is AlertState.CORRECTED:
        said = {"zh": "已更正", "en": "corrected"}[language]
        colon = {"zh": "：", "en": ": "}[language]
        return said if firing.said is None else f"{said}{colon}{firing.said:,.0f} → {firing.used:,.0f}"
    if firing.broken:
        return {"zh": "已用量超过限额", "en": "more used than allowed"}[language]
    return {"zh": f"预计超过{period['zh']}限额", "en": f"on course to exceed the {period['en']}"}[language]
