"""What the database says, provoked on a real one: waited out, refused row by row, or reason to stop."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import pytest
from asyncpg import exceptions

from energy.errors import (
    FatalError,
    PermissionRefusedError,
    QuotawattError,
    RejectedError,
    RetryableError,
    SchemaError,
    SetupError,
)
from energy.readings import Reading
from energy.storage import Connection, KeyConflictError, Pool, StorageSettings, translating
from energy.storage.errors import VERDICTS, verdict_of
from ingest.checking.batch import Batch
from tests.support.eventually import eventually
from tests.support.ingest_world import START_MS
from tests.support.writing_world import START, WritingWorld, batch_at, of

LIMIT_S = 60
HOLD = "insert into readings values ($1::timestamptz + $2 * interval '1 ms', 11, 0, 0, 0)"
WAITING = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@pytest.fixture
async def account(pool: Pool) -> AsyncIterator[str]:
    """The name of a user of the test's own, with the rights of a writer and the password "old"."""
    name = f"writer_{uuid.uuid4().hex[:12]}"
    await pool.execute(f"create role {name} login password 'old'")
    await pool.execute(f"grant select, insert, update on all tables in schema public to {name}")
    await pool.execute(f"grant usage on all sequences in schema public to {name}")
    yield name
    await pool.execute(f"drop owned by {name} cascade")
    await pool.execute(f"drop role {name}")


@pytest.fixture
async def world(dsn: str, account: str) -> AsyncIterator[WritingWorld]:
    """A writer that connects as `account`."""
    made = WritingWorld(StorageSettings(as_user(dsn, account, "old")))
    try:
        yield made
    finally:
        await made.connection.close()


def as_user(dsn: str, name: str, password: str) -> str:
    """The same database for another user."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{parts.hostname}:{parts.port}"))


class Stage:
    """What provocations work with.

    Attributes:
        admin: a superuser's connections to the database.
        holder: one of them, for a transaction that stands in the way.
        account: the writer's name.
    """

    def __init__(self, admin: Pool, holder: Connection, account: str) -> None:
        self.admin, self.holder, self.account = admin, holder, account

    async def set_for_all(self, setting: str, value: str) -> None:
        """A server setting, for whoever connects to this database from now on."""
        name = await self.admin.fetchval("select current_database()")
        await self.admin.execute(f"alter database {name} set {setting} = '{value}'")

    async def writer_waits(self) -> int:
        """Wait until the writer waits for a lock; its process."""
        found: int = await eventually(lambda: self.admin.fetchval(WAITING), 20)
        return found

    @asynccontextmanager
    async def holding(self, at: int) -> AsyncIterator[None]:
        """Hold the key of point 11 at so many ms after the start, and give it up in the end."""
        transaction = self.holder.transaction()
        await transaction.start()
        await self.holder.execute(HOLD, START, at)
        try:
            yield
        finally:
            await transaction.rollback()


Provocation = Callable[[Stage], AbstractAsyncContextManager[None]]
Change = Callable[[Pool, str], Awaitable[None]]


@asynccontextmanager
async def read_only(stage: Stage) -> AsyncIterator[None]:
    """As a demoted primary is, until the address leads elsewhere."""
    await stage.set_for_all("default_transaction_read_only", "on")
    yield
    await stage.set_for_all("default_transaction_read_only", "off")


@asynccontextmanager
async def no_connection_left(stage: Stage) -> AsyncIterator[None]:
    """Somebody has taken them all."""
    await stage.admin.execute(f"alter role {stage.account} connection limit 0")
    yield
    await stage.admin.execute(f"alter role {stage.account} connection limit -1")


@asynccontextmanager
async def lock_timeout(stage: Stage) -> AsyncIterator[None]:
    """Somebody holds a key for longer than the site lets anybody wait."""
    await stage.set_for_all("lock_timeout", "50ms")
    async with stage.holding(2):
        yield


@asynccontextmanager
async def statement_timeout(stage: Stage) -> AsyncIterator[None]:
    """A statement takes longer than the site allows."""
    await stage.set_for_all("statement_timeout", "50ms")
    async with stage.holding(2):
        yield


@asynccontextmanager
async def cancelled(stage: Stage) -> AsyncIterator[None]:
    """A person cancels the statement."""
    async with stage.holding(2), asyncio.TaskGroup() as group:
        group.create_task(signal_writer(stage, "pg_cancel_backend"))
        yield


@asynccontextmanager
async def terminated(stage: Stage) -> AsyncIterator[None]:
    """A person ends the session, as an orderly shutdown does with all."""
    async with stage.holding(2), asyncio.TaskGroup() as group:
        group.create_task(signal_writer(stage, "pg_terminate_backend"))
        yield


async def signal_writer(stage: Stage, function: str) -> None:
    """Call a function of the server with the writer's process, once it waits."""
    await stage.admin.execute(f"select {function}($1)", await stage.writer_waits())


