"""Upkeep on the edition of TimescaleDB that our stack has: chunk intervals, retention, records."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from energy.errors import StorageError
from energy.queries import load_queries
from energy.storage import Connection, Pool, StorageSettings
from ingest.upkeep.chunks import INDEX_BYTES, LEAST_ROWS, READINGS, sizing
from ingest.upkeep.settings import UpkeepSettings
from ingest.upkeep.steps import Round, run_round
from tests.support import late_world
from tests.support.eventually import eventually
from tests.support.ingest_world import START_MS
from tests.support.writing_world import WritingWorld

START = datetime.fromtimestamp(START_MS / 1000, UTC)
DAY = timedelta(days=1)
YEAR = UpkeepSettings(readings_days=365, batches_days=100, accounts_days=200)


async def round_at(connection: Connection, now: datetime, settings: UpkeepSettings = YEAR) -> Round:
    """One round, as a worker on real time does it."""
    return await run_round(connection, now, settings, real_time=True)


async def fill(connection: Connection, weeks: int) -> None:
    """A reading of point 11 every six hours for so many weeks, with a conflict and a flag in each, all derived."""
    await connection.execute(
        "insert into readings select $1::timestamptz + n * interval '6 hours', 11, n, 0, 1 "
        "from generate_series(0, $2) n",
        START,
        weeks * 28 - 1,
    )
    for table, columns in (("reading_conflicts", "-1, 0, 1"), ("reading_flags", "'rate', '', 1")):
        await connection.execute(
            f"insert into {table} select 11, ts, {columns} from readings where value::int % 28 = 3"  # noqa: S608 - ours
        )


async def spans(connection: Connection) -> list[datetime]:
    """Where the chunks of readings begin."""
    rows = await connection.fetch(
        "select range_start from timescaledb_information.chunks where hypertable_name = 'readings' order by 1"
    )
    return [row[0] for row in rows]


async def require_kept_from(connection: Connection, first: datetime) -> None:
    """No chunk begins before `first`, and no conflict or flag of a reading that is gone is left."""
    assert (await spans(connection))[0] == first
    for table in ("readings", "reading_conflicts", "reading_flags", "readings_effective"):
        assert await connection.fetchval(f"select min(ts) from {table}") >= first  # noqa: S608 - ours


async def test_what_is_over_is_dropped_by_whole_chunks(pool: Pool) -> None:
    """A chunk goes when its last moment is over, with what hung on it; what was dropped is written down."""
    async with pool.acquire() as connection:
        await fill(connection, 6)
        chunks = await spans(connection)
        now = chunks[3] + 365 * DAY
        for moment, first in ((now - timedelta(seconds=1), chunks[2]), (now, chunks[3])):
            await round_at(connection, moment)
            await require_kept_from(connection, first)
        runs = await connection.fetch(
            "select action, until, count from upkeep_run where relation = 'readings' order by 1"
        )
        assert [tuple(row) for row in runs] == [("chunks_dropped", chunks[2], 2), ("chunks_dropped", chunks[3], 1)]
        assert not (await round_at(connection, now)).done


async def test_nothing_is_dropped_that_is_not_derived(pool: Pool) -> None:
    """A dirty mark that reaches into what is over holds all of it back; one of later readings does not."""
    async with pool.acquire() as connection:
        await fill(connection, 6)
        chunks = await spans(connection)
        now = chunks[3] + 365 * DAY
        mark = "insert into derivation_dirty values (7, '{11, 12}', $1, $2)"
        await connection.execute(mark, [chunks[4], chunks[3] - DAY], [chunks[4], chunks[5]])
        assert (await round_at(connection, now)).held_back
        assert await spans(connection) == chunks
        await connection.execute("update derivation_dirty set since = $1", [chunks[4], chunks[3]])
        assert not (await round_at(connection, now)).held_back
        await require_kept_from(connection, chunks[3])


async def test_a_clock_that_is_far_ahead_drops_nothing(pool: Pool) -> None:
    """A worker that believes in another decade would drop all that was ever read, for good."""
    async with pool.acquire() as connection:
        await fill(connection, 6)
        chunks = await spans(connection)
        await round_at(connection, chunks[-1] + 10 * 365 * DAY)
        assert await spans(connection) == chunks
        await connection.execute("insert into readings values ($1, 11, 1, 0, 1)", chunks[-1] + 9.5 * 365 * DAY)
        await round_at(connection, chunks[-1] + 10 * 365 * DAY)  # it was right
        assert len(await spans(connection)) == 1


async def test_the_record_of_a_batch_waits_for_the_ledger(pool: Pool) -> None:
    """Batches go by age, those with envelopes once these are followed; in an order that leaves no envelope alone."""
    async with pool.acquire() as connection:
        await connection.execute(
            "insert into ingest_batch select n, 'w', $1, $1::timestamptz + n * interval '1 day', 1, 1, 1, 0, 0, 0 "
            "from generate_series(0, 9) n",
            START,
        )
        await connection.execute(
            "insert into batch_envelopes select n, '{g}', '{s}', '{1}', array[n + 1], '{1}', '{0}', n <> 2 "
            "from generate_series(1, 9) n"
        )
        await round_at(connection, START + 105 * DAY)
        kept = "select array_agg(batch order by batch) from "
        assert await connection.fetchval(f"{kept} ingest_batch") == [2, 5, 6, 7, 8, 9]
        assert await connection.fetchval(f"{kept} batch_envelopes") == [2, 5, 6, 7, 8, 9]


async def test_the_last_account_of_a_stream_stays(pool: Pool) -> None:
    """The next day's numbers are counted from it."""
    async with pool.acquire() as connection:
        await connection.execute(
            "insert into gateway_day (gateway, stream, day, last_seq) "
            "select 'g', s, $1::date + n, n from generate_series(0, 9) n, unnest('{a,b}'::text[]) s",
            START.date(),
        )
        await round_at(connection, START + 205 * DAY)
        days = await connection.fetch(
            "select stream, min(day) as first, count(*) from gateway_day group by 1 order by 1"
        )
        first = (START + 4 * DAY).date()
        assert [tuple(row) for row in days] == [("a", first, 6), ("b", first, 6)]


