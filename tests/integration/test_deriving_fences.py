"""What a worker remembers, and whom it shares with, never decide what is derived: changes come at the worst moments."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from energy.registry import Registry
from energy.storage import Connection, Pool
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.step import Deriver
from ingest.accounting.edits import store as edits
from tests.support.deriving import derive_all, drained, worker
from tests.support.deriving_world import expected, intervals, minutely, tables
from tests.support.edits_world import given
from tests.support.eventually import eventually
from tests.support.register_world import instant, populate, registry, shown, store


@pytest.fixture
def connection(undone: Connection) -> Connection:
    """What a test does on it is undone."""
    return undone


def _world(*codes: str) -> Registry:
    return minutely(registry([(code, "electricity", 1) for code in codes]))


def _spoken(minute: int) -> str:
    return instant(minute).isoformat()


@pytest.mark.parametrize("kind", ["exclude", "amount", "accept", "replacement"])
async def test_what_is_said_of_time_to_come_counts_when_its_readings_do(connection: Connection, kind: str) -> None:
    """A gateway is silent, a person says what holds of the time since, and its readings come later, one by one."""
    await populate(connection, _world("E1"))
    said = {"since": _spoken(120), "until": _spoken(135)} | {"amount": {"amount": "7"}}.get(kind, {})
    if kind == "replacement":
        said = {"since": _spoken(120), "until": _spoken(120), "old_end": "5", "new_start": "100"}
    async with worker(connection) as deriver:
        await store(connection, [shown("E1", minute, minute * 2) for minute in range(60)])
        await drained(deriver, connection)
        await edits.add(connection, [given(kind, "E1", **said)], instant(240) + timedelta(hours=12))
        await drained(deriver, connection)
        for minute in range(60, 180, 4):
            await store(connection, [shown("E1", m, m * 2) for m in range(minute, minute + 4)])
            await drained(deriver, connection)
    assert await intervals(connection) == await expected(connection)


@pytest.mark.parametrize(
    "change",
    ["delete from point where code = 'E1'", "update point set quantity = 'voltage', unit = 'V' where code = 'E1'"],
)
async def test_a_point_is_not_taken_away_in_the_middle_of_a_step(pool: Pool, change: str) -> None:
    """A step that has not heard of it ends first: else another worker withdraws what is not yet there to be seen."""
    async with pool.acquire() as one, pool.acquire() as other:
        await populate(one, _world("E1"))
        await store(one, [shown("E1", minute, minute) for minute in range(40)])
        async with worker(one) as deriver:
            transaction = one.transaction()
            await transaction.start()
            assert (await deriver.step(one)).intervals
            changing = asyncio.create_task(other.execute(change))
            async with pool.acquire() as watching:
                await eventually(
                    lambda: watching.fetchval("select exists (select from pg_locks where not granted)"), within=20
                )
            await transaction.commit()
            await changing
            await drained(deriver, one)
        assert await one.fetchval("select count(*) from consumption_15min") == 0
        assert await one.fetchval("select count(*) from derivation_dirty") == 0


async def test_what_waits_of_a_meter_that_moves_is_left_to_whoever_has_its_new_unit(pool: Pool) -> None:
    """A worker has read a mark and not come to it: the point is in another worker's group by then."""
    async with pool.acquire() as one, pool.acquire() as other:
        await populate(one, _world("E1", "E2"))
        workers = [(Deriver(Rules(readings=1)), one), (Deriver(Rules()), other)]
        for deriver, connection in (*workers, *workers):
            await deriver.claim(connection)
        unit, total = await one.fetchval("select unit_id from unit"), 8
        held = {row["grp"] for row in await one.fetch("select grp from derivation_group where holder = 1")}
        mine = held if unit % total in held else set(range(total)) - held
        (slow, first), (quick, second) = workers if unit % total in held else reversed(workers)
        slow._rules = Rules(readings=1)  # a portion is one point
        elsewhere = next(number for number in range(100, 200) if number % total not in mine)
        await one.execute(
            "insert into unit (unit_id, code, name_zh, name_en, district, industry)"
            " values ($1, 'V', 'V', 'V', '610302', '32')",
            elsewhere,
        )
        await store(one, [shown(code, minute, minute) for code in ("E1", "E2") for minute in range(40)])
        assert (await slow.step(first)).more
        (left,) = await one.fetch(
            "select code from point where point_id not in (select point_id from consumption_15min)"
        )
        await one.execute("update meter set unit_id = $1 where code = 'M-' || $2", elsewhere, left["code"])
        await slow.step(first)
        sql = "select count(*) from consumption_15min join point using (point_id) where code = $1"
        assert await one.fetchval(sql, left["code"]) == 0
        while (await slow.step(first)).more or (await quick.step(second)).more:
            pass
        assert await one.fetchval(sql, left["code"]) > 0
        assert await intervals(one) == await expected(one)


async def test_the_last_mark_goes_away_though_two_are_done_with_it_at_once(pool: Pool) -> None:
    """Neither sees that the other one is done: the next claim of either takes the mark away, without anything new."""
    async with pool.acquire() as one, pool.acquire() as other:
        await populate(one, _world("E1"))
        workers = [(Deriver(Rules()), one), (Deriver(Rules()), other)]
        for deriver, connection in (*workers, *workers):
            await deriver.claim(connection)
        await store(one, [shown("E1", minute, minute) for minute in range(40)])
        transactions = [connection.transaction() for _, connection in workers]
        for (deriver, connection), transaction in zip(workers, transactions, strict=True):
            await transaction.start()
            await deriver.step(connection)
        for transaction in transactions:
            await transaction.commit()
        assert await one.fetchval("select count(*) from derivation_dirty") == 1
        await workers[1][0].claim(other)
        assert await one.fetchval("select count(*) from derivation_dirty") == 0
        assert await one.fetchval("select count(*) from derivation_done") == 0


_ALL_TIME = (
    "insert into derivation_dirty select nextval('batch_id'), array_agg(point_id),"
    " array_agg('-infinity'::timestamptz), array_agg('infinity'::timestamptz) from point"
)


@pytest.mark.parametrize("readings", [300_000, 200])
async def test_what_follows_from_readings_that_upkeep_dropped_stands(connection: Connection, readings: int) -> None:
    """All of the time of every point is marked: what is left of the readings is no reason to take away the rest."""
    await populate(connection, _world("E1", "E2", "NEW"))
    spans = {"E1": (0, 900), "E2": (0, 400), "NEW": (700, 900)}
    await store(connection, [shown(code, m, m * 2) for code, (begin, end) in spans.items() for m in range(begin, end)])
    await derive_all(connection)
    stood = await tables(connection)
    await connection.execute("delete from readings where ts < $1", instant(600))
    await connection.execute(
        "insert into upkeep_run (at, relation, action, until, count) values ($1, 'readings', 'chunks_dropped', $1, 1)",
        instant(600),
    )
    await connection.execute(_ALL_TIME)
    await derive_all(connection, Rules(readings=readings))
    assert await tables(connection) == stood
    await connection.execute("delete from consumption_15min where ts >= $1", instant(700))
    await connection.execute(_ALL_TIME)
    await derive_all(connection, Rules(readings=readings))
    assert await tables(connection) == stood
