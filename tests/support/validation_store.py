"""Readings and the intervals that follow from them, written straight into the tables, for tests of validation."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from energy.periods import day_start
from energy.storage import Connection
from ingest.accounting.rollups.step import step as roll
from ingest.accounting.validation import queue
from ingest.accounting.validation.loading import Checks, shipped_checks
from ingest.accounting.validation.validate import Validated, validate

ZONE = "Asia/Shanghai"
SLOT = timedelta(minutes=15)


def start_of(day: date, slot: float = 0, zone: str = ZONE) -> datetime:
    """The instant at which a slot of a local day begins."""
    return day_start(day, zone) + slot * SLOT


async def put_intervals(  # noqa: PLR0913 - the columns of one table
    connection: Connection,
    point: int,
    since: datetime,
    quanta: Any,
    *,
    quality: int = 0,
    flags: int = 0,
    readings: bool = True,
    begin: int = 5_000_000,
    quantum: float = 0.001,
) -> None:
    """Consecutive intervals from `since` on, and the readings on their borders that they follow from."""
    amounts = [None if quality == 4 else int(one) for one in quanta]
    await connection.execute(_INTERVALS, point, since, amounts, quality, flags)
    if readings:
        register = begin + np.concatenate(([0], np.cumsum([one or 0 for one in amounts])))
        await put_readings(connection, point, since, (register * quantum).tolist())


async def put_readings(connection: Connection, point: int, since: datetime, values: list[float]) -> None:
    """Readings each quarter hour from `since` on; a key that is taken stays."""
    await connection.execute(_READINGS, point, since, values)


async def roll_days(connection: Connection) -> None:
    """`consumption_day` as rollups make it."""
    await connection.execute("delete from consumption_day")
    await connection.execute(_DAYS)


async def judge_all(connection: Connection, now: datetime) -> None:
    """Roll up all that was derived, and judge until nothing waits."""
    while (await roll(connection, shipped_checks(), before=date.max, limit=100)).days:
        pass
    while (await queue.step(connection, shipped_checks(), now=now, pause_s=0.001)).day is not None:
        pass


async def findings(connection: Connection) -> list[tuple[Any, ...]]:
    """(point, check, severity) of every finding, sorted."""
    rows = await connection.fetch('select point, "check", severity from board.finding order by 1, 2, since')
    return [tuple(row) for row in rows]


async def whole(connection: Connection) -> list[tuple[Any, ...]]:
    """The table, row for row."""
    rows = await connection.fetch("select * from finding order by point_id, day, check_id, since")
    return [tuple(row) for row in rows]


async def judge(connection: Connection, points: list[int], *days: date, checks: Checks | None = None) -> Validated:
    """Validate, by the shipped parameters."""
    return await validate(connection, points, days, checks or shipped_checks())


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTERVALS = """
insert into consumption_15min (point_id, ts, quanta, quality, covered_s, ready, method, flags)
select $1, $2::timestamptz + (n - 1) * interval '15 minutes', quanta, $4::int2,
    case when $4::int2 = 4 then 0 else 900 end, $2::timestamptz + n * interval '15 minutes', 0, $5
from unnest($3::int8[]) with ordinality as q (quanta, n)
on conflict (point_id, ts) do update set (quanta, quality, covered_s, flags)
    = (excluded.quanta, excluded.quality, excluded.covered_s, excluded.flags)
"""
_READINGS = """
insert into readings (ts, point_id, value, quality, batch)
select $2::timestamptz + (n - 1) * interval '15 minutes', $1, value, 0, 1
from unnest($3::float8[]) with ordinality as v (value, n)
on conflict do nothing
"""
_DAYS = """
insert into consumption_day (point_id, day, quanta, quality, covered_s, flags, ready)
select point_id, (ts at time zone time_zone)::date, sum(quanta), max(quality), sum(covered_s), bit_or(flags), max(ready)
from consumption_15min join point using (point_id) join meter using (meter_id) join unit using (unit_id) group by 1, 2
"""
