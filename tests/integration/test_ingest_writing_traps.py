"""The traps of writing by COPY, each tried on the real database: what others fell into must fail here."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from energy.errors import SchemaError, StorageRejectedError
from energy.readings import Reading
from energy.registry.store import apply
from energy.storage import Connection, Pool, StorageSettings
from energy.transport.mqtt import MqttSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.ingest_gateway import FakeGateway
from tests.support.ingest_world import START_MS
from tests.support.writing_world import START, WritingWorld, batch_at, of

LIMIT_S = 30
MANY = 500
SLOW_REFUSAL = """
create function refuse() returns trigger language plpgsql as $$
begin perform pg_sleep(0.05); raise exception 'refused for a test'; end $$;
create trigger refuse before insert on readings for each row when (new.value = 666) execute function refuse();
"""
WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@pytest.fixture
async def world(database: StorageSettings) -> AsyncIterator[WritingWorld]:
    """A writer."""
    made = WritingWorld(database)
    try:
        yield made
    finally:
        await made.connection.close()


async def test_one_taken_key_among_many(pool: Pool, world: WritingWorld) -> None:
    """The trap "one duplicate key fails or drops the whole batch": all others are stored, at the first attempt."""
    await world.write(batch_at(7, 9))
    again = [Reading("A-1", START_MS + at, 2.0 if at == 9 else 1.0) for at in range(MANY)]
    outcome = await world.write(of(again))
    assert (outcome.stored, outcome.duplicates, outcome.conflicts) == (MANY - 2, 1, 1)
    assert world.failures == []
    assert await pool.fetchval("select count(*) from readings") == MANY
    assert await pool.fetchval("select value from readings where ts = $1::timestamptz + interval '9 ms'", START) == 1.0


async def test_one_key_twice_in_a_batch(pool: Pool, world: WritingWorld) -> None:
    """The trap "two rows with one key inside one statement fail for ever": the better one is stored, the other kept."""
    twice = [Reading("A-1", START_MS + at, value, quality) for at in (1, 2) for value, quality in ((5.0, 1), (6.0, 0))]
    async with asyncio.timeout(LIMIT_S):
        outcome = await world.write(of([*twice, *twice]))
        assert (outcome.stored, outcome.duplicates, outcome.conflicts) == (2, 4, 2)
        outcome = await world.write(of(twice))
        assert (outcome.stored, outcome.duplicates, outcome.conflicts) == (0, 4, 0)
    assert world.failures == []
    assert [tuple(row) for row in await pool.fetch("select value, quality from readings")] == [(6.0, 0)] * 2
    assert [tuple(row) for row in await pool.fetch("select value, quality from reading_conflicts")] == [(5.0, 1)] * 2


async def test_a_number_that_another_batch_has(pool: Pool, world: WritingWorld) -> None:
    """After a failover that lost the latest steps of the sequence: what has our number need not be our batch."""
    await world.write(batch_at(1))
    await pool.execute("select setval('batch_id', 1, false)")
    late = WritingWorld(world.settings)
    async with asyncio.timeout(LIMIT_S):
        outcome = await late.write(batch_at(2, 3))
    await late.connection.close()
    assert outcome.stored == 2
    assert [row[0] for row in await pool.fetch("select batch from readings order by ts")] == [1, 65, 65]
    (failure,) = late.failures
    assert "batch_id" in str(failure)


async def test_a_unique_constraint_that_is_not_ours(pool: Pool, world: WritingWorld) -> None:
    """No merge ends it, and no waiting: the worker stops and names it."""
    await pool.execute("create unique index of_the_site on readings (ts, value)")
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(SchemaError, match="of_the_site") as caught:
            await world.write(of([Reading(point, START_MS, 1.0) for point in ("A-1", "A-2")]))
    assert caught.value.advice
    assert world.failures == []


async def test_a_refusal_that_no_row_is_guilty_of(pool: Pool, world: WritingWorld) -> None:
    """To refuse rows would not help, and to wait would not: the worker stops, and repeats what the database says."""
    await pool.execute("alter table ingest_batch add constraint of_the_site check (offered < 2)")
    assert (await world.write(batch_at(1))).stored == 1
    with pytest.raises(StorageRejectedError, match=r"every single row: .*of_the_site") as caught:
        await world.write(batch_at(2, 3))
    assert caught.value.advice
    assert await pool.fetchval("select count(*) from readings") == 1


async def test_a_search_that_takes_longer_than_an_answer_may(pool: Pool, database: StorageSettings) -> None:
    """Of a batch that is refused row by row: each attempt has its own time, so that the search ends however large."""
    await pool.execute(SLOW_REFUSAL)
    world = WritingWorld(StorageSettings(database.dsn, answer_timeout_s=1.0))
    async with asyncio.timeout(LIMIT_S):
        outcome = await world.write(batch_at(*range(16), value=666.0))
    await world.connection.close()
    assert (outcome.stored, outcome.rejected) == (0, 16)
    assert world.failures == []


@asynccontextmanager
async def holding(holder: Connection, point: int) -> AsyncIterator[None]:
    """Hold the key of `point` at the start, and give it up in the end."""
    transaction = holder.transaction()
    await transaction.start()
    try:
        await holder.execute("insert into readings values ($1, $2, 0, 0, 0)", START, point)
        yield
    finally:
        await transaction.rollback()


async def test_nobody_is_told_before_the_commit(pool: Pool, database: StorageSettings, mqtt: MqttSettings) -> None:
    """The trap "acknowledged on receipt": no acknowledgement and no NOTIFY while the transaction can still fail."""
    address = worker.address()
    async with pool.acquire() as holder, pool.acquire() as listener:
        await apply(holder, worker.registry(address.gateway, 1))
        point = await holder.fetchval("select point_id from point where code = $1", f"{address.gateway}-0")
        await holder.execute("insert into readings values ($1, 0, 0, 0, 0)", START)  # its chunk is there
        notices: list[object] = []
        await listener.add_listener("readings", lambda *notice: notices.append(notice))
        try:
            gateway = FakeGateway(mqtt, address, uuid.uuid4().hex, [[Reading(f"{address.gateway}-0", START_MS, 1.0)]])
            async with asyncio.timeout(LIMIT_S), worker.running(worker.settings(database, mqtt)):
                async with asyncio.TaskGroup() as group, holding(holder, point):
                    group.create_task(gateway.run())
                    await eventually(lambda: pool.fetchval(WAITING), 20)
                    resent = gateway.sent
                    await eventually(
                        lambda: gateway.sent > resent or gateway.done, 20
                    )  # it has waited, and sends again
                    assert not gateway.confirmed
                    assert not notices
                await eventually(lambda: notices)
        finally:
            await listener.reset()
    assert await pool.fetchval("select value from readings where point_id = $1", point) == 1.0
