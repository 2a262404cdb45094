"""Reads the report of a unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from energy.carriers import carriers as known_carriers
from energy.consumption import QUALITIES
from energy.errors import RejectedError
from energy.periods import FIRST_DAY, day_start, local_day, statistics_days
from energy.storage import Connection, load_queries, translating
from ingest.accounting.quality.evaluation import Evaluation, evaluate
from ingest.accounting.quality.facts import JudgedUnit, read_month
from ingest.accounting.quality.rules import QualityRules
from ingest.accounting.reports.figures import total as sum_of
from ingest.accounting.reports.model import (
    Assessed,
    CarrierUse,
    DayUse,
    JudgedCriterion,
    NamedCulprit,
    PeriodKind,
    ProductUse,
    Quality,
    QuotaUse,
    ReportPeriod,
    Total,
    UnitHead,
    ValueUse,
)
from ingest.accounting.reports.origin import Origin
from ingest.accounting.reports.tracing import read_origin
from ingest.accounting.totals.intensity import ProductIntensity, product_intensities

_SQL = load_queries("ingest.accounting.reports", "unit.sql")
_DAY = timedelta(days=1)
_PLACES = 6


@dataclass(frozen=True, slots=True)
class UnitReport:
    """A unit's month. Attributes as their classes say.

    Attributes:
        made_at: data time.
        software: version of the project that made it.
        updating: something that it rests on waits to be computed again: another look will tell more.
        value: None where no output value is on record.
    """

    made_at: datetime
    software: str
    unit: UnitHead
    period: ReportPeriod
    updating: bool
    carriers: tuple[CarrierUse, ...]
    total: Total
    assessed: Assessed | None
    products: tuple[ProductUse, ...]
    value: ValueUse | None
    quotas: tuple[QuotaUse, ...]
    quality: Quality
    days: tuple[DayUse, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is to be of: the month of this first day, seen at `now` (data time), judged by these rules."""

    month: date
    now: datetime
    rules: QualityRules
    software: str
    statistics: bool = False


async def read_unit(connection: Connection, code: str, asked: Asked) -> UnitReport:
    """The report of the unit with this code.

    Args:
        connection: in a transaction that sees one state of the database, or else figures may contradict each other.
        code: of the unit.
        asked: which month, seen when.

    Raises:
        RejectedError: there is no such unit, or the month has not begun there.
        StorageError and its like: as `energy.storage.translating` says.
    """
    with translating():
        row = await connection.fetchrow(_SQL.unit, code)
    if row is None:
        raise RejectedError(f"no such unit: {code}", advice="codes are those of the registry, as boards show them")
    unit_id, head = row["unit_id"], UnitHead(**{name: row[name] for name in UnitHead.__slots__})
    period = period_of(asked, head.time_zone, head.statistics_day)
    kind, named = period.kind.value, asked.month
    judged_until = min(period.until, asked.now)
    with translating():
        updating = await connection.fetchval(
            _SQL.updating, unit_id, period.first_day, period.last_day, period.since, judged_until
        )
        used = await connection.fetch(
            _SQL.carriers, code, kind, named, unit_id, period.since, judged_until, period.first_day, period.last_day
        )
        days = await connection.fetch(_SQL.days, code, period.first_day, period.last_day, unit_id)
        assessed = await connection.fetchrow(_SQL.assessed, code, kind, named)
        products = await connection.fetch(_SQL.products, code, kind, named)
        value = await connection.fetchrow(_SQL.output_value, code, kind, named)
        quotas = await connection.fetch(_SQL.quotas, unit_id, named)
    judged = JudgedUnit(
        unit_id, head.code, head.name_zh, head.name_en, head.district, head.time_zone, head.statistics_day
    )
    facts = await read_month(connection, judged, named, asked.now, asked.rules, statistics=asked.statistics)
    carriers = tuple(carrier_use(dict(one), period) for one in used)
    total = total_of(carriers)
    intensities = await product_intensities(connection, code, kind, named)
    return UnitReport(
        made_at=asked.now,
        software=asked.software,
        unit=head,
        period=period,
        updating=updating,
        carriers=carriers,
        total=total,
        assessed=None if assessed is None else Assessed(**dict(assessed)),
        products=_products(map(dict, products), intensities, partial=total.partial),
        value=None if value is None else ValueUse(**dict(value), partial=total.partial),
        quotas=tuple(QuotaUse(**dict(one)) for one in quotas),
        quality=quality_of(evaluate(facts, asked.rules)),
        days=_days([dict(one) for one in days], period),
        origin=await read_origin(connection, unit_id, code, period, judged_until, [one.carrier for one in carriers]),
    )


