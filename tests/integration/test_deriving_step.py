"""Single steps of deriving on a real database: what they touch, what they leave, and what they survive."""

from __future__ import annotations

import asyncio
import random
from datetime import date
from decimal import Decimal

import pytest

from energy.storage import Connection, Pool
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.step import Deriver, Progress
from tests.support.deriving import derive_all, drained, worker
from tests.support.deriving_world import course, forget_derived, minutely, tables
from tests.support.register_world import T0, Shown, instant, populate, registry, shown, store

WORLD = registry(
    [("E1", "electricity", 1), ("E2", "electricity", 1), ("S1", "electricity", 2), ("G1", "natural_gas", 1)]
)
_ROWS = "select quanta, quality from consumption_15min order by point_id, ts"


@pytest.fixture
def connection(undone: Connection) -> Connection:
    """What a test does on it is undone."""
    return undone


async def _rows(connection: Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await connection.fetch(_ROWS)]


async def test_readings_become_quarter_hours_and_a_day(connection: Connection) -> None:
    """From two gate meters and a sub-meter: intervals of all, and a day's total of the gate meters alone."""
    points = await populate(connection, WORLD)
    readings = [shown(p, m, 100 + m / 15 * k) for p, k in (("E1", 2), ("E2", 3), ("S1", 50)) for m in (0, 15, 30)]
    await store(connection, readings)
    progress = await derive_all(connection)
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


async def test_a_failed_step_changes_nothing_and_can_be_repeated(connection: Connection) -> None:
    """What a step took is still dirty when its transaction ends in any other way than a commit."""
    await populate(connection, WORLD)
    await store(connection, [shown("E1", 0, 1), shown("E1", 15, 2)])
    async with worker(connection) as deriver:
        transaction = connection.transaction()
        await transaction.start()
        await deriver.step(connection)
        await transaction.rollback()
        assert await _rows(connection) == []
        assert (await drained(deriver, connection)).intervals == 1


async def test_late_data_changes_only_what_lies_between_its_neighbours(connection: Connection) -> None:
    """Readings that fill a gap make its own quarter hours measured and rewrite no other row."""
    await populate(connection, WORLD)
    versions = "select ts, xmin::text as version, quality from consumption_15min order by ts"
    await store(connection, [shown("E1", minute, minute) for minute in (0, 15, 30, 90, 105, 120)])
    await derive_all(connection)
    before = await connection.fetch(versions)
    assert [row["quality"] for row in before] == [0, 0, 1, 1, 1, 1, 0, 0]
    await store(connection, [shown("E1", minute, minute) for minute in (45, 60, 75)])
    await derive_all(connection)
    after = await connection.fetch(versions)
    assert [row["quality"] for row in after] == [0] * 8
    kept = [old["ts"] for old, new in zip(before, after, strict=True) if old["version"] == new["version"]]
    assert kept == [instant(minute) for minute in (0, 15, 90, 105)]


async def test_a_better_reading_of_the_same_moment_corrects_what_was_derived(connection: Connection) -> None:
    """Which of two contradicting readings counts follows from their quality, though it came second."""
    await populate(connection, WORLD)
    await store(connection, [shown("E1", 0, 10), shown("E1", 15, 99, quality=1), shown("E1", 30, 14)])
    await derive_all(connection)
    await store(connection, [shown("E1", 15, 12)])
    await derive_all(connection)
    assert await _rows(connection) == [(2000, 0), (2000, 0)]


async def test_rows_that_no_reading_supports_any_more_go_away(connection: Connection) -> None:
    """An absurd value that wins a contradiction is passed over; what hung on its rival does not stay behind."""
    await populate(connection, WORLD)
    await store(connection, [shown("E1", 0, 10), shown("E1", 60, 14)])
    await derive_all(connection)
    assert len(await _rows(connection)) == 4
    await store(connection, [Shown("E1", T0 + 3_600_000, -1e300)])
    await derive_all(connection)
    assert await _rows(connection) == []


