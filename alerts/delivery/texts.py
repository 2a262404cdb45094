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
from alerts.life.model import Reason
from alerts.life.words import ENDED, correction, number

Texts = dict[str, str]
CORRECTION_SEVERITY = "notice"
"""A correction informs; it never calls anybody out of bed."""

_UNIT_NAMES = frozenset({"unit_zh", "unit_en"})
"""Of a meter's unit, to be read: its code is its identity, whatever it is called."""
_NO_LABEL = re.compile(r"\W", re.ASCII)


def labels_of(change: Change, extra: Mapping[str, str]) -> Texts:
    """The identity of an alert, `extra` being the labels of the settings; a label without a value is left out."""
    found: dict[str, object] = {}
    if (evidence := change.evidence) is not None:
        subject = evidence.subject
        found |= {_label(name): value for name, value in subject.labels.items() if name not in _UNIT_NAMES}
        found |= {_label(name): value for name, value in evidence.rule.labels.items()}
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
            "figures": ", ".join(f"{name} {number(value, 'en')}" for name, value in evidence.figures.items()),
            "data_until": _time(evidence.at),
            "source": evidence.quota.source if evidence.quota else "",
        } | _names(evidence)
    return {name: str(value) for name, value in found.items() if str(value)}


def end_annotations_of(change: Change) -> Texts:
    """What is added to the annotations when an alert ends."""
    if change.reason is Reason.CORRECTED:
        return correction_of(change)
    ended = ENDED.get(change.reason)
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
        "correction_zh": correction(change.evidence, "zh"),
        "correction_en": correction(change.evidence, "en"),
    }


def correction_annotations_of(change: Change) -> Texts:
    """What people read of a correction of what had ended, or had never been said."""
    found: dict[str, object] = {"colour": change.standing.mark.colour}
    if (evidence := change.evidence) is not None:
        found |= {"data_until": _time(evidence.at), "source": evidence.quota.source if evidence.quota else ""}
        found |= _names(evidence)
    return {name: str(value) for name, value in (found | correction_of(change)).items() if str(value)}


def _names(evidence: Evidence) -> dict[str, object]:
    subject = evidence.subject
    return {"name_zh": subject.name_zh or subject.code, "name_en": subject.name_en or subject.code}


def _time(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds")


def _label(name: str) -> str:
    """A name that every version of Alertmanager takes."""
    plain = _NO_LABEL.sub("_", name)
    return f"_{plain}" if plain[:1].isdigit() else plain
