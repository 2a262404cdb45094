"""A small world of registers: units, meters and points, and readings stored the way ingest stores them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from energy.carriers import carriers
from energy.factors import shipped_factors
from energy.registry import Gateway, Meter, Point, Registry, Unit
from energy.registry.store import apply
from energy.storage import Connection
from ingest.accounting.factors.sync import sync_factors

T0 = 1_772_294_400_000
"""2026-03-01T00:00+08:00, ms since 1970 UTC."""
MINUTE = 60_000


@dataclass(frozen=True)
class Shown:
    """What a register showed: milliseconds since 1970, value (NaN: none), quality."""

    point: str
    at: int
    value: float
    quality: int = 0


def shown(point: str, minute: float, value: float, quality: int = 0) -> Shown:
    """A reading `minute` minutes after the world's beginning."""
    return Shown(point, T0 + round(minute * MINUTE), value, 3 if math.isnan(value) else quality)


def instant(minute: float) -> datetime:
    """The instant `minute` minutes after the world's beginning."""
    return datetime.fromtimestamp(T0 / 1000 + minute * 60, UTC)


def registry(
    points: Sequence[tuple[str, str, int]], *, zone: str = "Asia/Shanghai", wrap: float | None = None
) -> Registry:
    """One unit U with points P-…, each given as (code, carrier, level) and on a meter of its own."""
    return Registry(
        units=(Unit("U", "虚构一厂", "Fictional Works", "610302", "32", zone),),
        gateways=(Gateway("gw-u", "610302", "U"),),
        meters=tuple(Meter(f"M-{code}", "U", carrier, level, "any") for code, carrier, level in points),
        points=tuple(
            Point(code, f"M-{code}", "gw-u", carriers()[carrier].unit, wrap=wrap) for code, carrier, _ in points
        ),
    )


async def populate(connection: Connection, world: Registry) -> dict[str, int]:
    """Write `world` and the shipped factors; returns the point ids by code."""
    await apply(connection, world)
    await sync_factors(connection, shipped_factors())
    return {row["code"]: row["point_id"] for row in await connection.fetch("select code, point_id from point")}


async def store(connection: Connection, readings: Iterable[Shown]) -> None:
    """Store one batch as ingest does: what contradicts goes beside, and everything touched is marked dirty."""
    rows = list(readings)
    columns = [
        [row.point for row in rows],
        [row.at for row in rows],
        [row.value for row in rows],
        [row.quality for row in rows],
    ]
    async with connection.transaction():
        batch = await connection.fetchval("select nextval('batch_id')")
        await connection.execute(_STORE, *columns, batch)
        tag = await connection.execute(_CONFLICTS, *columns, batch)
        await connection.execute(_MARK, *columns[:2], batch)
        await connection.execute(_RECORD, batch, len(rows), int(tag.rsplit(" ", 1)[1]))
        await connection.execute("select pg_notify('readings', $1::text)", str(batch))


_STORE = """
with given as (
    select point_id, 'epoch'::timestamptz + g.at * interval '1 ms' as ts, value, quality
    from unnest($1::text[], $2::int8[], $3::float8[], $4::int2[]) as g (code, at, value, quality)
    join point using (code)
)
insert into readings (ts, point_id, value, quality, batch)
select ts, point_id, value, quality, $5 from given on conflict do nothing
"""
_CONFLICTS = """
with given as (
    select point_id, 'epoch'::timestamptz + g.at * interval '1 ms' as ts, value, quality
    from unnest($1::text[], $2::int8[], $3::float8[], $4::int2[]) as g (code, at, value, quality)
    join point using (code)
)
insert into reading_conflicts (point_id, ts, value, quality, batch)
select g.point_id, g.ts, g.value, g.quality, $5 from given g join readings r using (point_id, ts)
where (g.value, g.quality) is distinct from (r.value, r.quality) on conflict do nothing
"""
_MARK = """
insert into derivation_dirty (batch, points, since, until)
select $3, array_agg(point_id), array_agg(since), array_agg(until) from (
    select point_id, min('epoch'::timestamptz + g.at * interval '1 ms') as since,
        max('epoch'::timestamptz + g.at * interval '1 ms') as until
    from unnest($1::text[], $2::int8[]) as g (code, at) join point using (code) group by point_id
) t
"""
_RECORD = """
insert into ingest_batch
    (batch, worker, received_at, committed_at, envelopes, offered, stored, duplicates, conflicts, rejected)
values ($1, 'test', 'epoch', 'epoch', 1, $2, $2 - $3::int4, 0, $3::int4, 0)
"""