@asynccontextmanager
async def deadlock(stage: Stage) -> AsyncIterator[None]:
    """Another transaction takes the same keys the other way round; the writer is the one that is sacrificed."""
    async with stage.holding(2), asyncio.TaskGroup() as group:
        await stage.holder.execute("set deadlock_timeout = '1h'")
        group.create_task(other_way_round(stage))
        yield


async def other_way_round(stage: Stage) -> None:
    """Take the key that the writer has, once it waits for ours."""
    await stage.writer_waits()
    await stage.holder.execute(HOLD, START, 1)


WAITED_OUT: list[tuple[str, Provocation]] = [
    ("25006", read_only),
    ("53300", no_connection_left),
    ("55P03", lock_timeout),
    ("57014", statement_timeout),
    ("57014", cancelled),
    ("57P01", terminated),
    ("40P01", deadlock),
]


@pytest.fixture
async def stage(pool: Pool, account: str) -> AsyncIterator[Stage]:
    """For provocations: the chunk is there already, or what they hold would be its making."""
    await pool.execute(HOLD, START, 1)
    await pool.execute("delete from readings")
    async with pool.acquire() as holder:
        yield Stage(pool, holder, account)


@pytest.mark.parametrize(
    ("state", "provoke"), WAITED_OUT, ids=lambda one: one if isinstance(one, str) else one.__name__
)
async def test_what_passes_is_waited_out(stage: Stage, world: WritingWorld, state: str, provoke: Provocation) -> None:
    """Nothing is stored while it lasts; afterwards the batch is, once, and counted once."""
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group, provoke(stage):
        writing = group.create_task(world.write(batch_at(1, 2, 3)))
        await eventually(lambda: state in world.states, 20)
        assert not await stage.admin.fetchval("select count(*) from ingest_batch")
    assert writing.result().stored == 3
    assert await stored(stage.admin) == [1, 2, 3]
    assert set(world.states) == {state}


async def test_a_serialization_failure_is_waited_out(stage: Stage, world: WritingWorld) -> None:
    """A stricter isolation level than ours, and a conflict that another transaction committed since ours began."""
    await stage.set_for_all("default_transaction_isolation", "repeatable read")
    contested = of([Reading("A-1", START_MS, value) for value in (0.0, 1.0)])
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group, stage.holder.transaction():
        await stage.holder.execute("insert into reading_conflicts values (11, $1, 1, 0, 0)", START)
        writing = group.create_task(world.write(contested))
        await stage.writer_waits()
    assert world.states == ["40001"]
    assert (writing.result().stored, writing.result().duplicates, writing.result().conflicts) == (1, 1, 0)
    assert await stored(stage.admin) == [0]


async def test_a_session_that_is_ended_while_it_does_nothing_is_waited_out(world: WritingWorld) -> None:
    """As for a worker that stood still for too long within a transaction (25P03)."""

    async def too_slow(connection: Connection) -> None:
        with translating():
            async with connection.transaction():
                await connection.execute("set local idle_in_transaction_session_timeout = '20ms'")
                await eventually(connection.is_closed)
                await connection.execute("select 1")

    with pytest.raises(RetryableError):
        await world.connection.once(too_slow)
    assert (await world.write(batch_at(1))).stored == 1


async def stored(admin: Pool) -> list[int]:
    """The readings that are stored, by their time in ms after the start."""
    rows = await admin.fetch("select ts from readings order by ts")
    return [round(row["ts"].timestamp() * 1000) - START_MS for row in rows]


REFUSE = """
create or replace function refuse() returns trigger language plpgsql as $$
begin raise exception 'refused for a test' using errcode = '{state}'; end $$;
create or replace trigger refuse before insert on readings for each row when (new.value = 666)
execute function refuse();
"""


