"""Reads and writes the tables of rollups as columns: read by binary COPY, and only what differs is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from energy.consumption import Flag, IntervalQuality
from energy.storage import Connection, load_queries
from energy.storage.binary import Layout, copy_in
from ingest.accounting.rollups.sums import Difference, Sums, keys, ordered

_SQL = load_queries("ingest.accounting.rollups", "rolling.sql")

_COMMON = {"quanta": "int8", "quality": "int2", "covered_s": "int4", "flags": "int4", "ready": "int8"}
_QUARTER_S = 900
_MS = 1000
_TIMES = Layout(point_id="int4", at="time", **_COMMON)
_DATES = Layout(point_id="int4", at="date", **_COMMON)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of sums.

    Attributes:
        name: of the table.
        key: its column that names the period.
        reads, changes, takes: its queries.
        kind: of months; empty for other tables.
    """

    name: str
    key: str
    reads: str
    changes: str = ""
    takes: str = ""
    kind: str = ""

    @property
    def more(self) -> tuple[str, ...]:
        """Arguments that its queries have at the end."""
        return (self.kind,) if self.kind else ()


QUARTER_HOURS = Table("consumption_15min", "ts", _SQL.read_quarter_hours)
HOURS = Table("consumption_hour", "ts", _SQL.read_hours, _SQL.change_hours, _SQL.take_hours)
DAYS = Table("consumption_day", "day", _SQL.read_days, _SQL.change_days, _SQL.take_days)


def months_of(kind: str) -> Table:
    """The rows of `consumption_month` of one kind."""
    return Table("consumption_month", "month", _SQL.read_months, _SQL.change_months, _SQL.take_months, kind)


async def read(
    connection: Connection, table: Table, points: tuple[int, int], since: datetime | date, until: datetime | date
) -> Sums:
    """The rows of points from the first of `points` up to, without, the second, and of periods in [since, until)."""
    layout, unit = (_TIMES, _MS) if table.key == "ts" else (_DATES, 1)
    rows = await layout.copy(connection, table.reads, *points, since, until, *table.more)
    return ordered(Sums(rows["point_id"], rows["at"] // unit, *(rows[name] for name in _COMMON)))


async def judged(connection: Connection, rows: Sums, points: tuple[int, int], span: tuple[datetime, datetime]) -> Sums:
    """Quarter hours with the quality that `validated_15min` gives them: suspect where a check failed."""
    quality = rows.quality.copy()
    key = rows.keys()
    for point, since, until in await connection.fetch(_SQL.failing, *points, *span):
        first, beyond = (int(np.searchsorted(key, keys(point, at))) for at in (since - _QUARTER_S + 1, until))
        within = slice(first, beyond)
        plain = (quality[within] < IntervalQuality.SUSPECT) & (rows.flags[within] & Flag.ACCEPTED == 0)
        quality[within] = np.where(plain, IntervalQuality.SUSPECT, quality[within])
    return replace(rows, quality=quality)


async def write(connection: Connection, table: Table, found: Difference) -> None:
    """Make the table what it shall be, in the transaction in which it was read."""
    if len(found.gone):
        rows = found.gone
        await connection.execute(table.takes, rows.point.tolist(), rows.at.tolist(), *table.more)
    if len(found.changed):
        columns = [column.tolist() for column in found.changed.columns()]
        await connection.execute(table.changes, *columns, *table.more)
    if len(found.added):
        await _add(connection, table, found.added)


async def _add(connection: Connection, table: Table, rows: Sums) -> None:
    layout, unit = (_TIMES, _MS) if table.key == "ts" else (_DATES, 1)
    columns = [rows.point, rows.at * unit, *rows.columns()[2:]]
    names = ["point_id", table.key, *_COMMON]
    if table.kind:
        kind = np.full(len(rows), table.kind.encode())
        layout, columns, names = Layout(**layout.kinds, kind=f"S{len(table.kind)}"), [*columns, kind], [*names, "kind"]
    await copy_in(connection, table.name, names, layout.encode(columns, "quanta"))
