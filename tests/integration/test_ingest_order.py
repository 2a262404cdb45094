"""Whatever way the same readings take, the database ends with the same effective readings, and every count adds up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from energy.readings import Reading, content_order
from energy.storage import Connection, Pool
from ingest.writing.store import Store, reserve_numbers
from tests.support.ingest_world import START_MS, batch_of, message

STORE = Store("worker-1", lambda: datetime(2026, 3, 1, tzinfo=UTC))
SEEDS = range(12)


def some_readings(chance: random.Random) -> list[Reading]:
    """Readings of few keys, so that many repeat or contradict each other."""
    found = []
    for _ in range(chance.randrange(1, 60)):
        quality = chance.choice([0, 0, 0, 1, 2, 3])
        value = None if quality == 3 else chance.choice([0.0, -0.0, 1.5, 2.5, 1e300])
        found.append(Reading(chance.choice(["A-1", "A-2"]), START_MS + 1000 * chance.randrange(6), value, quality))
    return found


def cut(readings: list[Reading], chance: random.Random) -> Iterator[list[list[Reading]]]:
    """The readings in another order, some of them sent again, cut into messages, and these into batches."""
    sent = readings + chance.choices(readings, k=chance.randrange(len(readings)))
    chance.shuffle(sent)
    while sent:
        messages = []
        for _ in range(chance.randrange(1, 4)):
            size = chance.randrange(1, 8)
            messages.append(sent[:size])
            sent = sent[size:]
        yield [part for part in messages if part]


async def effective(connection: Connection) -> dict[tuple[int, int], tuple[int, str]]:
    """(point id, ms) to (quality, value) of the effective readings."""
    rows = await connection.fetch("select point_id, ts, quality, value + 0.0 as value from readings_effective")
    return {(r["point_id"], round(r["ts"].timestamp() * 1000)): (r["quality"], str(r["value"])) for r in rows}


def expected(readings: list[Reading]) -> dict[tuple[int, int], tuple[int, str]]:
    """The same by definition: of each key the first by content order."""
    best: dict[tuple[int, int], Reading] = {}
    for reading in sorted(readings, key=lambda r: content_order(r.quality, r.value)):
        best.setdefault(({"A-1": 11, "A-2": 12}[reading.point], reading.at), reading)
    return {key: (r.quality, "nan" if r.value is None else str(r.value + 0.0)) for key, r in best.items()}


async def commit_all(pool: Pool, batches: Iterator[list[list[Reading]]]) -> None:
    """Commit one batch after the other; several callers may share `batches`."""
    async with pool.acquire() as connection:
        for messages in batches:
            (number,) = await reserve_numbers(connection, 1)
            batch = batch_of(*(message(part, seq=seq) for seq, part in enumerate(messages, 1)))
            outcome = await STORE.commit(connection, batch, number)
            assert batch.offered == outcome.stored + outcome.duplicates + outcome.conflicts + outcome.rejected


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("seed", SEEDS)
async def test_any_way_leaves_the_same_effective_readings(pool: Pool, seed: int, workers: int) -> None:
    """Interleaved, repeated, split and contradicting, by one worker and by two at once."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable shuffle, not a secret
    readings = some_readings(chance)
    batches = list(cut(readings, chance))
    shared = iter(batches)
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(commit_all(pool, shared))
    contents = {(r.point, r.at, r.quality, None if r.value is None else r.value + 0.0) for r in readings}
    async with pool.acquire() as connection:
        assert await effective(connection) == expected(readings)
        assert await connection.fetchval("select count(*) from readings") == len(expected(readings))
        total = await connection.fetchrow("select sum(stored), sum(conflicts), sum(offered) from ingest_batch")
    assert total is not None
    assert total[0] == len(expected(readings))
    assert total[0] + total[1] == len(contents)
    assert total[2] == sum(len(part) for messages in batches for part in messages)
