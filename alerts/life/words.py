"""What people read of an alert that is over or corrected: both figures, in two languages. Pure.

The message of a rule says what is so while it is raised: filled with the figures of an end it would say what is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from alerts.life.evidence import Evidence, Said
from alerts.life.model import Condition, Reason
from alerts.rules.messages import DEFAULT_FORMAT, NOT_KNOWN, Language

ENDED: Mapping[Reason, Mapping[Language, str]] = {
    Reason.CLEARED: {"zh": "情况已解除", "en": "The condition has cleared"},
    Reason.PERIOD_CLOSED: {"zh": "统计期已结束", "en": "The period has ended"},
    Reason.WITHDRAWN: {"zh": "规则或对象已撤销", "en": "The rule or its subject is gone"},
}
NAMES: Mapping[str, Mapping[Language, str]] = {
    "used": {"zh": "用量", "en": "used"},
    "limit": {"zh": "限额", "en": "limit"},
    "projected": {"zh": "预计", "en": "projected"},
    "projected_low": {"zh": "预计下限", "en": "projected at least"},
    "used_share": {"zh": "已用比例", "en": "share used"},
    "projected_share": {"zh": "预计比例", "en": "share projected"},
    "pace": {"zh": "进度比", "en": "pace"},
    "forbidden_kwh": {"zh": "禁用时段用电kWh", "en": "kWh in forbidden hours"},
    "peak_share": {"zh": "尖峰和高峰用电占比", "en": "share of peak hours"},
    "night_base": {"zh": "夜间负荷比", "en": "load at night"},
    "holiday_base": {"zh": "节假日负荷比", "en": "load on the holiday"},
    "step_day": {"zh": "上一日与前四周之比", "en": "last day against before"},
    "step_week": {"zh": "近七日与前四周之比", "en": "last week against before"},
    "lag_h": {"zh": "滞后小时", "en": "hours behind"},
    "missing": {"zh": "从未上传", "en": "never delivered"},
    "completeness_day": {"zh": "上一日完整率", "en": "complete yesterday"},
    "factor_missing": {"zh": "缺折标系数的品种", "en": "carriers without a factor"},
    "entry_age_d": {"zh": "未填报天数", "en": "days without an entry"},
    "still_d": {"zh": "不动的整日数", "en": "whole days without a move"},
    "balance_gap": {"zh": "总表与下级表之差占比", "en": "balance gap"},
}
"""Of every series that a shipped rule compares; one of another rule is called by its name."""
_AMOUNTS = frozenset({"used", "limit", "projected", "projected_low"})
"""In the quota's unit of measure."""
NOT_COMPARED = frozenset({"band", "elapsed_share", "min_elapsed", "incomplete", "stuck", "replaced", "reset"})
"""They decide too, but tell people nothing beside each other: the number of a band least of all, or a flag."""
_WHOLE = 1e6
"""From here on figures are written without decimals."""
_WORDS: Mapping[Language, tuple[str, str, str]] = {"zh": ("：", "，", "；"), "en": (": ", ", ", "; ")}
_STANDS: Mapping[Language, tuple[str, str]] = {
    "zh": ("更正：并未发生", "更正：经核定确已发生"),
    "en": ("Correction: it did not happen after all", "Correction: it did happen after all"),
}
_BEFORE: Mapping[Language, tuple[str, str]] = {"zh": ("此前", "现为"), "en": ("said before", "now")}


def correction(evidence: Evidence | None, language: Language) -> str:
    """A correction, with what was said before and what is said now."""
    raised = evidence is not None and evidence.condition is Condition.RAISED
    return _with_figures(_STANDS[language][raised], evidence, language)


def over(evidence: Evidence, reason: Reason, language: Language) -> str:
    """That what the rule's message said is so no more: of whom, why, and both figures."""
    colon, comma, _ = _WORDS[language]
    subject = evidence.subject
    name = (subject.name_zh if language == "zh" else subject.name_en) or subject.unit
    since = evidence.period_start
    starts = {"zh": f"（{since}起）", "en": f" (from {since})"}[language] if since else ""
    whose = comma.join(filter(None, (name, subject.code if subject.code != subject.unit else ""))) + starts
    if reason is Reason.CORRECTED:
        return f"{whose}{colon}{correction(evidence, language)}"
    return f"{whose}{colon}{_with_figures(ENDED[reason][language], evidence, language)}"


def number(value: float | None, language: Language) -> str:
    """A figure, as short as people read it."""
    if value is None:
        return NOT_KNOWN[language]
    return format(value, DEFAULT_FORMAT if abs(value) < _WHOLE else ".0f")


def _with_figures(text: str, evidence: Evidence | None, language: Language) -> str:
    if evidence is None or evidence.previous is None:
        return text
    colon, _, semicolon = _WORDS[language]
    before, now = _BEFORE[language]
    unit = evidence.quota.unit_of_measure if evidence.quota else ""
    shown = _shown(evidence, evidence.previous)
    if not shown:
        return text
    old = _figures(evidence.previous.figures, shown, language, unit)
    new = _figures(evidence.figures, shown, language, unit)
    return f"{text}{semicolon}{before}{colon}{old}{semicolon}{now}{colon}{new}"


def _shown(evidence: Evidence, before: Said) -> list[str]:
    """What was measured, then its limit: what the condition names and is known of then or now, else use and limit."""
    named = set(re.findall(r"[a-z]\w*", evidence.rule.when)) - NOT_COMPARED
    known = [
        name for name, figure in evidence.figures.items() if figure is not None or before.figures.get(name) is not None
    ]
    for wanted in (named, {"used", "limit"}):
        if shown := [name for name in known if name in wanted]:
            return sorted(shown, key=lambda name: name == "limit")
    return []


def _figures(figures: Mapping[str, float | None], shown: list[str], language: Language, unit: str) -> str:
    parts = []
    for name in shown:
        said = NAMES.get(name, {}).get(language, name)
        amount = number(figures.get(name), language)
        parts.append(f"{said} {amount}{f' {unit}' if unit and name in _AMOUNTS else ''}")
    return _WORDS[language][1].join(parts)
