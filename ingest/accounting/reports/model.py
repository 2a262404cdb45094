"""What a report of a unit says. Field names are those of its JSON; what is not known is None, never 0.

Amounts are in the `unit` of their row, `tce` (calorific value) and `tce_equal` (equal value) in t of standard coal,
`tco2` in t, shares from 0 to 1. Times are instants; days are of the unit's zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from ingest.accounting.quality.evaluation import Criterion, Fault, Verdict


class PeriodKind(StrEnum):
    """Which month is meant."""

    MONTH = "month"
    """自然月: from the first to the last day."""
    STATISTICS_MONTH = "statistics_month"
    """统计月: of the unit's own, named by the month in which it ends."""


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """The time that a report is about.

    Attributes:
        kind, month: which month, and its name, such as 2026-10.
        first_day, last_day: both belong to it.
        since, until: the same as instants, half open.
        calendar_instead: the unit's statistics month was asked for, and it has none of its own.
        open: it goes on; figures are of `days_begun` days, the last of them maybe not over.
    """

    kind: PeriodKind
    month: str
    first_day: date
    last_day: date
    since: datetime
    until: datetime
    open: bool
    days: int
    days_begun: int
    calendar_instead: bool = False


@dataclass(frozen=True, slots=True)
class UnitHead:
    """Who is reported on."""

    code: str
    name_zh: str
    name_en: str
    district: str
    industry: str
    size_class: int | None
    time_zone: str
    statistics_day: int
    region: str


@dataclass(frozen=True, slots=True)
class CarrierUse:
    """One carrier's balance: consumed = purchased + renewable + stock_decrease - sold, of it feedstock.

    Attributes:
        produced: made on site of what is counted already; in no sum.
        quality: the worst of what counts; `missing` says that the figures are of what is known alone.
        coverage: share of the time of its gate meters that lies between readings, of what has passed of the month,
            days without data too; a gap between two readings lies between them. None without meters.
        days: days that have data.
        partial: something of the days begun is not known, so that the figures are not the whole.
        suspect: some day of it is.
    """

    carrier: str
    name_zh: str
    name_en: str
    unit: str
    purchased: Decimal | None
    renewable: Decimal | None
    produced: Decimal | None
    sold: Decimal | None
    stock_decrease: Decimal | None
    consumed: Decimal | None
    feedstock: Decimal | None
    tce: Decimal | None
    tce_equal: Decimal | None
    tco2: Decimal | None
    quality: str | None
    coverage: Decimal | None
    by_hand: bool
    provisional: bool
    days: int
    partial: bool
    suspect: bool


@dataclass(frozen=True, slots=True)
class Total:
    """All carriers together; `partial` when one of them is, or is not known at all; `suspect` when one of them is."""

    tce: Decimal | None
    tce_equal: Decimal | None
    tco2: Decimal | None
    provisional: bool
    partial: bool
    suspect: bool


@dataclass(frozen=True, slots=True)
class Assessed:
    """The assessed total (考核能耗) and what is left out of it: columns of `board.assessed`."""

    tce: Decimal
    tce_equal: Decimal
    feedstock_tce: Decimal
    feedstock_tce_equal: Decimal
    certificate_mwh: Decimal
    certificate_tce: Decimal
    assessed_tce: Decimal
    assessed_tce_equal: Decimal
    provisional: bool
    suspect: bool
    certificate_convention: str
    certificate_source: str


@dataclass(frozen=True, slots=True)
class ProductUse:
    """A product's output and the energy of the whole unit for it.

    Attributes:
        kgce_per_output, kgce_equal_per_output, kwh_per_output: per `unit` of output.
        energy_days, output_days: of so many of the days that output covers energy is known; no intensity where fewer.
        suspect, partial: some of the energy is suspect, or not all of it is known.
        standard, indicator, quota_unit, levels: its product quota in force; levels 1, 2 and 3 in `quota_unit`.
        value, level: where it stands: in `quota_unit`, and 1, 2, 3 or over.
    """

    product: str
    name_zh: str
    name_en: str
    unit: str
    output: Decimal | None
    by_hand: bool
    kgce: Decimal | None
    kgce_equal: Decimal | None
    kwh: Decimal | None
    kgce_per_output: Decimal | None
    kgce_equal_per_output: Decimal | None
    kwh_per_output: Decimal | None
    energy_days: int | None
    output_days: int | None
    suspect: bool
    partial: bool
    quota_key: str
    standard: str | None
    indicator: str | None
    quota_unit: str | None
    levels: tuple[Decimal | None, ...]
    value: Decimal | None
    level: str | None


@dataclass(frozen=True, slots=True)
class ValueUse:
    """Energy per 10^4 yuan of output value, at constant prices; the rest as of a product."""

    output_value: Decimal
    tce_per_value: Decimal | None
    tce_equal_per_value: Decimal | None
    energy_days: int
    output_days: int
    suspect: bool
    partial: bool


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """A quota in the month, quarter and year of the report; of daily ones the day that used most of it.

    `used` and all after it is None where nothing has been evaluated; what was used is None, too, where nothing is
    known of the period. `suspect`: a day of it is.
    """

    quota: str
    measure: str
    period: str
    period_start: date
    source: str
    limit: Decimal
    limit_unit: str
    used: Decimal | None
    share: Decimal | None
    projected: Decimal | None
    state: str | None
    verdict: str | None
    colour: str | None
    ready: datetime | None
    suspect: bool


@dataclass(frozen=True, slots=True)
class NamedCulprit:
    """What fails a criterion: a point or a carrier, its fault, and its figure in the criterion's unit."""

    name: str
    fault: Fault
    figure: Decimal


@dataclass(frozen=True, slots=True)
class JudgedCriterion:
    """A criterion of the data-quality evaluation: shares from 0, borders in seconds, repair in working days."""

    criterion: Criterion
    verdict: Verdict
    value: Decimal | None
    bound: Decimal
    culprits: tuple[NamedCulprit, ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """The data-quality evaluation of the month."""

    verdict: Verdict
    criteria: tuple[JudgedCriterion, ...]


@dataclass(frozen=True, slots=True)
class DayUse:
    """All carriers of one day; None where none has data.

    `carriers` is how many have; `partial`: one that should has not.
    """

    day: date
    tce: Decimal | None
    tce_equal: Decimal | None
    tco2: Decimal | None
    quality: str | None
    carriers: int
    partial: bool