async def test_contested_readings_at_the_ends_still_make_a_pair(connection: Connection) -> None:
    """Where every neighbour is contested, what is dirty still reaches to them: nothing between is left out."""
    await populate(connection, WORLD)
    await store(connection, [shown("E1", 5, 10), shown("E1", 125, 20)])
    await store(connection, [shown("E1", 5, 9), shown("E1", 125, 19)])
    await derive_all(connection)
    await store(connection, [shown("E1", 65, 15)])
    await derive_all(connection)
    found = await connection.fetchrow("select sum(quanta), count(*), max(ready) from consumption_15min")
    assert tuple(found or ()) == (10_000, 9, instant(125))


async def test_neighbours_far_away_are_found(connection: Connection) -> None:
    """A meter that was silent for months, many of its readings unusable: the pair still spans the silence."""
    await populate(connection, WORLD)
    away = 100 * 24 * 60
    silent = [shown("E1", minute, float("nan")) for minute in range(1, 200)]
    await store(connection, [shown("E1", 0, 10), *silent])
    await derive_all(connection)
    await store(connection, [shown("E1", away, 110)])
    await derive_all(connection)
    total = await connection.fetchrow("select sum(quanta), count(*) from consumption_15min")
    assert tuple(total or ()) == (100_000, away // 15)


async def test_what_is_not_counted_derives_nothing(connection: Connection) -> None:
    """A point that becomes one of another quantity loses its rows, and gets them back with its quantity."""
    await populate(connection, WORLD)
    await store(connection, [shown("E1", 0, 10), shown("E1", 60, 14)])
    await derive_all(connection)
    rows = await _rows(connection)
    await connection.execute("update point set quantity = 'power' where code = 'E1'")
    await derive_all(connection)
    assert await _rows(connection) == []
    await connection.execute("update point set quantity = 'register' where code = 'E1'")
    await derive_all(connection)
    assert await _rows(connection) == rows


async def test_an_empty_list_is_an_empty_step(connection: Connection) -> None:
    """Nothing dirty, nothing done."""
    async with worker(connection) as deriver:
        assert await deriver.step(connection) == Progress()


async def test_a_point_without_an_amount_has_null_and_is_listed_as_a_gap(connection: Connection) -> None:
    """Two powers too far apart say nothing of what flowed between: null, quality missing, never 0."""
    await populate(connection, WORLD)
    await connection.execute("update point set quantity = 'rate', unit = 'kW' where code = 'E1'")
    await store(connection, [shown("E1", 0, 10), shown("E1", 300, 14)])
    await derive_all(connection)
    assert await _rows(connection) == [(None, 4)] * 20
    gap = await connection.fetchrow("select began, ended, quanta from gap")
    assert tuple(gap or ()) == (instant(0), instant(300), None)
    await store(connection, [shown("E1", minute, 12) for minute in range(15, 300, 15)])
    await derive_all(connection)
    assert await connection.fetchval("select count(*) from gap") == 0
    assert {quality for _, quality in await _rows(connection)} == {0}


@pytest.mark.parametrize("readings", [100, 100_000])
async def test_a_mark_of_years_is_done_in_portions(connection: Connection, readings: int) -> None:
    """Whatever the portion, all of a point's time comes out the same, and no step reads much more than it may."""
    await populate(connection, WORLD)
    await store(connection, [shown("E1", 60 * hour, hour) for hour in range(24 * 60)])
    await derive_all(connection)
    whole = await tables(connection)
    await forget_derived(connection)
    async with worker(connection, Rules(readings=readings)) as deriver:
        steps = 1
        while (progress := await deriver.step(connection)).more:
            assert progress.readings < 24 * 8 + 200
            steps += 1
    assert steps > 60 // 8
    assert await tables(connection) == whole


async def test_workers_share_the_units_and_all_are_busy(pool: Pool) -> None:
    """Each has its share, both derive at once, and together they leave what one leaves."""
    chance = random.Random(7)  # noqa: S311 - a repeatable course, not a secret
    async with pool.acquire() as one, pool.acquire() as other:
        world = registry([("E1", "electricity", 1), ("E2", "electricity", 1)])
        await populate(one, world)
        await one.execute(
            "insert into unit (unit_id, code, name_zh, name_en, district, industry)"
            " values (6, 'V', 'V', 'V', '610302', '32'); update meter set unit_id = 6 where code = 'M-E2'"
        )
        readings = [reading for point in ("E1", "E2") for reading in course(chance, point, 2_000)]
        chance.shuffle(readings)
        for start in range(0, len(readings), 20):
            await store(one, readings[start : start + 20])
        derivers = [(Deriver(Rules(batches=2)), one), (Deriver(Rules(batches=2)), other)]
        for deriver, connection in (*derivers, *derivers):
            await deriver.claim(connection)
        held = await one.fetch("select holder, count(*) from derivation_group group by 1")
        assert sorted(row["count"] for row in held) == [4, 4]
        done = await asyncio.gather(*(drained(deriver, connection) for deriver, connection in derivers))
        assert all(progress.intervals for progress in done)
        await derivers[0][0].claim(one)
        assert await one.fetchval("select count(*) from derivation_dirty") == 0
        together = await tables(one)
        for deriver, connection in derivers:
            await deriver.leave(connection)
        await forget_derived(one)
        await derive_all(one)
        assert await tables(one) == together


async def test_a_group_that_somebody_works_on_is_left_out_of_a_step(pool: Pool) -> None:
    """A rebuild holds the groups: a step neither waits nor works, and does all of it afterwards."""
    async with pool.acquire() as one, pool.acquire() as other:
        await populate(one, WORLD)
        await store(one, [shown("E1", 0, 1), shown("E1", 15, 2)])
        async with worker(other) as deriver:
            async with one.transaction():
                await one.execute("select from derivation_group for update")
                assert await deriver.step(other) == Progress(standby=True)
            assert (await deriver.step(other)).batches == 1


async def test_a_worker_that_is_gone_leaves_its_groups_to_others(pool: Pool) -> None:
    """Its session ends, however that comes: the next claim of another worker takes its groups."""
    async with pool.acquire() as one, pool.acquire() as other:
        await populate(one, minutely(WORLD))
        gone = Deriver(Rules())
        await gone.claim(other)
        heir = Deriver(Rules())
        await heir.claim(one)
        assert (await heir.step(one)).standby
        await one.fetchval("select pg_terminate_backend($1)", await other.fetchval("select pg_backend_pid()"))
        while await one.fetchval("select count(*) from derivation_group where holder = $1", heir._worker) < 8:
            await heir.claim(one)
        assert not (await heir.step(one)).standby


async def test_marks_that_two_workers_ended_at_once_do_not_stay(connection: Connection) -> None:
    """Each saw its own groups done and not the other's: the next claim of anybody takes the mark away."""
    await populate(connection, WORLD)
    await store(connection, [shown("E1", 0, 1)])
    await connection.execute("insert into derivation_done select batch, grp from derivation_dirty, derivation_group")
    async with worker(connection):
        assert await connection.fetchval("select count(*) from derivation_dirty") == 0
    assert await connection.fetchval("select count(*) from derivation_done") == 0


async def test_an_interval_meter_s_first_reading_speaks_of_what_lies_before_it(connection: Connection) -> None:
    """Whatever comes first: its quarter hour is there though no reading lies in it, and goes when that reading does."""
    await populate(connection, WORLD)
    await connection.execute("update point set quantity = 'interval' where code = 'E1'")
    first = -(T0 // 60_000) % (7 * 1440)  # where a chunk of readings may begin: nothing lies before it
    for minute in (first + 30, first + 15, first):
        await store(connection, [shown("E1", minute, 4.0)])
        await derive_all(connection)
        rows = await connection.fetch("select ts, quanta from consumption_15min order by ts")
        assert [tuple(row) for row in rows] == [(instant(at - 15), 4000) for at in range(minute, first + 31, 15)]
    stood = await tables(connection)
    await forget_derived(connection)
    await derive_all(connection)
    assert await tables(connection) == stood
    await store(connection, [shown("E1", first, -1e300, 0)])
    await derive_all(connection)
    assert len(await _rows(connection)) == 2