def period_of(asked: Asked, zone: str, statistics_day: int) -> ReportPeriod:
    """The month that is asked for, by a unit's calendar.

    A unit whose statistics month begins on the 1st has the calendar's.

    Raises:
        RejectedError: it has not begun.
    """
    kind = PeriodKind.STATISTICS_MONTH if asked.statistics and statistics_day != FIRST_DAY else PeriodKind.MONTH
    first, following = statistics_days(asked.month, statistics_day if asked.statistics else FIRST_DAY)
    since, until = day_start(first, zone), day_start(following, zone)
    if asked.now <= since:
        raise RejectedError(f"{asked.month:%Y-%m} has not begun: its first day is {first}")
    begun = min(following - _DAY, local_day(asked.now, zone))
    return ReportPeriod(
        kind=kind,
        month=f"{asked.month:%Y-%m}",
        first_day=first,
        last_day=following - _DAY,
        since=since,
        until=until,
        open=asked.now < until,
        days=(following - first).days,
        days_begun=(begun - first).days + 1,
        calendar_instead=asked.statistics and kind is PeriodKind.MONTH,
    )


def carrier_use(row: dict[str, Any], period: ReportPeriod) -> CarrierUse:
    """A row of the query `carriers`, with names, and whether something is not known."""
    known = known_carriers().get(row["carrier"])
    row["unit"] = row["unit"] or (known.unit if known else "")
    return CarrierUse(
        **row,
        name_zh=known.name_zh if known else "",
        name_en=known.name_en if known else "",
        partial=row["consumed"] is None or row["quality"] == QUALITIES[-1] or row["days"] < period.days_begun,
    )


def total_of(carriers: Sequence[CarrierUse]) -> Total:
    """The sum of what is known."""
    return Total(
        tce=sum_of([one.tce for one in carriers]),
        tce_equal=sum_of([one.tce_equal for one in carriers]),
        tco2=sum_of([one.tco2 for one in carriers]),
        provisional=any(one.provisional for one in carriers),
        partial=not carriers or any(one.partial for one in carriers),
        suspect=any(one.suspect for one in carriers),
    )


def quality_of(evaluation: Evaluation) -> Quality:
    """The evaluation with decimals for floats."""
    return Quality(
        evaluation.verdict,
        tuple(
            JudgedCriterion(
                one.criterion,
                one.verdict,
                None if one.value is None else _decimal(one.value),
                _decimal(one.bound),
                tuple(NamedCulprit(bad.name, bad.fault, _decimal(bad.figure)) for bad in one.named),
            )
            for one in evaluation.judged
        ),
    )


def _decimal(value: float) -> Decimal:
    return Decimal(repr(round(float(value), _PLACES)))


def _products(
    rows: Iterable[dict[str, Any]], intensities: Sequence[ProductIntensity], *, partial: bool
) -> tuple[ProductUse, ...]:
    judged = {one.product: one for one in intensities}
    return tuple(_product(row | {"partial": partial}, judged.get(row["product"])) for row in rows)


def _product(row: dict[str, Any], judged: ProductIntensity | None) -> ProductUse:
    quota = None if judged is None else judged.quota
    return ProductUse(
        **row,
        standard=quota.standard if quota else None,
        indicator=quota.indicator if quota else None,
        quota_unit=quota.unit if quota else None,
        levels=quota.levels if quota else (),
        value=None if judged is None else judged.value,
        level=None if judged is None or judged.level is None else judged.level.value,
    )


def _days(rows: Sequence[dict[str, Any]], period: ReportPeriod) -> tuple[DayUse, ...]:
    """A line for each day that has begun, with or without data."""
    known = {row["day"]: row for row in rows}
    every = (period.first_day + n * _DAY for n in range(period.days_begun))
    empty: dict[str, Any] = {
        "tce": None,
        "tce_equal": None,
        "tco2": None,
        "quality": None,
        "carriers": 0,
        "partial": True,
    }
    return tuple(
        DayUse(**{**row, "quality": QUALITIES[row["quality"]]}) if (row := known.get(day)) else DayUse(day=day, **empty)
        for day in every
    )