async def test_the_chunk_interval_follows_the_rate(pool: Pool) -> None:
    """What was measured becomes the interval of the next chunk, once; the figures are written down."""
    settings = UpkeepSettings(readings_days=365, memory_mb=64, memory_share=0.25, most_chunks=1_000)
    async with pool.acquire() as connection:
        await connection.execute(
            "insert into ingest_batch select n, 'w', $1, $1::timestamptz + n * interval '1 hour', 1, 1, 17250, 0, 0, 0 "
            "from generate_series(1, 24) n",
            START,
        )
        now = START + DAY
        made = await round_at(connection, now, settings)
        assert [(one.relation, one.action) for one in made.done] == [("readings", "chunk_interval")]
        assert "5 rows/s of 40 B" in made.done[0].detail
        assert not (await round_at(connection, now, settings)).done
        interval = await connection.fetchval(
            "select time_interval from timescaledb_information.dimensions where hypertable_name = 'readings'"
        )
        assert interval == timedelta(hours=12)  # 200 bytes/s fill 16 MiB in 23 h
        await connection.execute("insert into readings values ($1, 11, 1, 0, 1)", START + 40 * DAY)
        assert await connection.fetchval(
            "select range_end - range_start from timescaledb_information.chunks where hypertable_name = 'readings'"
        ) == timedelta(hours=12)


async def test_a_chunk_that_grew_since_it_was_counted(pool: Pool) -> None:
    """Rows are counted now and then, while the index grows with each: as if every row had a larger one."""
    async with pool.acquire() as connection:
        for day, rows in ((0, LEAST_ROWS), (1, 3 * LEAST_ROWS)):
            await connection.execute(
                "insert into readings select $1::timestamptz + n * interval '1 s', 11, 0, 0, 1 "
                "from generate_series(1, $2) n",
                START + day * DAY,
                rows,
            )
            if not day:
                await connection.execute("analyze readings")
        soon = (await sizing(connection, READINGS, START, YEAR)).growth.index_bytes
        await connection.execute("analyze readings")
        assert (await sizing(connection, READINGS, START, YEAR)).growth.index_bytes == pytest.approx(soon, rel=0.1)
        assert soon != INDEX_BYTES


