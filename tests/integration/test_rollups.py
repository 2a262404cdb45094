"""Hours, days and months of points are what the quarter hours say, by each unit's own calendar."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from energy.clocks import ClockSettings, DataClock
from energy.errors import StorageError
from energy.services import Control
from energy.storage import Connection, Pool, StorageSettings
from ingest.accounting.rollups.marks import START, lock, settle, take
from ingest.accounting.rollups.rolling import roll
from ingest.accounting.rollups.service import Rolling
from ingest.accounting.rollups.settings import RollupSettings
from ingest.accounting.rollups.step import step
from ingest.accounting.validation.loading import shipped_checks
from tests.support.eventually import eventually
from tests.support.rollup_world import (
    QUARTER_HOUR,
    TABLES,
    Interval,
    Keeps,
    Rows,
    board_rows,
    expected,
    intervals,
    populate,
    rolled,
    utc,
    write,
)

WORLD = [
    Keeps("Asia/Shanghai"),
    Keeps("Asia/Shanghai", 26),
    Keeps("Europe/London", 15),
    Keeps("Asia/Kathmandu"),  # 5:45 ahead: its hours begin at a quarter past
    Keeps("Australia/Lord_Howe"),  # moves by half an hour, at half past in UTC
    Keeps("America/St_Johns", 2),
]
SINCE = utc("2026-03-27T00:00")
UNTIL = utc("2026-04-07T00:00")
"""In between London sets its clock forward (29 March) and Lord Howe back (4 April, 15:00 UTC); a month ends."""
ALL = date(2030, 1, 1)


async def drain(connection: Connection, limit: int = 100) -> int:
    """Roll up all that is marked; returns how many rows that changed."""
    changed, last = 0, START
    while True:
        done = await step(connection, shipped_checks(), before=ALL, limit=limit, after=last)
        changed += done.changed
        if done.last is None:
            return changed
        last = done.last


async def shown(connection: Connection) -> dict[str, Rows]:
    """What the boards' views say."""
    return {
        "consumption_hour": await board_rows(connection, "ts", "consumption_hour"),
        "consumption_day": await board_rows(connection, "day", "consumption_day"),
    }


def without_months(tables: dict[str, Rows]) -> dict[str, Rows]:
    """Those that the views have too."""
    return {name: rows for name, rows in tables.items() if name != "consumption_month"}


async def test_hours_days_and_months_are_those_of_each_unit_s_calendar(connection: Connection) -> None:
    """Days of 23 and 25 hours, hours that begin at a quarter past, months that begin on the 26th: exact sums."""
    keeps = await populate(connection, WORLD, points=2)
    rows = list(intervals(random.Random(5), keeps, SINCE, UNTIL))  # noqa: S311 - a repeatable course
    await write(connection, rows)
    wanted = expected(rows, keeps)
    assert await shown(connection) == without_months(wanted)
    assert await drain(connection) == sum(map(len, wanted.values()))
    assert await connection.fetchval("select count(*) from day_dirty") == 0
    assert await rolled(connection) == wanted
    assert await shown(connection) == without_months(wanted)


async def test_what_is_changed_is_rolled_up_anew_and_nothing_else(connection: Connection) -> None:
    """Random changes: each time the views are right at once, the tables once rolled up, and no other row is written."""
    rng = random.Random(11)  # noqa: S311 - likewise
    keeps = await populate(connection, WORLD)
    rows = {(row.point, row.ts): row for row in intervals(rng, keeps, SINCE, UNTIL)}
    await write(connection, rows.values())
    await drain(connection)
    for _ in range(6):
        start = _some(rng)
        end = start + timedelta(hours=rng.choice([1, 5, 40]))
        changed = list(intervals(rng, rng.sample(sorted(keeps), 2), start, end))
        await write(connection, changed)
        rows |= {(row.point, row.ts): row for row in changed}
        wanted = expected(rows.values(), keeps)
        assert await shown(connection) == without_months(wanted)
        before = await rolled(connection)
        count = await drain(connection)
        assert await rolled(connection) == wanted
        assert count == sum(
            key not in before[table] or before[table][key] != row
            for table in TABLES
            for key, row in wanted[table].items()
        )
        assert await drain(connection) == 0


def _some(rng: random.Random) -> datetime:
    return SINCE + timedelta(minutes=15) * rng.randrange(11 * 96 - 160)


async def test_a_period_whose_quarter_hours_vanish_loses_its_row(connection: Connection) -> None:
    """Hours, days, months: all of them, where nothing is left; the neighbours stay."""
    keeps = await populate(connection, WORLD)
    rows = list(intervals(random.Random(3), keeps, SINCE, UNTIL))  # noqa: S311 - likewise
    await write(connection, rows)
    await drain(connection)
    border = utc("2026-03-31T05:00")
    gone = [row for row in rows if row.ts >= border]
    await connection.execute("delete from consumption_15min where ts >= $1", border)
    await connection.execute(
        "insert into day_dirty (block, day) select 0, d::date from generate_series($1, $2, interval '1 day') d",
        utc("2026-03-31T00:00"),
        UNTIL,
    )
    wanted = expected([row for row in rows if row not in gone], keeps)
    assert await shown(connection) == without_months(wanted)
    await drain(connection)
    assert await rolled(connection) == wanted


