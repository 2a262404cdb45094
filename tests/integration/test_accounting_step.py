"""Steps of accounting on a real database: derived data is a function of the set of raw readings."""

from __future__ import annotations

import asyncio
import math
import random
from datetime import date
from decimal import Decimal

import numpy as np

from energy.storage import Connection, Pool
from ingest.accounting.algebra.counters import Readings, Series, consumption
from ingest.accounting.deriving.step import Progress, step
from tests.support.register_world import T0, Shown, instant, populate, registry, shown, store

WORLD = registry(
    [("E1", "electricity", 1), ("E2", "electricity", 1), ("S1", "electricity", 2), ("G1", "natural_gas", 1)]
)


async def _drain(connection: Connection, limit: int = 64) -> Progress:
    """Step until nothing is dirty; returns the last step that did something."""
    last = Progress()
    while (progress := await step(connection, limit=limit, gap_intervals=2.0)).batches:
        last = progress
    return last


async def _derived(connection: Connection) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Both derived tables, whole."""
    intervals = await connection.fetch("select * from consumption_15min order by point_id, ts")
    days = await connection.fetch("select * from unit_day order by unit_id, day, carrier")
    return [tuple(row) for row in intervals], [tuple(row) for row in days]


async def test_readings_become_quarter_hours_and_a_day(pool: Pool) -> None:
    """From two gate meters and a sub-meter: intervals of all, and a day's total of the gate meters alone."""
    async with pool.acquire() as connection:
        points = await populate(connection, WORLD)
        readings = [shown(p, m, 100 + m / 15 * k) for p, k in (("E1", 2), ("E2", 3), ("S1", 50)) for m in (0, 15, 30)]
        await store(connection, readings)
        progress = await _drain(connection)
        assert (progress.batches, progress.waiting, progress.readings, progress.intervals) == (1, 0, 9, 6)
        rows = await connection.fetch(
            "select ts, quanta, quality, covered_s, ready from consumption_15min where point_id = $1 order by ts",
            points["E2"],
        )
        assert [tuple(row) for row in rows] == [
            (instant(0), 3000, 0, 900, instant(15)),
            (instant(15), 3000, 0, 900, instant(30)),
        ]
        (day,) = await connection.fetch("select * from unit_day")
        assert (day["day"], day["carrier"], day["amount"]) == (date(2026, 3, 1), "electricity", 10)
        assert (day["kgce"], day["kgce_equal"], day["kgco2"]) == tuple(map(Decimal, ("1.229", "3.066", "5.543")))
        assert (day["quality"], day["provisional"], day["ready"]) == (0, True, instant(30))


def _course(rng: random.Random, point: str) -> list[Shown]:
    """Two days of a register with jitter, gaps, a reset, missing and contradicting readings."""
    found, minute, value = [], rng.uniform(0, 15), rng.uniform(0, 90_000)
    while minute < 2880:
        missing = rng.random() < 0.05
        found.append(shown(point, minute, math.nan if missing else value, rng.choice([0, 0, 0, 1])))
        if rng.random() < 0.08:
            found.append(shown(point, minute, value + rng.choice([-3, 4]), rng.choice([0, 2])))
        minute += rng.choice([15, 15, 15, 15, 200]) * rng.uniform(0.9, 1.1)
        value = rng.uniform(0, 5) if rng.random() < 0.02 else (value + rng.uniform(0, 400)) % 100_000
    return found


