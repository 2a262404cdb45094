"""What a day of late data costs: a day of readings of 1 % of the nation's points, which comes when all else is derived.

A tenth of the nation, 255 000 points, has two days at 15 minutes; of each hundredth point the whole first day
comes last, as after an outage of its gateway, when a gap of a day stands in its place. Measured: the time until
nothing is dirty any more, and the rows that were touched by it; the processor's share is the worker's alone.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.derive_incremental import accounting, derived
from benchmarks.figures import Figure
from benchmarks.ingest_process import require_durable
from benchmarks.registry import fill
from deploy.stack import Endpoints
from energy.storage import Connection, StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from energy.storage.migrate import migrate

GATEWAYS, POINTS = 2_550, 100
_EACH = 100
_DAY = 96
_START = 1_772_294_400
_BOUND_S = 3_600

_FILL = """
insert into readings (ts, point_id, value, quality, batch)
select to_timestamp($1::int8) + n * interval '15 minutes', point_id, n * (1 + point_id % 7), 0, 0
from generate_series(0, 2 * $2::int4) as n, generate_series(1, $3::int4) as point_id
where (point_id % $4::int4 = 0 and n > 0 and n <= $2) = $5
"""
_MARK = """
insert into derivation_dirty (batch, points, since, until)
select nextval('batch_id'), array_agg(p), array_agg(to_timestamp($1::int8)),
    array_agg(to_timestamp($1::int8) + $2::int4 * interval '15 minutes')
from generate_series(1, $3::int4) as p where p % $4::int4 = 0 group by p / 20000
"""


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run it once."""
    return asyncio.run(_measure(endpoints, directory))


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    dsn = await create_database(endpoints.dsn, "bench_late")
    await asyncio.to_thread(migrate, dsn)
    await fill(dsn, GATEWAYS, POINTS)
    await require_durable(dsn)
    async with connect(StorageSettings(dsn)) as connection:
        await _arrive(connection, late=False)
        with accounting(directory, dsn) as process:
            await derived(dsn, _BOUND_S, process)
            newest = await connection.fetchval("select pg_snapshot_xmax(pg_current_snapshot())::text::int8")
            before = process.cpu_times()
            begin = time.monotonic()
            await _arrive(connection, late=True)
            stored_s = time.monotonic() - begin
            await derived(dsn, _BOUND_S, process)
            took_s = time.monotonic() - begin
            after = process.cpu_times()
        touched = await connection.fetchval(
            "select count(*) from consumption_15min where xmin::text::int8 >= $1", newest, timeout=600
        )
    await drop_database(endpoints.dsn, "bench_late")
    late = GATEWAYS * POINTS // _EACH * _DAY
    share = (after.user + after.system - before.user - before.system) / took_s
    how = {"points": GATEWAYS * POINTS, "late points": GATEWAYS * POINTS // _EACH, "late readings": late}
    return [
        Figure(
            "derive_late_s", took_s, "s", {**how, "of it storing": round(stored_s, 1), "processor": round(share, 2)}
        ),
        Figure("derive_late_rows", float(touched), "rows", how),
        Figure("derive_late_readings_per_second", late / took_s, "readings/s", how),
    ]


async def _arrive(connection: Connection, *, late: bool) -> None:
    """Store what comes on time, or late, and mark it."""
    points = GATEWAYS * POINTS
    async with connection.transaction():
        await connection.execute(_FILL, _START, _DAY, points, _EACH, late, timeout=1_800)
        span = _DAY if late else 2 * _DAY
        await connection.execute(_MARK, _START, span, points, _EACH if late else 1, timeout=600)
        await connection.execute("select pg_notify('readings', '')")
