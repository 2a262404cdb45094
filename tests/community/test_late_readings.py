"""Late readings into compressed chunks, on the community edition of TimescaleDB: see docs/adr/0012."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator

import pytest

from energy.errors import StorageError
from energy.readings import Reading
from energy.storage import Pool, StorageSettings, translating
from ingest.checking.batch import Batch
from ingest.upkeep.edition import read_edition
from tests.support import late_world
from tests.support.ingest_world import START_MS
from tests.support.late_world import HOUR_MS, HOURS, POINTS
from tests.support.writing_world import WritingWorld

MAKE_COLUMNAR = (
    "alter table readings set (timescaledb.compress, timescaledb.compress_segmentby = 'point_id', "
    "timescaledb.compress_orderby = 'ts')"
)
COMPRESS = "select count(compress_chunk(chunk)) from show_chunks('readings') as chunk"


@pytest.fixture(params=range(6))
def chance(request: pytest.FixtureRequest) -> random.Random:
    """A repeatable one."""
    return random.Random(request.param)  # noqa: S311 - a repeatable shuffle, not a secret


async def write_all(settings: StorageSettings, shared: Iterator[Batch]) -> None:
    """A worker's writer; several may share `shared`."""
    world = WritingWorld(settings)
    for batch in shared:
        outcome = await world.write(batch)
        assert batch.offered == outcome.stored + outcome.duplicates + outcome.conflicts + outcome.rejected
    await world.connection.close()


async def write_by(workers: int, settings: StorageSettings, readings: list[Reading], chance: random.Random) -> None:
    """Write all of `readings`, shuffled and some of them twice, by so many workers at once."""
    shared = late_world.batches(readings, chance, chance.choice([7, 60, 300]))
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(write_all(settings, shared))


async def require_all(pool: Pool, readings: list[Reading]) -> None:
    """Nothing lost, nothing twice, and the effective ones are those of the definition."""
    async with pool.acquire() as connection:
        assert await late_world.effective(connection) == late_world.expected(readings)
        stored = await connection.fetchval("select count(*) from readings")
        assert stored == len(late_world.expected(readings))
        conflicts = await connection.fetchval("select count(*) from reading_conflicts")
        assert stored + conflicts == late_world.contents(readings)
        total = await connection.fetchrow("select sum(stored), sum(conflicts) from ingest_batch")
        assert total is not None
        assert (total[0], total[1]) == (stored, conflicts)


@pytest.mark.parametrize("workers", [1, 2])
async def test_late_readings_lose_nothing(
    database: StorageSettings, pool: Pool, chance: random.Random, workers: int
) -> None:
    """New, repeating and contradicting ones over compressed chunks, before and after these are compressed again."""
    readings = late_world.on_time()
    await write_by(1, database, readings, chance)
    async with pool.acquire() as connection:
        await connection.execute(MAKE_COLUMNAR)
        assert await connection.fetchval(COMPRESS) >= 4
    for _ in range(2):
        added = late_world.late(chance, 400)
        await write_by(workers, database, added, chance)
        readings += added
        await require_all(pool, readings)
        async with pool.acquire() as connection:
            await connection.fetchval(COMPRESS)
        await require_all(pool, readings)


async def test_late_readings_while_chunks_are_compressed(
    database: StorageSettings, pool: Pool, chance: random.Random
) -> None:
    """As the policy does, at any moment, beside two workers."""
    readings = late_world.on_time()
    await write_by(1, database, readings, chance)
    async with pool.acquire() as connection:
        await connection.execute(MAKE_COLUMNAR)
        chunks = [row[0] for row in await connection.fetch("select show_chunks('readings')::text")]
    added = late_world.late(chance, 800)
    written = asyncio.Event()

    async def compress() -> None:
        async with pool.acquire() as connection:
            while not written.is_set():
                for chunk in chunks:
                    with contextlib.suppress(StorageError), translating():  # it gives way to writers, and says so
                        await connection.fetchval("select compress_chunk($1::text::regclass)", chunk)

    async with asyncio.TaskGroup() as group:
        group.create_task(compress())
        await write_by(2, database, added, chance)
        written.set()
    await require_all(pool, readings + added)


async def test_late_readings_may_touch_more_than_the_servers_own_bound(database: StorageSettings, pool: Pool) -> None:
    """A batch that repeats one reading of each of 240 segments, and contradicts them: 240 000 rows to look through."""
    seconds = 120_000
    async with pool.acquire() as connection:
        await connection.execute(
            "insert into readings select to_timestamp($1) + n * interval '1 second', p, n, 0, 0 "
            "from generate_series(0, $2 - 1) n, unnest($3::int4[]) p",
            START_MS / 1000,
            seconds,
            list(POINTS.values()),
        )
        await connection.execute(MAKE_COLUMNAR)
        assert await connection.fetchval(COMPRESS)
    late = [Reading(p, START_MS + n * 1000, float(n), 0) for n in range(500, seconds, 1_000) for p in POINTS]
    other = [Reading(r.point, r.at, -1.0, 0) for r in late]
    world = WritingWorld(database)
    try:
        async with asyncio.timeout(60):
            repeated = await world.write(late_world.wide_batch(late))
            contradicting = await world.write(late_world.wide_batch(other))
    finally:
        await world.connection.close()
    assert (repeated.stored, repeated.duplicates, repeated.conflicts) == (0, len(late), 0)
    assert (contradicting.stored, contradicting.duplicates, contradicting.conflicts) == (0, 0, len(late))
    assert not world.failures


async def test_rows_behind_a_conflict_are_stored(database: StorageSettings, pool: Pool) -> None:
    """Every second row of one late batch is taken already: the others are stored, with every version."""
    readings = late_world.on_time()
    await write_by(1, database, readings, random.Random(0))  # noqa: S311 - a repeatable shuffle, not a secret
    async with pool.acquire() as connection:
        await connection.execute(MAKE_COLUMNAR)
        await connection.fetchval(COMPRESS)
    halves = [Reading("A-1", START_MS + n * HOUR_MS // 2, n / 2, 0) for n in range(2 * HOURS)]
    world = WritingWorld(database)
    outcome = await world.write(late_world.wide_batch(halves[:900]))
    await world.connection.close()
    assert (outcome.stored, outcome.duplicates, outcome.conflicts) == (450, 450, 0)
    await require_all(pool, readings + halves[:900])


async def test_which_versions_lose_rows_behind_a_conflict(pool: Pool) -> None:
    """The trap itself, in the one statement that ingest avoids: `on conflict do nothing` ends, or goes on."""
    async with pool.acquire() as connection:
        insert = "insert into readings select to_timestamp($1) + n * interval '1 hour', 11, n, 0, 0 "
        await connection.execute(insert + "from generate_series(0, 98, 2) n", START_MS / 1000)
        await connection.execute(MAKE_COLUMNAR)
        await connection.fetchval(COMPRESS)
        await connection.execute(insert + "from generate_series(0, 99) n on conflict do nothing", START_MS / 1000)
        went_on = await connection.fetchval("select count(*) from readings") == 100
        assert went_on == (await read_edition(connection)).passes_conflicts