@pytest.mark.parametrize("change", ["time_zone = 'America/New_York'", "statistics_day = 10"])
async def test_another_calendar_makes_other_periods(connection: Connection, change: str) -> None:
    """When a unit's zone or statistics day is corrected, nothing of the old calendar stays."""
    keeps = await populate(connection, WORLD)
    rows = list(intervals(random.Random(4), keeps, SINCE, UNTIL))  # noqa: S311 - likewise
    await write(connection, rows)
    await drain(connection)
    await connection.execute(f"update unit set {change} where code = 'U1'")  # noqa: S608 - our own
    changed = Keeps("America/New_York", 26) if "zone" in change else Keeps("Asia/Shanghai", 10)
    keeps = {point: changed if one == WORLD[1] else one for point, one in keeps.items()}
    wanted = expected(rows, keeps)
    assert await shown(connection) == without_months(wanted)
    await drain(connection)
    assert await rolled(connection) == wanted


async def test_a_meter_that_moves_to_another_unit_takes_that_one_s_calendar(connection: Connection) -> None:
    """Its hours of before go, and come again as that unit's."""
    keeps = await populate(connection, WORLD)
    rows = list(intervals(random.Random(8), keeps, SINCE, UNTIL))  # noqa: S311 - likewise
    await write(connection, rows)
    await drain(connection)
    await connection.execute(
        "update meter set unit_id = (select unit_id from unit where code = 'U3') where code = 'M0-0'"
    )
    keeps = {point: WORLD[3] if one == WORLD[0] else one for point, one in keeps.items()}
    assert await shown(connection) == without_months(expected(rows, keeps))
    await drain(connection)
    assert await rolled(connection) == expected(rows, keeps)


async def test_a_sum_that_no_integer_holds_is_not_known(connection: Connection) -> None:
    """A meter that sends nonsense does not stop the others' rollups."""
    keeps = await populate(connection, WORLD[:2])
    rows = list(intervals(random.Random(9), keeps, SINCE, SINCE + timedelta(days=1)))  # noqa: S311 - likewise
    sick, sound = sorted(keeps)
    await write(connection, rows)
    await connection.execute("update consumption_15min set quanta = 9e18 where point_id = $1", sick)
    await drain(connection)
    assert await connection.fetchval(
        "select bool_and(quanta is null and quality = 4) from consumption_day where point_id = $1", sick
    )
    wanted = expected([row for row in rows if row.point == sound], keeps)
    found = await rolled(connection)
    for table, wanted_rows in wanted.items():
        assert {key: row for key, row in found[table].items() if key[0] == sound} == wanted_rows


async def test_days_whose_quarter_hours_were_dropped_stand(connection: Connection) -> None:
    """A late mark there, of an edit say, would make a day of what is left of it: nothing."""
    keeps = await populate(connection, WORLD)
    rows = list(intervals(random.Random(10), keeps, SINCE, UNTIL))  # noqa: S311 - likewise
    await write(connection, rows)
    await drain(connection)
    stood = await rolled(connection)
    border = utc("2026-03-31T00:00")
    await connection.execute("delete from consumption_15min where ts < $1", border)
    await connection.execute(
        "insert into upkeep_run (at, relation, action, until, count)"
        " values ($1, 'consumption_15min', 'chunks_dropped', $1, 1)",
        border,
    )
    await write(connection, [row for row in rows if row.ts >= border])
    await connection.execute("insert into day_dirty (block, day) values (0, $1)", border.date() - timedelta(days=3))
    assert await drain(connection) == 0
    assert await connection.fetchval("select count(*) from day_dirty") == 0
    assert await rolled(connection) == stood


async def test_what_a_check_found_makes_its_periods_suspect(connection: Connection) -> None:
    """From the failure on until it is gone; not where a person accepted the interval, nor for a warning."""
    keeps = await populate(connection, WORLD[:2])
    rows = [
        replace(row, quanta=row.quanta or 1, quality=min(row.quality, 1), flags=8192 if row.ts.hour == 7 else 0)
        for row in intervals(random.Random(12), keeps, SINCE, SINCE + timedelta(days=2))  # noqa: S311 - likewise
    ]
    await write(connection, rows)
    await drain(connection)
    stood = await rolled(connection)
    since, until = SINCE + timedelta(hours=5, minutes=10), SINCE + timedelta(hours=9)
    found = "insert into finding values ($1, $2, 'spike', $3, $4, $5, '{}')"
    sick = min(keeps)
    await connection.execute(found, max(keeps), since.date(), since, until, "warning")
    assert await connection.fetchval("select count(*) from day_dirty") == 0
    await connection.execute(found, sick, since.date(), since, until, "failure")
    failing = [
        replace(row, quality=3)
        if row.point == sick and row.quality < 3 and not row.flags and since < row.ts + QUARTER_HOUR and row.ts < until
        else row
        for row in rows
    ]
    assert await shown(connection) == without_months(expected(failing, keeps))
    await drain(connection)
    assert await rolled(connection) == expected(failing, keeps) != stood
    await connection.execute("delete from finding")
    await drain(connection)
    assert await rolled(connection) == stood


