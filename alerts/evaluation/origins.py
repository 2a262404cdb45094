"""What the figures of quotas rest on: the parts of their use, and the factors in them, of all rows at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias

from alerts.life.evidence import CarrierPart, FactorUse
from alerts.series.frame import Ids
from alerts.series.quotas import QuotaFrame
from energy.storage import Connection, load_queries

_SQL = load_queries("alerts.evaluation", "evaluation.sql")
_EPOCH = date(1970, 1, 1)
_Days: TypeAlias = tuple[date, date]
"""The first local day of a period, and the one after its last."""


@dataclass(frozen=True)
class Origin:
    """What one row rests on; see `Evidence` for its fields."""

    parts: tuple[CarrierPart, ...] = ()
    factors: tuple[FactorUse, ...] = ()
    electricity_kwh: float | None = None


async def origins(connection: Connection, frame: QuotaFrame, rows: Ids, units: Sequence[int | None]) -> list[Origin]:
    """What each of some rows rests on.

    Factors and electricity are those of quotas of single units: the members of a group may each have factors of their
    own. Electricity is that of broken quotas: prices are put on all of a unit's, whatever the quota limits.

    Args:
        connection: in the transaction of the evaluation.
        frame: which was judged.
        rows: of it, each once.
        units: whose quota each is; None for those of groups.

    Raises as `energy.storage.translating` says, where the caller translates.
    """
    days = _days(frame, rows)
    parts = await _parts(connection, frame, rows, units, days)
    factors = await _factors(connection, units, days, parts)
    broken = frame.columns["used"][rows] > frame.columns["limit"][rows]
    electricity = await _electricity(connection, units, days, broken.tolist())
    return [
        Origin(tuple(parts.get(number, ())), tuple(factors.get(number, ())), electricity.get(number))
        for number in range(len(rows))
    ]


def _days(frame: QuotaFrame, rows: Ids) -> list[_Days]:
    each = [
        (_EPOCH + timedelta(days=stretch.first), _EPOCH + timedelta(days=stretch.until))
        for stretch in frame.due.stretches
    ]
    return [each[stretch] for stretch in frame.due.stretch[rows].tolist()]


async def _parts(
    connection: Connection, frame: QuotaFrame, rows: Ids, units: Sequence[int | None], days: Sequence[_Days]
) -> dict[int, list[CarrierPart]]:
    measures = frame.book.labels["measure"][frame.due.rows[rows]].tolist()
    columns = zip(frame.ids[rows].tolist(), units, measures, days, strict=True)
    asked = [(number, quota, unit, measure, *of) for number, (quota, unit, measure, of) in enumerate(columns)]
    found: dict[int, list[CarrierPart]] = {}
    for number, *fields in await _asked(connection, _SQL.parts, asked):
        found.setdefault(number, []).append(CarrierPart(*fields))
    return found


async def _factors(
    connection: Connection,
    units: Sequence[int | None],
    days: Sequence[_Days],
    parts: Mapping[int, Sequence[CarrierPart]],
) -> dict[int, list[FactorUse]]:
    asked = [
        (number, unit, part.carrier, *of)
        for number, (unit, of) in enumerate(zip(units, days, strict=True))
        if unit is not None
        for part in parts.get(number, ())
    ]
    found: dict[int, list[FactorUse]] = {}
    made: dict[tuple[Any, ...], FactorUse] = {}
    for number, *fields in await _asked(connection, _SQL.factors, asked):
        of = tuple(fields)  # most units go by the same factors
        if (factor := made.get(of)) is None:
            factor = made[of] = FactorUse(*of)
        found.setdefault(number, []).append(factor)
    return found


async def _electricity(
    connection: Connection, units: Sequence[int | None], days: Sequence[_Days], broken: Sequence[bool]
) -> dict[int, float | None]:
    asked = [
        (number, unit, *of)
        for number, (unit, of, over) in enumerate(zip(units, days, broken, strict=True))
        if unit is not None and over
    ]
    return dict(await _asked(connection, _SQL.electricity, asked))


async def _asked(connection: Connection, query: str, asked: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The rows of a query that takes columns and numbers its rows by the first; nothing asked for is nothing found."""
    return await connection.fetch(query, *map(list, zip(*asked, strict=True))) if asked else []
