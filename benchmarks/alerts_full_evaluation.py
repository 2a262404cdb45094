"""Judging the nation's quotas: 17 000 units with five quotas each, by all shipped rules of quotas.

`alerts_full_evaluation_s`: from totals to stored states, after every unit got a new quarter hour: read, judged,
written. `alerts_full_unchanged_s`: again, after nothing changed.
`alerts_full_evaluation_ratio`: the same over a bare SQL read of the rows of totals that it reads, in the same run.
`alerts_incremental_100_units_s`: the same of 100 units that are marked. Medians.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from alerts.evaluation.step import Engine, Wanted
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from benchmarks.figures import Figure
from deploy.stack import Endpoints
from energy.factors import shipped_factors
from energy.storage import Connection, StorageSettings, connect
from energy.storage.binary import copy_out
from energy.storage.databases import create_database, drop_database
from energy.storage.migrate import migrate
from ingest.accounting.factors.sync import sync_factors

UNITS = 17_000
CARRIERS = ("electricity", "natural_gas", "low_pressure_steam")
TODAY = date(2026, 3, 30)
NOON = datetime(2026, 3, 30, 4, tzinfo=UTC)
MARKED = 100
ROUNDS = 5
_QUARTER = timedelta(minutes=15)


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Fill a year and measure."""
    del directory
    return asyncio.run(_measure(endpoints))


async def _measure(endpoints: Endpoints) -> list[Figure]:
    dsn = await create_database(endpoints.dsn, "bench_alerts")
    await asyncio.to_thread(migrate, dsn)
    rules = [rule for rule in load_rules([], catalogue()) if rule.subject == "quota"]
    engine = Engine(rules, catalogue(), stale_s=6 * 3600)
    full, same, marked, bare = [], [], [], []
    async with connect(StorageSettings(dsn)) as connection:
        await sync_factors(connection, shipped_factors())
        await _fill(connection)
        now = NOON + timedelta(minutes=5)
        await engine.evaluate(connection, now, Wanted(1))
        for _ in range(ROUNDS):
            now += _QUARTER
            await _quarter_hour(connection)
            full.append(await _timed(engine, connection, now, Wanted(1)))
            same.append(await _timed(engine, connection, now, Wanted(1)))
            bare.append(await _read(connection))
            await _quarter_hour(connection, MARKED)
            units = dict.fromkeys(range(1, MARKED + 1), TODAY)
            marked.append(await _timed(engine, connection, now + _QUARTER, Wanted(1, units)))
    await drop_database(endpoints.dsn, "bench_alerts")
    settings: dict[str, object] = {"units": UNITS, "quotas": 5 * UNITS, "rules": len(rules)}
    ratio = statistics.median(a / b for a, b in zip(full, bare, strict=True))
    return [
        Figure("alerts_full_evaluation_s", statistics.median(full), "s", settings | {"rounds": _shown(full)}),
        Figure("alerts_full_unchanged_s", statistics.median(same), "s", settings | {"rounds": _shown(same)}),
        Figure("alerts_full_evaluation_ratio", ratio, "x", settings | {"bare_read_s": _shown(bare)}),
        Figure("alerts_incremental_100_units_s", statistics.median(marked), "s", settings | {"rounds": _shown(marked)}),
    ]


def _shown(seconds: list[float]) -> list[float]:
    return [round(one, 3) for one in seconds]


async def _timed(engine: Engine, connection: Connection, now: datetime, wanted: Wanted) -> float:
    began = time.monotonic()
    await engine.evaluate(connection, now, wanted)
    return time.monotonic() - began


async def _read(connection: Connection) -> float:
    """The rows of totals that a full evaluation reads, as they are."""
    began = time.monotonic()
    for query in _BARE:
        await copy_out(connection, query)
    return time.monotonic() - began


async def _quarter_hour(connection: Connection, units: int = UNITS) -> None:
    """Every unit uses a little more, and is complete up to a quarter hour later."""
    await connection.execute(_MORE_DAYS, TODAY, units)
    await connection.execute(_MORE_MONTHS, TODAY.replace(day=1), units)
    await connection.execute("delete from unit_touched")
    await connection.execute(
        "vacuum analyze unit_day, unit_month, unit_period, unit_carrier, unit_touched, quota_figure"
    )