async def test_too_little_says_nothing(pool: Pool) -> None:
    """A quarter of an hour at full speed, or a day of trials, changes no interval."""
    async with pool.acquire() as connection:
        row = "insert into ingest_batch values ($1, 'w', $2, $2, 1, 1, $3, 0, 0, 0)"
        await connection.execute(row, 1, START, 9_999)
        assert not (await round_at(connection, START + DAY)).done
        await connection.execute(row, 2, START + 5 * DAY, 900_000)
        assert not (await round_at(connection, START + 5 * DAY + timedelta(minutes=15))).done


async def test_two_rounds_at_once(pool: Pool) -> None:
    """One works, the other stands by or finds nothing; together they do each thing once."""
    async with pool.acquire() as connection:
        await fill(connection, 60)
        chunks = await spans(connection)
    now = chunks[50] + 365 * DAY

    async def one() -> Round:
        async with pool.acquire() as own:
            return await round_at(own, now)

    async with asyncio.TaskGroup() as group:
        rounds = [group.create_task(one()) for _ in range(3)]
    async with pool.acquire() as connection:
        if any(task.result().standby for task in rounds):
            await round_at(connection, now)  # who stood by may have left it to one who was about to end
        await require_kept_from(connection, chunks[50])
        dropped = await connection.fetchval("select sum(count) from upkeep_run where action = 'chunks_dropped'")
        assert dropped == 50


async def test_a_round_beside_another_ones_leaves_all_to_it(pool: Pool) -> None:
    """As long as its transaction lasts."""
    async with pool.acquire() as connection, pool.acquire() as other:
        await fill(connection, 6)
        chunks = await spans(connection)
        async with other.transaction():
            assert await other.fetchval(load_queries("ingest.upkeep", "upkeep.sql").lock)
            made = await round_at(connection, chunks[3] + 365 * DAY)
        assert made.standby
        assert await spans(connection) == chunks


async def test_a_round_that_is_killed_is_finished_by_the_next(pool: Pool) -> None:
    """Its session is ended while it waits, in the middle, for a chunk that somebody reads: nothing is half done."""
    async with pool.acquire() as reader, pool.acquire() as watcher:
        await fill(watcher, 60)
        chunks = await spans(watcher)
        now = chunks[50] + 365 * DAY
        async with reader.transaction():
            await reader.fetch("select * from readings where ts >= $1 and ts < $2", chunks[30], chunks[31])

            async def killed() -> None:
                async with pool.acquire() as own:
                    with pytest.raises(StorageError):
                        await round_at(own, now)

            async with asyncio.TaskGroup() as group:
                group.create_task(killed())
                await eventually(lambda: _end_the_waiting(watcher))
            assert (
                await spans(watcher) == chunks[20:]
            )  # the first transaction of twenty was whole, the second is undone
            assert await watcher.fetchval("select sum(count) from upkeep_run where action = 'chunks_dropped'") == 20
        await round_at(watcher, now)
        await require_kept_from(watcher, chunks[50])
        assert await watcher.fetchval("select sum(count) from upkeep_run where action = 'chunks_dropped'") == 50


async def _end_the_waiting(connection: Connection) -> bool:
    return bool(
        await connection.fetchval(
            "select bool_or(pg_terminate_backend(pid)) from pg_stat_activity "
            "where datname = current_database() and wait_event_type = 'Lock'"
        )
    )


