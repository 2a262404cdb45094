"""Units of several zones with intervals written straight into the table, and what their rollups must be."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from asyncpg import Record

from energy.carriers import carriers
from energy.consumption import QUALITIES
from energy.periods import period_of, statistics_month
from energy.registry import Gateway, Meter, Point, Registry, Unit
from energy.registry.store import apply
from energy.storage import Connection
from ingest.accounting.rollups.marks import mark

QUARTER_HOUR = timedelta(minutes=15)


@dataclass(frozen=True)
class Keeps:
    """The calendar of a unit."""

    zone: str
    statistics_day: int = 1


@dataclass(frozen=True)
class Interval:
    """A row of `consumption_15min`."""

    point: int
    ts: datetime
    quanta: int | None
    quality: int
    covered_s: int
    flags: int
    ready: datetime


async def populate(connection: Connection, units: Iterable[Keeps], points: int = 1) -> dict[int, Keeps]:
    """Units U0, U1, … with so many points each; returns the calendar by the id of the point."""
    listed = list(units)
    world = Registry(
        units=tuple(
            Unit(f"U{i}", "单位", "Unit", "610302", "32", one.zone, statistics_day=one.statistics_day)
            for i, one in enumerate(listed)
        ),
        gateways=tuple(Gateway(f"gw-{i}", "610302", f"U{i}") for i in range(len(listed))),
        meters=tuple(
            Meter(f"M{i}-{k}", f"U{i}", "electricity", 1, "any") for i in range(len(listed)) for k in range(points)
        ),
        points=tuple(
            Point(f"P{i}-{k}", f"M{i}-{k}", f"gw-{i}", carriers()["electricity"].unit)
            for i in range(len(listed))
            for k in range(points)
        ),
    )
    await apply(connection, world)
    rows = await connection.fetch("select point_id, code from point order by point_id")
    return {row["point_id"]: listed[int(row["code"][1:].split("-")[0])] for row in rows}


def intervals(rng: random.Random, points: Iterable[int], since: datetime, until: datetime) -> Iterator[Interval]:
    """Consumption of every quality, with holes and with quarter hours of which nothing is known."""
    for point in points:
        at = since
        while at < until:
            missing = rng.random() < 0.2
            if rng.random() < 0.9:
                yield Interval(
                    point,
                    at,
                    None if missing else rng.randrange(-5, 10**9),
                    4 if missing else rng.choice([0, 0, 0, 1, 2, 3]),
                    0 if missing else rng.choice([900, 900, 450]),
                    rng.choice([0, 0, 1, 256, 1024]),
                    at + rng.random() * timedelta(hours=3),
                )
            at += QUARTER_HOUR


async def write(connection: Connection, rows: Iterable[Interval]) -> None:
    """Write intervals and mark their days, as a step of deriving does."""
    listed = list(rows)
    if not listed:
        return
    names = ("point", "ts", "quanta", "quality", "covered_s", "flags", "ready")
    columns = [[getattr(row, name) for row in listed] for name in names]
    async with connection.transaction():
        await connection.execute(_WRITE, *columns)
        await mark(connection, columns[0], columns[1], [at + QUARTER_HOUR for at in columns[1]])


_WRITE = """
insert into consumption_15min (point_id, ts, quanta, quality, covered_s, flags, ready)
select * from unnest($1::int4[], $2::timestamptz[], $3::int8[], $4::int2[], $5::int2[], $6::int4[], $7::timestamptz[])
on conflict (point_id, ts) do update set (quanta, quality, covered_s, flags, ready)
    = (excluded.quanta, excluded.quality, excluded.covered_s, excluded.flags, excluded.ready)
"""

Rows = dict[tuple[object, ...], tuple[object, ...]]
"""By key: quanta, quality, covered_s, flags, ready."""

TABLES = {
    "consumption_hour": ("point_id", "ts"),
    "consumption_day": ("point_id", "day"),
    "consumption_month": ("point_id", "kind", "month"),
}


async def rolled(connection: Connection) -> dict[str, Rows]:
    """The three tables."""
    return {table: await rows_of(connection, table, key) for table, key in TABLES.items()}


async def board_rows(connection: Connection, key: str, view: str) -> Rows:
    """All rows of a board's view, in the terms of the tables."""
    rows = await connection.fetch(
        f"select p.point_id, v.{key}, (v.amount / p.quantum)::int8, array_position($1::text[], v.quality) - 1,"  # noqa: S608 - our own names
        f" v.covered_s, v.flags, v.ready from board.{view} v join point p on p.code = v.point",
        list(QUALITIES),
    )
    return _by_key(rows, 2)


async def rows_of(connection: Connection, table: str, key: tuple[str, ...]) -> Rows:
    """All rows of a table of rollups."""
    columns = ", ".join((*key, "quanta", "quality", "covered_s", "flags", "ready"))
    return _by_key(await connection.fetch(f"select {columns} from {table}"), len(key))  # noqa: S608 - our own names


def _by_key(rows: Sequence[Record], width: int) -> Rows:
    found = {tuple(row)[:width]: tuple(row)[width:] for row in rows}
    assert len(found) == len(rows)
    return found


def expected(rows: Iterable[Interval], keeps: dict[int, Keeps]) -> dict[str, Rows]:
    """What the tables must hold, found period by period by the library's calendar."""
    members: dict[str, dict[tuple[Any, ...], list[Interval]]] = {table: defaultdict(list) for table in TABLES}
    for row in rows:
        calendar = keeps[row.point]
        day = period_of(row.ts, "day", calendar.zone).first_day
        members["consumption_hour"][row.point, period_of(row.ts, "hour", calendar.zone).start].append(row)
        members["consumption_day"][row.point, day].append(row)
        members["consumption_month"][row.point, "month", day.replace(day=1)].append(row)
        if calendar.statistics_day > 1:
            month = statistics_month(day, calendar.statistics_day)
            members["consumption_month"][row.point, "statistics_month", month].append(row)
    return {table: {key: _sum(parts) for key, parts in found.items()} for table, found in members.items()}


def _sum(rows: list[Interval]) -> tuple[object, ...]:
    flags = 0
    for row in rows:
        flags |= row.flags
    known = [row.quanta for row in rows if row.quanta is not None]
    return (
        sum(known) if known else None,
        max(row.quality for row in rows),
        sum(row.covered_s for row in rows),
        flags,
        max(row.ready for row in rows),
    )


def utc(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