async def _fill(connection: Connection) -> None:
    await connection.execute(_UNITS, UNITS)
    await connection.execute(_METERS, CARRIERS)
    # Day after day and month after month, as accounting writes them. Row by row the triggers would follow for a minute.
    await connection.execute("alter table unit_day disable trigger user; alter table unit_month disable trigger user")
    await connection.execute(_DAYS, CARRIERS, TODAY, NOON)
    await connection.execute(_MONTHS, CARRIERS, TODAY, NOON)
    await connection.execute("alter table unit_day enable trigger user; alter table unit_month enable trigger user")
    await connection.execute("select carriers_follow_registry(array_agg(unit_id)) from unit")
    await connection.execute("insert into unit_period select * from period_sum order by period, period_start")
    for number, (measure_, period, unit, limit) in enumerate(_QUOTAS):
        await connection.execute(_QUOTA, str(number), measure_, period, unit, limit)
    await connection.execute("delete from unit_touched")
    await connection.execute("vacuum analyze")


_QUOTAS = (
    ("tce", "day", "tce", 10),
    ("tce", "month", "tce", 310),
    ("electricity", "month", "kWh", 31_000),
    ("tco2", "quarter", "tCO2", 1_500),
    ("tce", "year", "tce", 3_650),
)
"""Of a unit that uses three times 2.7 tce a day: of every hundred three exceed, seven are on course to."""
_UNITS = """
insert into unit (code, name_zh, name_en, district, industry, size_class)
select 'U-' || g, '单位' || g, 'Unit ' || g, '610303', '32', 1 + g % 6 from generate_series(1, $1::int4) g
"""
_METERS = """
insert into meter (code, unit_id, carrier, level, profile)
select 'M-' || unit_id || '-' || carrier, unit_id, carrier, 1, 'none' from unit cross join unnest($1::text[]) as carrier
"""
_DAYS = """
insert into unit_day (unit_id, day, carrier, amount, purchased, kgce, kgce_equal, kgco2, quality, metered_quality,
    provisional, ready, covered_s, due_s)
select unit_id, d::date, carrier, 900, 900, 2700 * w.share, 6000, 5000, 0, 0, false,
    least((d::date + 1)::timestamp at time zone 'Asia/Shanghai', $3), 86400, 86400
from unit
cross join unnest($1::text[]) as carrier
cross join generate_series($2::date - 32, $2::date, interval '1 day') d
cross join lateral (select case when d::date < $2 then 1 else 0.5 end as share) w
order by d
"""
_MONTHS = """
insert into unit_month (unit_id, kind, month, carrier, amount, kgce, kgce_equal, kgco2, purchased, renewable, produced,
    sold, feedstock, stock_decrease, feedstock_kgce, feedstock_kgce_equal, quality, provisional, by_hand, covered_s,
    due_s, ready, days, metered_days)
select unit_id, 'month', m::date, carrier, 27000, 81000, 180000, 150000, 27000, 0, 0, 0, 0, 0, 0, 0, 0, false, false,
    86400 * w.days, 86400 * w.days, least((m + interval '1 month')::date::timestamp at time zone 'Asia/Shanghai', $3),
    w.days, w.days
from unit
cross join unnest($1::text[]) as carrier
cross join generate_series('2025-01-01', date_trunc('month', $2::date), interval '1 month') m
cross join lateral (select least((m + interval '1 month')::date - m::date, $2::date - m::date + 1)::int2 as days) w
order by m
"""
_QUOTA = """
insert into quota (code, unit_id, key, measure, period, limit_value, limit_unit, valid_from, source, min_elapsed, bands)
select 'Q-' || unit_id || '-' || $1::text, unit_id, code, $2, $3,
    $5::int4 * case when unit_id % 100 < 3 then 0.5 when unit_id % 100 < 10 then 0.9 else 1.5 end, $4, '2025-01-01',
    'doc', 0.03, '[{"share": 0.8, "severity": "notice", "colour": "blue"}]'
from unit
"""
_MORE_DAYS = """
update unit_day set amount = amount + 1, kgce = kgce + 28.125, ready = ready + interval '15 minutes'
where day = $1 and unit_id <= $2
"""
_MORE_MONTHS = """
update unit_month set amount = amount + 1, kgce = kgce + 28.125, kgco2 = kgco2 + 50 where month = $1 and unit_id <= $2
"""
_BARE = (
    "select unit_id, carrier, kgce from unit_day where day >= '2026-03-29'",
    "select unit_id, carrier, amount, kgce from unit_month where month = '2026-03-01' and kind = 'month'",
    "select unit_id, carrier, kgco2 from unit_period where period_start = '2026-01-01' and period = 'quarter'",
    "select unit_id, carrier, kgce from unit_period where period_start = '2026-01-01' and period = 'year'",
    "select * from unit_carrier",
)
