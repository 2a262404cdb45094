"""Month totals of the nation's 17 000 units, three gate meters each: what they cost, all of them and for one change.

`month_totals_full`: seconds to compute every day and month of March again, entries and factors included, as after a
factor of everybody changed. `month_totals_one_unit`: seconds after one unit's month is marked, as by an entry.
`totals_live_1000_points`: seconds to refresh after 1 000 gate points got a new quarter hour: 850 touch a second when
each of the 51 000 is read every minute. Medians; each in a transaction of its own.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figure
from deploy.stack import Endpoints
from energy.factors import shipped_factors
from energy.storage import Connection, StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from energy.storage.migrate import migrate
from ingest.accounting.factors.sync import sync_factors
from ingest.accounting.totals.refresh import refresh, refresh_days

UNITS = 17_000
CARRIERS = ("electricity", "natural_gas", "low_pressure_steam")
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
TODAY = datetime(2026, 3, 30, 16, tzinfo=UTC)
"""Where the last day begins in the units' zone: it has hours and quarter hours, the others are written as days."""
NOW = TODAY + timedelta(hours=13)
GROUP = 1_000
ROUNDS = 5
_QUARTER = timedelta(minutes=15)


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Fill a month and measure."""
    del directory
    return asyncio.run(_measure(endpoints))


async def _measure(endpoints: Endpoints) -> list[Figure]:
    dsn = await create_database(endpoints.dsn, "bench_totals")
    await asyncio.to_thread(migrate, dsn)
    async with connect(StorageSettings(dsn)) as connection:
        await sync_factors(connection, shipped_factors())
        await _fill(connection)
        points = [row["point_id"] for row in await connection.fetch("select point_id from balance_point order by 1")]
        await _every_point(connection, points)
        full = [await _timed(connection, _everything)]
        one = [await _timed(connection, _one_unit) for _ in range(ROUNDS)]
        live = [await _timed(connection, _live(points, number)) for number in range(ROUNDS)]
    await drop_database(endpoints.dsn, "bench_totals")
    settings: dict[str, object] = {"units": UNITS, "carriers": len(CARRIERS), "days": (LAST - FIRST).days + 1}
    rounds = {"rounds": [round(seconds, 3) for seconds in live]}
    return [
        Figure("month_totals_full", full[0], "s", settings),
        Figure("month_totals_one_unit", statistics.median(one), "s", settings),
        Figure("totals_live_1000_points", statistics.median(live), "s", settings | rounds),
    ]


async def _timed(connection: Connection, work: Callable[[Connection], Awaitable[None]]) -> float:
    began = time.monotonic()
    async with connection.transaction():
        await work(connection)
    return time.monotonic() - began


async def _everything(connection: Connection) -> None:
    """In groups of units, as deriving takes them."""
    for group in range(1, UNITS + 1, GROUP):
        units = list(range(group, min(group + GROUP, UNITS + 1)))
        await refresh_days(connection, units, [FIRST] * len(units), [LAST] * len(units))


async def _one_unit(connection: Connection) -> None:
    await refresh_days(connection, [UNITS // 2], [FIRST], [LAST])


def _live(points: list[int], number: int) -> Callable[[Connection], Awaitable[None]]:
    """Every 51st point gets another amount in the present quarter hour."""

    async def work(connection: Connection) -> None:
        touched = points[number :: len(points) // 1_000][:1_000]
        since = [NOW] * len(touched)
        await connection.execute(
            "update consumption_15min set quanta = quanta + 1 where point_id = any($1) and ts = $2", touched, NOW
        )
        await refresh(connection, touched, since, [NOW + _QUARTER] * len(touched))

    return work


async def _every_point(connection: Connection, points: list[int]) -> None:
    """Hours, days and months of the last day, from its quarter hours."""
    for group in range(0, len(points), 3 * GROUP):
        some = points[group : group + 3 * GROUP]
        async with connection.transaction():
            await refresh(connection, some, [TODAY] * len(some), [NOW + _QUARTER] * len(some))
    await connection.execute("vacuum analyze")


async def _fill(connection: Connection) -> None:
    await connection.execute(_UNITS, UNITS)
    await connection.execute(_METERS, CARRIERS)
    await connection.execute(_POINTS)
    await connection.execute(_DAYS, FIRST, LAST)
    await connection.execute(_QUARTERS, TODAY, NOW)
    await connection.execute("vacuum analyze")


_UNITS = """
with units as (
    insert into unit (code, name_zh, name_en, district, industry, size_class)
    select 'U-' || g, '单位' || g, 'Unit ' || g, '610303', '32', 1 + g % 6 from generate_series(1, $1::int4) g
    returning unit_id
)
insert into gateway (code, region, unit_id) select 'gw-' || unit_id, '610303', unit_id from units
"""
_METERS = """
insert into meter (code, unit_id, carrier, level, profile)
select 'M-' || unit_id || '-' || carrier, unit_id, carrier, 1, 'none' from unit cross join unnest($1::text[]) as carrier
"""
_POINTS = """
insert into point (code, meter_id, gateway_id, unit)
select 'P-' || meter_id, meter_id, gateway_id, 'kWh' from meter join gateway using (unit_id)
"""
_DAYS = """
insert into unit_day (unit_id, day, carrier, amount, purchased, kgce, kgce_equal, kgco2, quality, metered_quality,
    provisional, ready, covered_s, due_s)
select unit_id, $1::date + n, carrier, 1000 + n, 1000 + n, 0, 0, 0, 0, 0, false, 'epoch', 86400, 86400
from balance_point cross join generate_series(0, $2::date - $1::date - 1) n
"""
_QUARTERS = """
insert into consumption_15min (point_id, ts, quanta, quality, covered_s, ready)
select point_id, ts, 12345, 0, 900, ts + interval '15 minutes'
from generate_series($1::timestamptz, $2::timestamptz, interval '15 minutes') ts
cross join (select point_id from balance_point order by point_id) p
"""
