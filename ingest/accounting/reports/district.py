"""Reads the report of a district: its units by what they used, and their sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from energy.carriers import carriers as known_carriers
from energy.consumption import QUALITIES, IntervalQuality
from energy.errors import RejectedError
from energy.storage import Connection, load_queries, translating
from ingest.accounting.quality.evaluation import Verdict, evaluate
from ingest.accounting.quality.facts import read_month, units
from ingest.accounting.reports.figures import total
from ingest.accounting.reports.model import ReportPeriod, UnitHead
from ingest.accounting.reports.unit import Asked, period_of

_SQL = load_queries("ingest.accounting.reports", "district.sql")


@dataclass(frozen=True, slots=True)
class UnitLine:
    """A unit's sums, and what is said of its data. What is not known is None.

    Attributes:
        first_day, last_day: of its month.
        tce, tce_equal, tco2, assessed_tce, assessed_tce_equal: of all carriers, in t.
        quality: the worst of its carriers.
        partial: of some carrier something is not known, so that the figures are not the whole.
        suspect: some carrier is.
        verdict: of the data-quality evaluation; `failed` names the criteria that it failed.
    """

    unit: str
    name_zh: str
    name_en: str
    district: str
    industry: str
    size_class: int | None
    first_day: date
    last_day: date
    tce: Decimal | None
    tce_equal: Decimal | None
    tco2: Decimal | None
    assessed_tce: Decimal | None
    assessed_tce_equal: Decimal | None
    quality: str | None
    provisional: bool
    partial: bool
    suspect: bool
    verdict: Verdict
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CarrierLine:
    """A carrier's sum over the units that have data of it."""

    carrier: str
    name_zh: str
    name_en: str
    unit: str
    units: int
    amount: Decimal
    tce: Decimal
    tce_equal: Decimal
    tco2: Decimal
    provisional: bool


@dataclass(frozen=True, slots=True)
class GroupLine:
    """The sum of units of one district, industry or size class; `with_data` of `units` have any."""

    key: str
    units: int
    with_data: int
    tce: Decimal | None
    tce_equal: Decimal | None
    tco2: Decimal | None
    assessed_tce: Decimal | None
    assessed_tce_equal: Decimal | None
    partial: bool
    suspect: bool


