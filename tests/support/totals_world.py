"""A small world of balances: points with flows, quarter hours as deriving writes them, entries as people make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from energy.balance import Flow
from energy.carriers import carriers
from energy.factors import shipped_factors
from energy.registry import Gateway, Meter, Point, Registry, Unit
from energy.registry.store import apply
from energy.storage import Connection
from ingest.accounting.factors.sync import sync_factors
from ingest.accounting.totals.refresh import refresh, refresh_marked, take_unit_marks

FIRST = date(2026, 3, 1)
START = datetime(2026, 2, 28, 16, tzinfo=UTC)
"""The first day's beginning in Shanghai."""
QUARTER = timedelta(minutes=15)
MAKER = "tester"
AT = datetime(2026, 4, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Counted:
    """A point of a meter of its own: which carrier it counts, and how."""

    carrier: str
    flow: Flow | None = Flow.PURCHASED
    level: int = 1


@dataclass(frozen=True, slots=True)
class Used:
    """What one point counted per quarter hour from a number of quarter hours after START on; None is missing."""

    point: str
    first: int
    quanta: tuple[int | None, ...]
    quality: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """What a person filled in for unit U."""

    kind: str
    subject: str
    first: date
    last: date
    amount: Decimal


def registry(
    points: Mapping[str, Counted], *, zone: str = "Asia/Shanghai", statistics_day: int = 1, unit: str = "U"
) -> Registry:
    """One unit with these points by code."""
    return Registry(
        units=(Unit(unit, "虚构一厂", "Fictional Works", "610302", "30", zone, 3, statistics_day),),
        gateways=(Gateway(f"gw-{unit.lower()}", "610302", unit),),
        meters=tuple(Meter(f"M-{code}", unit, one.carrier, one.level, "any") for code, one in points.items()),
        points=tuple(
            Point(code, f"M-{code}", f"gw-{unit.lower()}", carriers()[one.carrier].unit, flow=one.flow)
            for code, one in points.items()
        ),
    )


async def populate(connection: Connection, world: Registry) -> None:
    """Write `world` and the shipped factors."""
    await apply(connection, world)
    await sync_factors(connection, shipped_factors())


async def use(connection: Connection, *used: Used, start: datetime = START) -> None:
    """Write quarter hours, in place of those that stand there, and refresh what they have a part in."""
    if not used:
        return
    ids = {row["code"]: row["point_id"] for row in await connection.fetch("select code, point_id from point")}
    since = [start + one.first * QUARTER for one in used]
    until = [at + len(one.quanta) * QUARTER for one, at in zip(used, since, strict=True)]
    rows = [
        (ids[one.point], at + n * QUARTER, quanta, 4 if quanta is None else one.quality, 0 if quanta is None else 900)
        for one, at in zip(used, since, strict=True)
        for n, quanta in enumerate(one.quanta)
    ]
    await connection.executemany(_WRITE, rows)
    await refresh(connection, [ids[one.point] for one in used], since, until)


async def forget(connection: Connection, point: str, first: int, count: int) -> None:
    """Take quarter hours of a point away, as when its readings are set aside."""
    point_id = await connection.fetchval("select point_id from point where code = $1", point)
    since = START + first * QUARTER
    until = since + count * QUARTER
    await connection.execute(
        "delete from consumption_15min where point_id = $1 and ts >= $2 and ts < $3", point_id, since, until
    )
    await refresh(connection, [point_id], [since], [until])


async def enter(connection: Connection, *entries: Entry) -> None:
    """Put entries into force for unit U, in place of those for the same days, and refresh what they mark."""
    await _make(connection, entries)
    await settle(connection)


async def undo(connection: Connection, *entries: Entry) -> None:
    """Undo entries of unit U, and refresh what this marks."""
    for one in entries:
        key = (one.kind, one.subject, one.first, one.last)
        await connection.execute(_UNDO, AT, *key)
        await connection.execute(_MARK, one.first, one.last)
    await settle(connection)


async def settle(connection: Connection) -> None:
    """Refresh what is marked, of all units."""
    units = [row["unit_id"] for row in await connection.fetch("select unit_id from unit order by unit_id")]
    await refresh_marked(connection, await take_unit_marks(connection, units))


async def totals(connection: Connection) -> dict[str, list[tuple[str, ...]]]:
    """All that totals hold, each value as the database prints it; what follows from them by triggers has to be true."""
    assert not await connection.fetch(_ASTRAY)
    return {table: await _printed(connection, table) for table in ("unit_hour", "unit_day", "unit_month")}


_ASTRAY = """
select t::text from (table carrier_known except table unit_carrier) t
union all select t::text from (table unit_carrier except table carrier_known) t
union all select t::text from (table period_sum except table unit_period) t
union all select t::text from (table unit_period except table period_sum) t
"""
"""Rows of tables that alerts read, and that are not what their views say they must be."""


async def days(connection: Connection, *columns: str, carrier: str | None = None) -> list[tuple[object, ...]]:
    """Columns of unit_day in the order of day and carrier."""
    rows = await connection.fetch(
        "select * from unit_day where $1::text is null or carrier = $1 order by day, carrier", carrier
    )
    return [tuple(row[column] for column in columns) for row in rows]


async def _make(connection: Connection, entries: Sequence[Entry]) -> None:
    for one in entries:
        key = (one.kind, one.subject, one.first, one.last)
        await connection.execute(_UNDO, AT, *key)
        await connection.execute(_ENTER, *key, one.amount, AT, MAKER)
        await connection.execute(_MARK, one.first, one.last)


async def _printed(connection: Connection, table: str) -> list[tuple[str, ...]]:
    rows = await connection.fetch(f"select t::text as row from {table} t order by 1")  # noqa: S608 - names of ours
    return [tuple(row) for row in rows]


_WRITE = """
insert into consumption_15min (point_id, ts, quanta, quality, covered_s, ready)
values ($1, $2, $3, $4, $5, $2::timestamptz + interval '15 minutes')
on conflict (point_id, ts) do update
set (quanta, quality, covered_s, ready) = (excluded.quanta, excluded.quality, excluded.covered_s, excluded.ready)
"""
_ENTER = """
insert into entry (unit_id, kind, subject, first_day, last_day, amount, unit, source, author, recorded_at)
select unit_id, $1, $2, $3, $4, $5, '', 'hand', $7, $6 from unit where code = 'U'
"""
_UNDO = """
update entry set undone_at = $1, undone_by = 'tester', undone_why = 'a test'
where (kind, subject, first_day, last_day) = ($2, $3, $4, $5) and undone_at is null
"""
_MARK = "insert into unit_dirty (unit_id, since, until) select unit_id, $1, $2 from unit where code = 'U'"
