"""What a verdict rests on: stored with every state and transition, enough to recompute the verdict from it alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from alerts.arithmetic import METHOD, Figures, Judgement, judge
from alerts.quotas import QuotaPeriod, QuotaRule
from alerts.verdicts import Verdict
from energy.periods import local_day

_KG_PER_T = Decimal(1000)
_TICK = timedelta(microseconds=1)


class FactorUse(msgspec.Struct, frozen=True):
    """A factor that governed part of the period, per base unit of its carrier (kgce, kg CO2)."""

    carrier: str
    valid_from: date
    unit: str
    kgce: Decimal
    kgce_equal: Decimal
    kgco2: Decimal
    provisional: bool
    source: str


class CarrierUse(msgspec.Struct, frozen=True):
    """What a unit used of one carrier in the period so far.

    Attributes:
        amount: in the carrier's base unit of measure.
        kgce, kgce_equal, kgco2: the same in standard coal (calorific, equal value) and CO2, kg.
        days: days of the period, up to `ready`, that have data.
        quality: the worst quality of an interval, as accounting numbers them; None without data.
        provisional: a factor in it is not final.
        ready: up to when all gate meters of the carrier are derived; None when it has never delivered.
        metered: a gate meter measures it; what is only filled in by hand counts as it comes and holds nothing back.
    """

    carrier: str
    amount: Decimal
    kgce: Decimal
    kgce_equal: Decimal
    kgco2: Decimal
    days: int
    quality: int | None
    provisional: bool
    ready: datetime | None
    metered: bool = True

    def in_measure(self, measure: str) -> Decimal:
        """The use in a quota's unit of measure: tce, tCO2, or the carrier's base unit."""
        aggregates = {"tce": self.kgce, "tce_equal": self.kgce_equal, "tco2": self.kgco2}
        return aggregates[measure] / _KG_PER_T if measure in aggregates else self.amount


class WatchedPeriod(msgspec.Struct, frozen=True):
    """One quota in one period, with all that governs its judgement.

    Attributes:
        code, source, measure, period, limit, limit_unit, rule: of the quota (`QuotaSpec`).
        unit, zone: the unit's code and IANA zone.
        day: first local day of the period.
        start, end: the period in instants.
    """

    code: str
    source: str
    measure: str
    period: QuotaPeriod
    limit: Decimal
    limit_unit: str
    rule: QuotaRule
    unit: str
    zone: str
    day: date
    start: datetime
    end: datetime


class Previous(msgspec.Struct, frozen=True):
    """What was said before: the other half of a correction."""

    verdict: Verdict
    used: Decimal
    limit: Decimal
    projected: Decimal | None


class Evidence(msgspec.Struct, frozen=True):
    """All that a verdict rests on, and the verdict.

    Attributes:
        quota: the quota, its rule and the period.
        now: data time of judging.
        ready: up to when every carrier that counts is complete; None when one has never delivered.
        complete: every carrier that counts has data of every day up to its own `ready`.
        used: in the quota's unit of measure.
        carriers: the parts of `used`; only what counts in the measure.
        factors: the factors behind them, in force on some day of the period; empty until the evidence is kept.
        quality: the worst of the carriers'; None without data.
        provisional: a factor in it is not final.
        method: how the projection was made.
        judgement: what follows from all this.
        previous: what was said at the evaluation before.
    """

    quota: WatchedPeriod
    now: datetime
    ready: datetime | None
    complete: bool
    used: Decimal
    carriers: tuple[CarrierUse, ...]
    factors: tuple[FactorUse, ...]
    quality: int | None
    provisional: bool
    method: str
    judgement: Judgement
    previous: Previous | None = None


def observe(
    quota: WatchedPeriod, uses: Sequence[CarrierUse], now: datetime, previous: Previous | None = None
) -> Evidence:
    """Judge a quota on what its unit used; `uses` may hold more carriers than the quota counts.

    The verdict owes nothing to the factors, which are in the uses already: whoever keeps the evidence adds them.
    """
    counted = tuple(use for use in uses if quota.measure in {"tce", "tce_equal", "tco2", use.carrier})
    figures = _figures(quota, counted, now)
    return Evidence(
        quota=quota,
        now=now,
        ready=figures.ready,
        complete=figures.complete,
        used=figures.used,
        carriers=counted,
        factors=(),
        quality=max((use.quality for use in counted if use.quality is not None), default=None),
        provisional=any(use.provisional for use in counted),
        method=METHOD,
        judgement=judge(figures, quota.rule),
        previous=previous,
    )


def rejudge(evidence: Evidence) -> Judgement:
    """Judge anew from the stored evidence alone; equal to `evidence.judgement`, or the evidence is not what it says."""
    return judge(_figures(evidence.quota, evidence.carriers, evidence.now), evidence.quota.rule)


def _figures(quota: WatchedPeriod, counted: Sequence[CarrierUse], now: datetime) -> Figures:
    ready = _ready(counted)
    return Figures(
        used=sum((use.in_measure(quota.measure) for use in counted), Decimal(0)),
        limit=quota.limit,
        start=quota.start,
        end=quota.end,
        ready=ready,
        complete=bool(counted)
        and all(use.ready is not None and use.days >= _days_due(quota, use.ready) for use in counted if use.metered),
        now=now,
        min_elapsed=quota.rule.min_elapsed_of(quota.period),
    )


def _ready(counted: Sequence[CarrierUse]) -> datetime | None:
    """The least over the metered carriers; of those filled in by hand the latest, where there are no others."""
    awaited = [use for use in counted if use.metered]
    known = [use.ready for use in awaited or counted if use.ready is not None]
    if not awaited:
        return max(known, default=None)
    return min(known) if len(known) == len(awaited) else None


def _days_due(quota: WatchedPeriod, ready: datetime) -> int:
    """Local days of the period that began before `ready`, of one carrier."""
    if ready <= quota.start:
        return 0
    return (local_day(min(ready, quota.end) - _TICK, quota.zone) - quota.day).days + 1
