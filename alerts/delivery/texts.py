"""Labels and annotations of an alert, from its evidence. Pure.

Labels: `alertname` (the rule), `severity`, `escalated` ("yes", else absent), `alert_id`, `subject` (quota, unit or
meter), `quota`, `unit`, `meter`, `district`, `industry`, `measure`, `period`, `period_start`, those of the rule and of
the subject, and those of the settings; `correction` on the notice of a correction. Annotations: `summary_zh`,
`summary_en`, `name_zh`, `name_en`, `colour`, `figures`, `since`, `data_until`, `source`, `acknowledged_by`, and on
what is over `ended_zh`, `ended_en`, or `correction_zh`, `correction_en` with both figures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from alerts.delivery.model import Change
from alerts.life.evidence import Evidence
from alerts.life.model import Condition, Reason
from alerts.rules.messages import DEFAULT_FORMAT, NOT_KNOWN, Language

Texts = dict[str, str]
CORRECTION_SEVERITY = "notice"
"""A correction informs; it never calls anybody out of bed."""

_NO_LABEL = re.compile(r"\W", re.ASCII)
_NAMES: Mapping[str, Mapping[Language, str]] = {
    "used": {"zh": "用量", "en": "used"},
    "limit": {"zh": "限额", "en": "limit"},
    "projected": {"zh": "预计", "en": "projected"},
}
_WORDS: Mapping[Language, tuple[str, str, str]] = {"zh": ("：", "，", "；"), "en": (": ", ", ", "; ")}
_ENDED: Mapping[Reason, Mapping[Language, str]] = {
    Reason.CLEARED: {"zh": "情况已解除", "en": "The condition has cleared"},
    Reason.PERIOD_CLOSED: {"zh": "统计期已结束", "en": "The period has ended"},
    Reason.WITHDRAWN: {"zh": "规则或对象已撤销", "en": "The rule or its subject is gone"},
}
_STANDS: Mapping[Language, tuple[str, str]] = {
    "zh": ("更正：并未发生", "更正：经核定确已发生"),
    "en": ("Correction: it did not happen after all", "Correction: it did happen after all"),
}
_BEFORE: Mapping[Language, tuple[str, str]] = {"zh": ("此前", "现为"), "en": ("said before", "now")}


def labels_of(change: Change, extra: Mapping[str, str]) -> Texts:
    """The identity of an alert, `extra` being the labels of the settings; a label without a value is left out."""
    found: dict[str, object] = {}
    if (evidence := change.evidence) is not None:
        subject = evidence.subject
        found |= {_label(name): value for name, value in {**subject.labels, **evidence.rule.labels}.items()}
        found |= {"unit": subject.unit, "district": subject.district, "industry": subject.industry}
        found[subject.kind] = subject.code
        found["period_start"] = evidence.period_start or ""
        if evidence.quota is not None:
            found |= {"measure": evidence.quota.measure, "period": evidence.quota.period}
    found |= extra
    found |= {"alertname": change.rule, "subject": change.subject, "alert_id": change.alert_id}
    return {name: str(value) for name, value in (found | loudness(change)).items() if str(value)}


def loudness(change: Change) -> Texts:
    """The labels that may change while an alert lasts: one under another loudness is another one to Alertmanager."""
    standing = change.standing
    return {"severity": standing.mark.severity, "escalated": "yes" if standing.escalated_at else ""}


def annotations_of(change: Change) -> Texts:
    """What people read of an alert that lasts."""
    standing = change.standing
    found: dict[str, object] = {
        "colour": standing.mark.colour,
        "since": _time(standing.fired_at),
        "acknowledged_by": standing.acknowledged_by,
    }
    if (evidence := change.evidence) is not None:
        found |= {
            "summary_zh": evidence.message.zh,
            "summary_en": evidence.message.en,
            "figures": ", ".join(f"{name} {_number(value, 'en')}" for name, value in evidence.figures.items()),
            "data_until": _time(evidence.at),
            "source": evidence.quota.source if evidence.quota else "",
        } | _names(evidence)
    return {name: str(value) for name, value in found.items() if str(value)}


def end_annotations_of(change: Change) -> Texts:
    """What is added to the annotations when an alert ends."""
    if change.reason is Reason.CORRECTED:
        return correction_of(change)
    ended = _ENDED.get(change.reason)
    return {f"ended_{language}": text for language, text in ended.items()} if ended else {}


def became(severity: str, *, escalated: bool) -> Texts:
    """What is added to the annotations of an alert that goes on under other labels."""
    more = {
        "zh": "，无人确认，已升级" if escalated else "",
        "en": ", escalated: nobody took it on" if escalated else "",
    }
    return {
        "became": severity,
        "ended_zh": f"继续，级别变为 {severity}{more['zh']}",
        "ended_en": f"Goes on as {severity}{more['en']}",
    }


def correction_of(change: Change) -> Texts:
    """A correction, with what was said before and what is said now."""
    return {
        "correction_zh": _correction(change.evidence, "zh"),
        "correction_en": _correction(change.evidence, "en"),
    }


def correction_annotations_of(change: Change) -> Texts:
    """What people read of a correction of what had ended, or had never been said."""
    found: dict[str, object] = {"colour": change.standing.mark.colour}
    if (evidence := change.evidence) is not None:
        found |= {"data_until": _time(evidence.at), "source": evidence.quota.source if evidence.quota else ""}
        found |= _names(evidence)
    return {name: str(value) for name, value in (found | correction_of(change)).items() if str(value)}


def _correction(evidence: Evidence | None, language: Language) -> str:
    raised = evidence is not None and evidence.condition is Condition.RAISED
    text = _STANDS[language][raised]
    if evidence is None or evidence.previous is None:
        return text
    colon, _, semicolon = _WORDS[language]
    before, now = _BEFORE[language]
    unit = evidence.quota.unit_of_measure if evidence.quota else ""
    shown = _shown(evidence)
    old = _figures(evidence.previous.figures, shown, language, unit)
    new = _figures(evidence.figures, shown, language, unit)
    return f"{text}{semicolon}{before}{colon}{old}{semicolon}{now}{colon}{new}"


def _shown(evidence: Evidence) -> list[str]:
    """The figures that decide: those that the condition names, else all."""
    named = set(re.findall(r"[a-z]\w*", evidence.rule.when))
    return [name for name in evidence.figures if name in named] or list(evidence.figures)


def _figures(figures: Mapping[str, float | None], shown: list[str], language: Language, unit: str) -> str:
    parts = []
    for name in shown:
        said = _NAMES.get(name, {}).get(language, name)
        number = _number(figures.get(name), language)
        parts.append(f"{said} {number}{f' {unit}' if unit and name in _NAMES else ''}")
    return _WORDS[language][1].join(parts)


def _number(value: float | None, language: Language) -> str:
    return NOT_KNOWN[language] if value is None else format(value, DEFAULT_FORMAT)


def _names(evidence: Evidence) -> dict[str, object]:
    subject = evidence.subject
    return {"name_zh": subject.name_zh or subject.code, "name_en": subject.name_en or subject.code}


def _time(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds")


def _label(name: str) -> str:
    """A name that every version of Alertmanager takes."""
    plain = _NO_LABEL.sub("_", name)
    return f"_{plain}" if plain[:1].isdigit() else plain