@pytest.mark.parametrize("seed", range(3))
async def test_late_readings_into_old_chunks(database: StorageSettings, pool: Pool, seed: int) -> None:
    """While rounds change the interval and drop what is over, late readings into what is kept lose nothing."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable shuffle, not a secret
    readings = late_world.on_time()
    world = WritingWorld(database)
    for batch in late_world.batches(readings, chance, 500):
        await world.write(batch)
    added = late_world.late(chance, 400)
    async with pool.acquire() as connection:
        await connection.execute("delete from derivation_dirty")
        chunks = await spans(connection)
        for batch in late_world.batches([r for r in added if r.at >= chunks[2].timestamp() * 1000], chance, 40):
            await world.write(batch)
            await connection.execute("delete from derivation_dirty where since[1] < $1", chunks[2])
            await round_at(connection, chunks[2] + 365 * DAY)
        await world.connection.close()
        kept = [r for r in readings + added if r.at >= chunks[2].timestamp() * 1000]
        assert await late_world.effective(connection) == late_world.expected(kept)


DERIVED = UpkeepSettings(readings_days=365, intervals_days=365, hours_days=400)
_CHUNK_STARTS = (
    "select array_agg(range_start order by 1) from timescaledb_information.chunks where hypertable_name = $1"
)


async def fill_derived(connection: Connection) -> None:
    """Quarter hours of twenty weeks and hours of as many, a row a day; chunks of a week."""
    await connection.execute("select set_chunk_time_interval('consumption_hour', interval '7 days')")
    await connection.execute(
        "insert into consumption_15min (point_id, ts, quanta, quality, covered_s, ready)"
        " select 11, $1::timestamptz + n * interval '1 day', n, 0, 900, $1 from generate_series(0, 139) n",
        START,
    )
    await connection.execute(
        "insert into consumption_hour select 11, ts, quanta, 0, 3600, 0, ready from consumption_15min"
    )


async def chunk_starts(connection: Connection, relation: str) -> list[datetime]:
    """Where the chunks of a table begin."""
    found: list[datetime] = await connection.fetchval(_CHUNK_STARTS, relation)
    return found


async def test_quarter_hours_and_hours_are_dropped_each_after_its_time(pool: Pool) -> None:
    """Whole chunks, hours later than quarter hours; which were dropped is known for each table, for good."""
    async with pool.acquire() as connection:
        await fill_derived(connection)
        quarters, hours = [await chunk_starts(connection, one) for one in ("consumption_15min", "consumption_hour")]
        now = quarters[8] + 365 * DAY
        await round_at(connection, now, DERIVED)
        assert await chunk_starts(connection, "consumption_15min") == quarters[8:]
        assert await chunk_starts(connection, "consumption_hour") == [
            at for at in hours if at + 7 * DAY > now - 400 * DAY
        ]
        later = now + 300 * DAY
        await connection.execute("insert into ingest_batch select 1, 'w', $1, $1, 1, 1, 1, 0, 0, 0", later)
        dropped = "select relation, max(until) from upkeep_run where action = 'chunks_dropped' group by 1 order by 1"
        known = await connection.fetch(dropped)
        assert [row["relation"] for row in known] == ["consumption_15min", "consumption_hour"]
        await round_at(connection, later, UpkeepSettings(accounts_days=1, intervals_days=900, hours_days=1_000))
        assert await connection.fetch(dropped) == known


@pytest.mark.parametrize(
    ("mark", "holds"),
    [
        ("insert into day_dirty (block, day) values (0, $1::timestamptz::date + 1)", True),
        ("insert into day_dirty (block, day) values (0, $1::timestamptz::date + 2)", False),
        ("insert into derivation_dirty values (1, '{11}', array[$1::timestamptz - interval '1 s'], array[$1])", True),
        (
            "insert into derivation_dirty select 1, '{11}', '{-infinity}', array[$1::timestamptz]",
            True,
        ),
        (
            "insert into unit_dirty (unit_id, since, until) select unit_id, '-infinity', $1::timestamptz from unit",
            True,
        ),
    ],
)
async def test_nothing_is_dropped_that_a_mark_needs(pool: Pool, mark: str, holds: bool) -> None:  # noqa: FBT001 - a parameter
    """A day that is to be rolled up is made of all of its quarter hours, and of hours on both sides of its borders."""
    async with pool.acquire() as connection:
        await connection.execute(
            "insert into unit (code, name_zh, name_en, district, industry) values ('U', '一', 'One', '610302', '32')"
        )
        await fill_derived(connection)
        quarters = await chunk_starts(connection, "consumption_15min")
        await connection.execute(mark, quarters[8])
        await round_at(connection, quarters[8] + 365 * DAY, DERIVED)
        assert (await chunk_starts(connection, "consumption_15min") == quarters) is holds