def _expected(readings: list[Shown], points: dict[str, int]) -> list[tuple[int, int, int, int, int]]:
    """(point id, start, quanta, quality, covered) of all readings in one pass, contradictions settled by content."""
    best: dict[tuple[int, int], tuple[int, bool, float]] = {}
    for one in readings:
        key, rank = (points[one.point], one.at), (one.quality, math.isnan(one.value), one.value)
        best[key] = min(best.get(key, rank), rank)
    keys = sorted(best)
    order = {point: i for i, point in enumerate(sorted(set(points.values())))}
    count = len(order)
    found = consumption(
        Readings(
            series=np.array([order[point] for point, _ in keys], np.int64),
            at=np.array([at for _, at in keys], np.int64),
            value=np.array([best[key][2] for key in keys]),
            quality=np.array([best[key][0] for key in keys], np.int64),
        ),
        Series(
            quantum=np.full(count, 0.001),
            wrap=np.full(count, 100_000.0),
            gap_ms=np.full(count, 1_800_000, np.int64),
            since=np.zeros(count, np.int64),
            until=np.full(count, 2**50 // 900_000 * 900_000, np.int64),
        ),
    )
    owner = np.array(sorted(order))[found.series]
    columns = (owner, found.start, found.quanta, found.quality, found.covered_s)
    return list(zip(*(column.tolist() for column in columns), strict=True))


async def test_any_order_and_repetition_gives_what_one_pass_over_everything_gives(pool: Pool) -> None:
    """The same readings in any batches, some sent again, with steps in between: the same tables, row for row."""
    world = registry([(f"P{i}", "electricity", 1 + i % 2) for i in range(3)], wrap=100_000.0)
    rng = random.Random(20260301)  # noqa: S311 - a repeatable course, not a secret
    async with pool.acquire() as connection:
        points = await populate(connection, world)
        readings = [one for point in points for one in _course(rng, point)]
        known = None
        for attempt in range(8):
            await connection.execute(
                "truncate readings, reading_conflicts, derivation_dirty, consumption_15min, unit_day"
            )
            sent = readings + rng.sample(readings, len(readings) // 5)
            if attempt:
                rng.shuffle(sent)
            while sent:
                size = rng.choice([1, 7, 60, 400])
                batch, sent = sent[:size], sent[size:]
                await store(connection, batch)
                if rng.random() < 0.4:
                    await step(connection, limit=rng.choice([1, 3, 64]), gap_intervals=2.0)
            await _drain(connection, limit=5)
            derived = await _derived(connection)
            known = known or derived
            assert derived == known
        rows = await connection.fetch(
            "select point_id, (extract(epoch from ts) * 1000)::int8, quanta, quality, covered_s from consumption_15min"
            " order by point_id, ts"
        )
        assert [tuple(row) for row in rows] == _expected(readings, points)


async def test_two_workers_at_once_leave_what_one_leaves(pool: Pool) -> None:
    """Overlapping batches of the same points, derived by two workers: whoever comes second stands by."""
    rng = random.Random(7)  # noqa: S311 - likewise
    async with pool.acquire() as one, pool.acquire() as other:
        points = await populate(one, WORLD)
        readings = [reading for point in points for reading in _course(rng, point)]
        rng.shuffle(readings)
        for start in range(0, len(readings), 40):
            await store(one, readings[start : start + 40])
        done = [0, 0]

        async def work(number: int, connection: Connection) -> None:
            while await connection.fetchval("select exists (select from derivation_dirty)"):
                done[number] += (await step(connection, limit=2, gap_intervals=2.0)).batches

        await asyncio.gather(work(0, one), work(1, other))
        assert sum(done) == -(-len(readings) // 40)
        together = await _derived(one)
        await one.execute("truncate consumption_15min, unit_day, derivation_dirty")
        await store(one, readings)
        await _drain(one)
        assert await _derived(one) == together


async def test_a_worker_stands_by_while_another_one_is_at_it(pool: Pool) -> None:
    """The second worker neither waits nor works; it takes over when the first one has gone."""
    async with pool.acquire() as one, pool.acquire() as other:
        await populate(one, WORLD)
        await store(one, [shown("E1", 0, 1), shown("E1", 15, 2)])
        async with one.transaction():
            await one.fetchval("select pg_advisory_xact_lock(8175543449906474869)")
            assert await step(other, limit=9, gap_intervals=2.0) == Progress(standby=True)
        assert (await step(other, limit=9, gap_intervals=2.0)).batches == 1


async def test_a_failed_step_changes_nothing_and_can_be_repeated(pool: Pool) -> None:
    """What a step took is still dirty when its transaction ends in any other way than a commit."""
    async with pool.acquire() as connection:
        await populate(connection, WORLD)
        await store(connection, [shown("E1", 0, 1), shown("E1", 15, 2)])
        transaction = connection.transaction()
        await transaction.start()
        await step(connection, limit=9, gap_intervals=2.0)
        await transaction.rollback()
        assert await _derived(connection) == ([], [])
        assert (await step(connection, limit=9, gap_intervals=2.0)).intervals == 1


async def test_late_data_changes_only_what_lies_between_its_neighbours(pool: Pool) -> None:
    """A reading that fills a gap makes its own quarter hours measured and rewrites no other row."""
    async with pool.acquire() as connection:
        await populate(connection, WORLD)
        on_time = [0, 15, 30, 90, 105, 120]
        await store(connection, [shown("E1", minute, minute) for minute in on_time])
        await _drain(connection)
        before = await connection.fetch("select ts, xmin::text as version, quality from consumption_15min order by ts")
        assert [row["quality"] for row in before] == [0, 0, 1, 1, 1, 1, 0, 0]
        await store(connection, [shown("E1", minute, minute) for minute in (45, 60, 75)])
        progress = await _drain(connection)
        assert progress.intervals == 4
        after = await connection.fetch("select ts, xmin::text as version, quality from consumption_15min order by ts")
        assert [row["quality"] for row in after] == [0] * 8
        kept = [old["ts"] for old, new in zip(before, after, strict=True) if old["version"] == new["version"]]
        assert kept == [instant(minute) for minute in (0, 15, 90, 105)]


async def test_a_better_reading_of_the_same_moment_corrects_what_was_derived(pool: Pool) -> None:
    """Which of two contradicting readings counts follows from their quality, though it came second."""
    async with pool.acquire() as connection:
        await populate(connection, WORLD)
        await store(connection, [shown("E1", 0, 10), shown("E1", 15, 99, quality=1), shown("E1", 30, 14)])
        await _drain(connection)
        await store(connection, [shown("E1", 15, 12)])
        await _drain(connection)
        rows = await connection.fetch("select quanta, quality from consumption_15min order by ts")
        assert [tuple(row) for row in rows] == [(2000, 0), (2000, 0)]


async def test_rows_that_no_reading_supports_any_more_go_away(pool: Pool) -> None:
    """An absurd value that wins a contradiction is passed over; what hung on its rival does not stay behind."""
    async with pool.acquire() as connection:
        await populate(connection, WORLD)
        await store(connection, [shown("E1", 0, 10), shown("E1", 60, 14)])
        await _drain(connection)
        assert await connection.fetchval("select count(*) from consumption_15min") == 4
        await store(connection, [Shown("E1", T0 + 3_600_000, -1e300)])
        await _drain(connection)
        assert await _derived(connection) == ([], [])


async def test_a_contested_first_reading_still_begins_a_pair(pool: Pool) -> None:
    """Where every neighbour is contested, what is dirty still reaches to them: nothing between is left out."""
    async with pool.acquire() as connection:
        await populate(connection, WORLD)
        await store(connection, [shown("E1", 5, 10), shown("E1", 125, 20)])
        await store(connection, [shown("E1", 5, 9), shown("E1", 125, 19)])
        await _drain(connection)
        await store(connection, [shown("E1", 65, 15)])
        await _drain(connection)
        found = await connection.fetchrow("select sum(quanta), count(*), max(ready) from consumption_15min")
        assert tuple(found or ()) == (10_000, 9, instant(125))


async def test_the_last_contested_reading_still_ends_a_pair(pool: Pool) -> None:
    """A reading that comes between contested ones, none of them derived yet, is joined to both."""
    async with pool.acquire() as connection:
        await populate(connection, WORLD)
        await store(connection, [shown("E1", 5, 10), shown("E1", 5, 9)])
        await _drain(connection)
        await store(connection, [shown("E1", 65, 15)])
        await _drain(connection)
        assert await connection.fetchval("select sum(quanta) from consumption_15min") == 6_000


async def test_what_is_no_register_is_passed_over(pool: Pool) -> None:
    """A point of another quantity is taken off the list and derives nothing."""
    async with pool.acquire() as connection:
        await populate(connection, WORLD)
        await connection.execute("update point set quantity = 'power' where code = 'E1'")
        await store(connection, [shown("E1", 0, 10), shown("E1", 60, 14)])
        assert await step(connection, limit=9, gap_intervals=2.0) == Progress(batches=1)
        assert await _derived(connection) == ([], [])


async def test_an_empty_list_is_an_empty_step(pool: Pool) -> None:
    """Nothing dirty, nothing done."""
    async with pool.acquire() as connection:
        assert await step(connection, limit=9, gap_intervals=2.0) == Progress()
