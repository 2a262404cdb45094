"""Time-of-use tables in the database, and at which voltage units are supplied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from alerts.time_of_use.model import Period, Table, clock
from energy.errors import Fault
from energy.records import Column, RecordError, read_rows
from energy.storage import Connection, load_queries, translating
from energy.words import day_of

_SQL = load_queries("alerts.time_of_use", "tables.sql")
_SUPPLY = (
    Column(("unit", "用能单位"), required=True),
    Column(("valid_from", "起始日期"), required=True),
    Column(("voltage", "电压等级"), required=True),
)


class Kept(msgspec.Struct, frozen=True):
    """A table in the database.

    Attributes:
        periods: its rows as they were loaded.
        replaced_at: since when it has been in force no more; None while it is.
    """

    table_id: int
    region: str
    voltage: str
    valid_from: date
    periods: list[dict[str, object]]
    source: str
    author: str
    recorded_at: datetime
    replaced_at: datetime | None


@dataclass(frozen=True, slots=True)
class Supply:
    """A unit's voltage from a day on, and the line that says so."""

    line: int
    unit: str
    valid_from: date
    voltage: str


async def record(connection: Connection, tables: Sequence[Table], *, author: str, now: datetime) -> int:
    """Put tables into force, each in place of the one of its region, voltage and first day; how many are new.

    The same table again changes nothing. Days of units that it concerns are computed again when loads are next kept.

    Raises as `energy.storage.translating` says.
    """
    new = 0
    with translating():
        async with connection.transaction():
            await connection.execute(_SQL.lock)
            for table in tables:
                periods = msgspec.json.encode([_written(one) for one in table.periods]).decode()
                key = (table.region, table.voltage, table.valid_from, periods, table.source, now)
                await connection.execute(_SQL.replace, *key)
                table_id = await connection.fetchval(_SQL.record, *key, author)
                if table_id is not None:
                    await connection.execute(_SQL.lay_out, table_id, *_slots(table))
                    new += 1
    return new


async def recorded(connection: Connection, *, replaced: bool = False) -> list[Kept]:
    """The tables in force, and those that were if `replaced`; raises as `energy.storage.translating` says."""
    with translating():
        rows = await connection.fetch(_SQL.tables, replaced)
    return [Kept(**{**dict(row), "periods": msgspec.json.decode(row["periods"])}) for row in rows]


def read_supply(content: bytes, source: str) -> list[Supply]:
    """The rows of a CSV file of unit, valid_from and voltage; raises RecordError with every fault."""
    found: list[Fault] = []
    supplies: list[Supply] = []
    for row in read_rows(content, source, _SUPPLY):
        found += row.faults
        if row.faults:
            continue
        try:
            day = day_of(row.cells["valid_from"])
        except ValueError as error:
            found.append(Fault(source, row.line, "valid_from", str(error)))
            continue
        if any((other.unit, other.valid_from) == (row.cells["unit"], day) for other in supplies):
            found.append(Fault(source, row.line, "unit", f"{row.cells['unit']} has a voltage from {day} on already"))
        supplies.append(Supply(row.line, row.cells["unit"], day, row.cells["voltage"]))
    if found:
        raise RecordError(found)
    return supplies


async def supply(connection: Connection, supplies: Sequence[Supply], source: str) -> None:
    """Record at which voltage units are supplied.

    Raises:
        RecordError: units that nobody knows; nothing was recorded.
        Others as `energy.storage.translating` says.
    """
    codes = [one.unit for one in supplies]
    with translating():
        unknown = {row["code"] for row in await connection.fetch(_SQL.unknown_units, codes)}
        if unknown:
            raise RecordError(
                Fault(source, one.line, "unit", f"no unit {one.unit!r}") for one in supplies if one.unit in unknown
            )
        days, voltages = [one.valid_from for one in supplies], [one.voltage for one in supplies]
        await connection.execute(_SQL.supply, codes, days, voltages)


def _written(period: Period) -> dict[str, object]:
    return {
        "months": sorted(period.months),
        "days": sorted(period.days),
        "from": clock(period.since),
        "to": clock(period.until),
        "kind": period.kind,
        "factor": period.factor,
    }


def _slots(table: Table) -> tuple[list[object], ...]:
    """Columns of the table laid out: month, class of days, quarter hour, kind, factor."""
    rows = [
        (month, days, quarter, period.kind, period.factor)
        for (month, days), by_quarter in table.layout().items()
        for quarter, period in enumerate(by_quarter)
    ]
    return tuple(list(column) for column in zip(*rows, strict=True))
