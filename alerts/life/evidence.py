"""What a transition rests on: stored with it, and enough to judge the rule's conditions again from it alone."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from alerts.consequences.model import Estimate
from alerts.life.model import AlertState, Condition
from alerts.rules.grammar import UNCHECKED
from alerts.rules.judging import Judge
from alerts.rules.model import Message, Rule, Subject
from alerts.series.catalogue import Catalogue, Series
from alerts.verdicts import Mark


class Judged(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was looked at.

    Attributes:
        kind, subject_id: quota, unit or meter, and its number.
        code: its code; name_zh, name_en: what people call it.
        unit: code of the unit; empty for quotas of groups.
        district, industry: of the unit, or of the group as far as it has them.
        labels: further ones, such as carrier or product.
    """

    kind: Subject
    subject_id: int
    code: str
    name_zh: str = ""
    name_en: str = ""
    unit: str = ""
    district: str = ""
    industry: str = ""
    labels: dict[str, str] = {}

    @property
    def named(self) -> dict[str, str]:
        """All labels, as rules name them; those that are empty may be absent."""
        own = {name: getattr(self, name) for name in ("name_zh", "name_en", "unit", "district", "industry")}
        return {**self.labels, **own, self.kind: self.code}


class QuotaUse(msgspec.Struct, frozen=True, omit_defaults=True):
    """The quota that was judged, as it was.

    Attributes:
        code, version, source: of the quota; the version names its whole text in the table `quota_version`.
        measure, unit_of_measure: what is limited, and in which unit `used` and `limit` are.
        period: day, statistics_month, month, quarter or year.
        kind: quota or budget.
    """

    code: str
    version: int
    source: str
    measure: str
    unit_of_measure: str
    period: str
    kind: str = "quota"


class CarrierPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one carrier has in `used`.

    Attributes:
        carrier: its key.
        amount, unit_of_measure: in the carrier's own unit; None where the measure is the carrier itself, or unknown.
        value: in the quota's unit of measure; the values of all carriers add up to `used`.
        quality: the worst, as accounting numbers them; None without data.
        provisional: a factor in it is not final.
        ready: up to when its gate meters are derived; None when one has never delivered.
        by_hand: people filled some of it in.
    """

    carrier: str
    amount: float | None
    unit_of_measure: str
    value: float
    quality: int | None = None
    provisional: bool = False
    ready: datetime | None = None
    by_hand: bool = False


class FactorUse(msgspec.Struct, frozen=True, omit_defaults=True):
    """A factor that was in force in the period, per base unit of its carrier (kgce, kg CO2)."""

    carrier: str
    valid_from: date
    unit: str
    kgce: float
    kgce_equal: float
    kgco2: float
    provisional: bool
    source: str


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was said before: the other half of a correction.

    Attributes:
        state, condition: where the alert stood, and what its figures had said.
        now: data time of that judgement.
        figures: those it rested on.
        rule_version, quota_version: by which it was judged.
    """

    state: AlertState
    condition: Condition
    now: datetime
    figures: dict[str, float | None]
    rule_version: str = ""
    quota_version: int = 0


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that a transition rests on.

    Attributes:
        rule: by which it was judged, with the values of its parameters in its conditions.
        subject: what was looked at.
        now: data time of the judgement; no later data was looked at.
        at: up to when the data speaks; None without data.
        condition, mark: what the figures said, and how loudly.
        figures: every series that the conditions name, and others for showing; None is "not known".
        period_start: first day of the period; start, end: the period; None where the subject has none.
        final: the period is over and all of its data is in.
        message: what people read, filled in.
        quota: which one, where the subject is a quota.
        parts: of `used`, per carrier.
        electricity_kwh: of a unit's quota that is broken, what electricity the unit has used in the period, kWh.
        factors: in force in the period, of these carriers.
        method: how the projection was made.
        previous: what was said before.
        consequences: what policies attach to a breach, where a deployment has switched them on.
    """

    rule: Rule
    subject: Judged
    now: datetime
    at: datetime | None
    condition: Condition
    mark: Mark
    figures: dict[str, float | None]
    period_start: date | None = None
    start: datetime | None = None
    end: datetime | None = None
    final: bool = False
    message: Message = Message("", "")
    quota: QuotaUse | None = None
    parts: tuple[CarrierPart, ...] = ()
    electricity_kwh: float | None = None
    factors: tuple[FactorUse, ...] = ()
    method: str = ""
    previous: Said | None = None
    consequences: tuple[Estimate, ...] = ()


def rejudge(evidence: Evidence) -> Condition:
    """Judge anew from what is stored alone; equal to `evidence.condition`, or the evidence is not what it says.

    Raises:
        ExpressionError: a condition names what is no figure of the evidence.
    """
    return _judge(evidence).condition(evidence.figures, evidence.subject.named)


def named(evidence: Evidence) -> frozenset[str]:
    """The figures by which the rule decides.

    Raises:
        ExpressionError: a condition names what is no figure of the evidence.
    """
    return _judge(evidence).decides


def _judge(evidence: Evidence) -> Judge:
    # Series that the platform no longer has are still judged: the evidence says all there is to know of them.
    subject = evidence.rule.subject
    series = [Series(name, subject, UNCHECKED, "", "") for name in evidence.figures]
    return Judge(evidence.rule, Catalogue(series, {}))