@dataclass(frozen=True, slots=True)
class DistrictReport:
    """A district's month.

    Attributes:
        district: the digits that were asked for.
        month: its name; each unit's own statistics month where `statistics`.
        open: it goes on for some of the units.
        units: those that used most first, those without data last.
        failed: codes of units whose data failed the evaluation.
    """

    made_at: datetime
    software: str
    district: str
    month: str
    statistics: bool
    open: bool
    total: GroupLine
    units: tuple[UnitLine, ...]
    carriers: tuple[CarrierLine, ...]
    districts: tuple[GroupLine, ...]
    industries: tuple[GroupLine, ...]
    size_classes: tuple[GroupLine, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Used:
    """What one unit used of one carrier."""

    carrier: str
    unit_of_measure: str
    amount: Decimal
    tce: Decimal
    tce_equal: Decimal
    tco2: Decimal
    quality: str
    provisional: bool
    days: int


async def read_district(connection: Connection, district: str, asked: Asked) -> DistrictReport:
    """The report of the units whose district (GB/T 2260) begins with the digits `district`.

    Args:
        connection: in a transaction that sees one state of the database.
        district: two, four or six digits.
        asked: which month, seen when.

    Raises:
        RejectedError: no unit is registered there, or the month has not begun.
        StorageError and its like: as `energy.storage.translating` says.
    """
    with translating():
        heads = [UnitHead(**dict(row)) for row in await connection.fetch(_SQL.heads, district)]
    if not heads:
        raise RejectedError(
            f"no unit is registered in district {district}",
            advice="two digits mean a province, four a city, six a county (GB/T 2260)",
        )
    periods = {head.code: period_of(asked, head.time_zone, head.statistics_day) for head in heads}
    with translating():
        rows = await connection.fetch(_SQL.carriers, district, asked.month, asked.statistics)
        metered = await connection.fetch(_SQL.metered, district)
        found = await connection.fetch(_SQL.assessed, district, asked.month, asked.statistics)
    used: dict[str, list[_Used]] = defaultdict(list)
    for row in rows:
        used[row["unit"]].append(_Used(**{name: row[name] for name in _Used.__slots__}))
    due: dict[str, set[str]] = defaultdict(set)
    for row in metered:
        due[row["unit"]].add(row["carrier"])
    assessed = {row["unit"]: (row["assessed_tce"], row["assessed_tce_equal"]) for row in found}
    failed = await _judged(connection, district, asked)
    lines = [
        _line(head, periods[head.code], used[head.code], due[head.code], assessed.get(head.code), failed[head.code])
        for head in heads
    ]
    lines.sort(key=lambda line: (line.tce is None, -(line.tce or 0), line.unit))
    return DistrictReport(
        made_at=asked.now,
        software=asked.software,
        district=district,
        month=f"{asked.month:%Y-%m}",
        statistics=asked.statistics,
        open=any(period.open for period in periods.values()),
        total=_group("", lines),
        units=tuple(lines),
        carriers=_carriers([one for some in used.values() for one in some]),
        districts=_groups(lines, lambda line: line.district),
        industries=_groups(lines, lambda line: line.industry),
        size_classes=_groups(lines, lambda line: "" if line.size_class is None else str(line.size_class)),
        failed=tuple(line.unit for line in lines if line.verdict is Verdict.FAILED),
    )


async def _judged(connection: Connection, district: str, asked: Asked) -> dict[str, tuple[Verdict, tuple[str, ...]]]:
    """Verdict and failed criteria of each unit's data, by code."""
    found = {}
    for unit in await units(connection, None, district):
        facts = await read_month(connection, unit, asked.month, asked.now, asked.rules, statistics=asked.statistics)
        evaluation = evaluate(facts, asked.rules)
        failed = tuple(one.criterion.value for one in evaluation.judged if one.verdict is Verdict.FAILED)
        found[unit.code] = evaluation.verdict, failed
    return found


def _line(  # noqa: PLR0913, PLR0917 - all that is known of one unit
    head: UnitHead,
    period: ReportPeriod,
    used: Sequence[_Used],
    due: set[str],
    assessed: tuple[Decimal, Decimal] | None,
    judged: tuple[Verdict, tuple[str, ...]],
) -> UnitLine:
    whole = bool(used) and due <= {one.carrier for one in used}
    known = all(one.quality != QUALITIES[-1] and one.days >= period.days_begun for one in used)
    by_coal, by_equal = assessed or (None, None)
    return UnitLine(
        unit=head.code,
        name_zh=head.name_zh,
        name_en=head.name_en,
        district=head.district,
        industry=head.industry,
        size_class=head.size_class,
        first_day=period.first_day,
        last_day=period.last_day,
        tce=total([one.tce for one in used]),
        tce_equal=total([one.tce_equal for one in used]),
        tco2=total([one.tco2 for one in used]),
        assessed_tce=by_coal,
        assessed_tce_equal=by_equal,
        quality=max((one.quality for one in used), key=QUALITIES.index, default=None),
        provisional=any(one.provisional for one in used),
        partial=not (whole and known),
        suspect=any(one.quality == QUALITIES[IntervalQuality.SUSPECT] for one in used),
        verdict=judged[0],
        failed=judged[1],
    )


def _carriers(used: Sequence[_Used]) -> tuple[CarrierLine, ...]:
    each: dict[str, list[_Used]] = defaultdict(list)
    for one in used:
        each[one.carrier].append(one)
    lines = [
        CarrierLine(
            carrier=carrier,
            name_zh=known.name_zh if (known := known_carriers().get(carrier)) else "",
            name_en=known.name_en if known else "",
            unit=some[0].unit_of_measure,
            units=len(some),
            amount=sum((one.amount for one in some), Decimal(0)),
            tce=sum((one.tce for one in some), Decimal(0)),
            tce_equal=sum((one.tce_equal for one in some), Decimal(0)),
            tco2=sum((one.tco2 for one in some), Decimal(0)),
            provisional=any(one.provisional for one in some),
        )
        for carrier, some in each.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.tce, line.carrier)))


def _groups(lines: Iterable[UnitLine], key: Callable[[UnitLine], str]) -> tuple[GroupLine, ...]:
    """By key; an empty one (no size class on record) comes last."""
    each: dict[str, list[UnitLine]] = defaultdict(list)
    for line in lines:
        each[key(line)].append(line)
    return tuple(_group(name, each[name]) for name in sorted(each, key=lambda name: (not name, name)))


def _group(key: str, lines: Sequence[UnitLine]) -> GroupLine:
    return GroupLine(
        key=key,
        units=len(lines),
        with_data=sum(line.tce is not None for line in lines),
        tce=total([line.tce for line in lines]),
        tce_equal=total([line.tce_equal for line in lines]),
        tco2=total([line.tco2 for line in lines]),
        assessed_tce=total([line.assessed_tce for line in lines]),
        assessed_tce_equal=total([line.assessed_tce_equal for line in lines]),
        partial=any(line.partial for line in lines),
        suspect=any(line.suspect for line in lines),
    )
