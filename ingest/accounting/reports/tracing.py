"""Reads where the numbers of a unit's report come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from energy.consumption import IntervalQuality, Method
from energy.storage import Connection, load_queries, translating
from ingest.accounting.reports.figures import from_float, share_of
from ingest.accounting.reports.model import ReportPeriod
from ingest.accounting.reports.origin import EditInForce, EntryUsed, FactorUsed, Findings, Origin, PointUsed

_SQL = load_queries("ingest.accounting.reports", "unit.sql")
_QUARTER_HOUR = timedelta(minutes=15)
_DATA_SET = "; data set "


async def read_origin(  # noqa: PLR0913, PLR0917 - the unit by both its names, and the time
    connection: Connection,
    unit_id: int,
    code: str,
    period: ReportPeriod,
    judged_until: datetime,
    carriers: Sequence[str],
) -> Origin:
    """Factors, points, entries, edits and findings that a unit's figures of a period rest on.

    Args:
        connection: to the database.
        unit_id: the unit's.
        code: the unit's.
        period: of the report.
        judged_until: up to when time counts as due.
        carriers: whose factors are told.
    """
    days = period.first_day, period.last_day
    with translating():
        factors = await connection.fetch(_SQL.factors, unit_id, list(carriers), *days)
        points = await connection.fetch(_SQL.points, unit_id, period.since, judged_until)
        entries = await connection.fetch(_SQL.entries, code, *days)
        edits = await connection.fetch(_SQL.edits, code, period.since, period.until)
        findings = await connection.fetch(_SQL.findings, code, *days)
    due = -((period.since - judged_until) // _QUARTER_HOUR)  # one that has begun is due
    return Origin(
        tuple(_factor(dict(one)) for one in factors),
        tuple(sorted(set(carriers) - {one["carrier"] for one in factors})),
        _points([dict(one) for one in points], due),
        tuple(EntryUsed(**dict(one)) for one in entries),
        tuple(_edit(dict(one)) for one in edits),
        tuple(Findings(**dict(one)) for one in findings),
    )


def _factor(row: dict[str, Any]) -> FactorUsed:
    source, _, data_set = row.pop("source").partition(_DATA_SET)
    return FactorUsed(**row, source=source, data_set=data_set)


def _edit(row: dict[str, Any]) -> EditInForce:
    return EditInForce(**(row | {name: from_float(row[name]) for name in ("old_end", "new_start")}))


def _points(rows: Sequence[Mapping[str, Any]], due: int) -> tuple[PointUsed, ...]:
    each: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        each[row["point"]].append(row)
    return tuple(_point(found, due) for found in each.values())


def _point(rows: Sequence[Mapping[str, Any]], due: int) -> PointUsed:
    """One point of its parts by quality and method; what has no quarter hour at all is missing."""
    first = rows[0]
    found = [row for row in rows if row["quality"] is not None]
    by_quality = _counts((IntervalQuality(row["quality"]), row["intervals"]) for row in found)
    by_quality[IntervalQuality.MISSING] = due - sum(by_quality[one] for one in IntervalQuality if one.name != "MISSING")
    by_method = _counts(
        (Method(row["method"]), row["intervals"]) for row in found if row["quality"] != IntervalQuality.MISSING
    )
    known = [row["quanta"] for row in found if row["quanta"] is not None]
    shares: dict[str, Any] = {one.name.lower(): share_of(by_quality[one], due) for one in IntervalQuality}
    return PointUsed(
        **shares,
        **{name: first[name] for name in ("point", "meter", "carrier", "level", "flow", "unit")},
        amount=sum(known, Decimal(0)) * first["quantum"] if known else None,
        methods={one.name.lower(): share for one in sorted(by_method) if (share := share_of(by_method[one], due))},
    )


def _counts(pairs: Iterable[tuple[Any, int]]) -> dict[Any, int]:
    counts: dict[Any, int] = defaultdict(int)
    for key, count in pairs:
        counts[key] += count
    return counts