async def test_a_change_that_is_under_way_when_its_mark_is_taken_is_waited_for(pool: Pool) -> None:
    """A step saw the day marked, and so marked nothing: its intervals, committed later, are rolled up all the same."""
    async with pool.acquire() as one, pool.acquire() as other:
        keeps = await populate(one, WORLD[:1])
        rows = list(intervals(random.Random(13), keeps, SINCE, SINCE + timedelta(days=1)))  # noqa: S311 - likewise
        await write(one, rows[:50])
        step_of_deriving = other.transaction()
        await step_of_deriving.start()
        await write(other, rows[50:])
        assert await other.fetchval("select count(*) from day_dirty") == 1
        rolling = asyncio.create_task(drain(one))
        async with pool.acquire() as watching:
            await eventually(lambda: watching.fetchval("select bool_and(taken) from day_dirty"))
            await write(watching, rows[:1])  # a mark that is taken stands for nothing that comes later
        await step_of_deriving.commit()
        await rolling
        assert await rolled(one) == expected(rows, keeps)
        assert await one.fetchval("select count(*) from day_dirty where not taken") == 1


async def test_whoever_is_done_leaves_the_marks_that_another_one_has_taken(pool: Pool) -> None:
    """A rebuild rolls up beside the leader, which is killed while it waits for a step: the day stays marked."""
    async with pool.acquire() as one, pool.acquire() as other, pool.acquire() as deriving:
        keeps = await populate(one, WORLD[:1])
        rows = list(intervals(random.Random(15), keeps, SINCE, SINCE + timedelta(days=1)))  # noqa: S311 - likewise
        await write(one, rows[:50])
        (taken,) = (await take(one, before=ALL, after=START, limit=1)).items()
        await write(one, rows[50:60])
        step_of_deriving = deriving.transaction()
        await step_of_deriving.start()
        await write(deriving, rows[60:])
        leading = asyncio.create_task(drain(other))
        await eventually(lambda: one.fetchval("select count(*) = 2 and bool_and(taken) from day_dirty"))
        async with one.transaction():
            await lock(one, taken[0].block)
            await roll(one, taken[0].block, [taken[0].day])
            await settle(one, taken[1])
        leading.cancel()
        await asyncio.wait([leading])
        await step_of_deriving.commit()
        await drain(one)
        assert await rolled(one) == expected(rows, keeps)


async def test_the_service_rolls_up_what_is_over_and_one_leads(database: StorageSettings, pool: Pool) -> None:
    """Days that are over are done by whoever leads; an open day waits for its pass."""
    async with pool.acquire() as connection:
        keeps = await populate(connection, WORLD[:1])
        rows = list(intervals(random.Random(14), keeps, SINCE, SINCE + timedelta(days=3)))  # noqa: S311 - likewise
        await write(connection, rows)
        clock = ClockSettings(SINCE + timedelta(days=2, hours=5), time.time())
        settings = RollupSettings(every_s=0.05, open_every_s=3_600)
        failed: list[StorageError] = []
        services = [Rolling(database, DataClock(clock), settings, failed.append) for _ in range(2)]
        controls = [Control(one.name, asyncio.Event()) for one in services]
        running = [asyncio.create_task(one.run(control)) for one, control in zip(services, controls, strict=True)]
        await eventually(
            lambda: _rolled_alike(connection, rows, keeps), within=60
        )  # the first pass takes open days too
        again = [replace(row, quanta=7) for row in (rows[0], rows[-1])]
        await write(connection, again)
        await eventually(lambda: _rolled_alike(connection, [again[0], *rows[1:]], keeps), within=60)
        for control in controls:
            control.stopping.set()
        await asyncio.gather(*running)
        assert not failed
        assert await connection.fetchval("select max(day) from day_dirty") == rows[-1].ts.date()


async def _rolled_alike(connection: Connection, rows: list[Interval], keeps: dict[int, Keeps]) -> bool:
    """Whether the amounts are right; what checks find of random ones makes them suspect."""
    hours = (await rolled(connection))["consumption_hour"]
    wanted = expected(rows, keeps)["consumption_hour"]
    return {key: row[0] for key, row in hours.items()} == {key: row[0] for key, row in wanted.items()}