async def test_every_verdict_holds_within_copy(stage: Stage, world: WritingWorld) -> None:
    """The server raises each SQLSTATE of the table, a class's first for a class, in the middle of COPY.

    But for the taken key, of which the store's own tests are full.
    """
    states = [found.ljust(5, "0") for found, verdict in VERDICTS.items() if verdict.kind is not KeyConflictError]
    for number, state in enumerate([*states, "99999"]):
        await stage.admin.execute(REFUSE.format(state=state))
        first = 10 * number
        batch = of([Reading("A-1", START_MS + first + i, 666.0 if i == 3 else 1.0) for i in range(5)])
        await follow_verdict(stage.admin, world, state, batch)
        rejected = {3} if issubclass(verdict_of(state).kind, RejectedError) else set()
        expected = set() if issubclass(verdict_of(state).kind, FatalError) else {0, 1, 2, 3, 4} - rejected
        assert {at - first for at in await stored(stage.admin) if at >= first} == expected, state


async def follow_verdict(admin: Pool, world: WritingWorld, state: str, batch: Batch) -> None:
    """Write a batch of which one reading raises `state`, and see it treated as the table says."""
    kind = verdict_of(state).kind
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        if issubclass(kind, FatalError):
            with pytest.raises(kind, match=state):
                await world.write(batch)
            return
        writing = group.create_task(world.write(batch))
        if issubclass(kind, RetryableError):
            await eventually(lambda: state in world.states)
            await admin.execute("drop trigger refuse on readings")
    assert writing.result().rejected == issubclass(kind, RejectedError)


def test_every_sqlstate_is_retried_rejected_or_a_reason_to_stop() -> None:
    """Also those of which nobody thought: waiting loses nothing."""
    states = {getattr(found, "sqlstate", None) or "" for found in vars(exceptions).values() if isinstance(found, type)}
    for state in states | {""}:
        verdict = verdict_of(state)
        assert verdict.reason
        assert issubclass(verdict.kind, QuotawattError)
        assert state or issubclass(verdict.kind, RetryableError)


async def change_password(admin: Pool, account: str) -> None:
    """And the worker was not told the new one."""
    await admin.execute(f"alter role {account} password 'new'")


async def forbid_login(admin: Pool, account: str) -> None:
    """To the worker's account."""
    await admin.execute(f"alter role {account} nologin")


async def revoke_right(admin: Pool, account: str) -> None:
    """One of those that a batch needs."""
    await admin.execute(f"revoke insert on ingest_batch from {account}")


async def rename_table(admin: Pool, _: str) -> None:
    """As in another version."""
    await admin.execute("alter table derivation_dirty rename to something_else")


async def rename_column(admin: Pool, _: str) -> None:
    """As in another version."""
    await admin.execute("alter table readings rename quality to grade")


async def change_type(admin: Pool, _: str) -> None:
    """As in another version; COPY sends four bytes where eight are expected."""
    await admin.execute("alter table derivation_dirty alter batch type int4")


@pytest.mark.parametrize(
    ("state", "kind", "change"),
    [
        ("28P01", PermissionRefusedError, change_password),
        ("28000", PermissionRefusedError, forbid_login),
        ("42501", PermissionRefusedError, revoke_right),
        ("42P01", SchemaError, rename_table),
        ("42703", SchemaError, rename_column),
        ("22P03", SchemaError, change_type),
    ],
)
async def test_what_a_person_must_mend_stops_the_worker(
    stage: Stage, world: WritingWorld, state: str, kind: type[QuotawattError], change: Change
) -> None:
    """At once, not after a thousand attempts; nothing is stored, and the error says what to do."""
    await change(stage.admin, stage.account)
    with pytest.raises(kind, match=state) as caught:
        await world.write(batch_at(1))
    assert caught.value.advice
    assert world.failures == []
    assert await stage.admin.fetchval("select count(*) from ingest_batch") == 0


async def test_a_database_that_is_gone_stops_the_worker(dsn: str) -> None:
    """Somebody has renamed or dropped it (3D000)."""
    missing = urlunsplit(urlsplit(dsn)._replace(path="/no_such_database"))
    with pytest.raises(SetupError, match="3D000"):
        await WritingWorld(StorageSettings(missing)).write(batch_at(1))
