"""The line to the database fails within a batch: it is given up within a bound, and the batch is stored once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
import numpy as np
import pytest

from energy.channel import Channel
from energy.errors import StorageError
from energy.readings import Reading
from energy.storage import Connection, Pool, StorageSettings, translating
from ingest.checking.batch import Batch
from ingest.checking.rows import Rows
from ingest.database import KeptConnection, NoAnswerError, ping
from ingest.writing.merge import copy_rows
from ingest.writing.store import Store
from ingest.writing.writer import Writer
from tests.support.eventually import eventually
from tests.support.ingest_world import START_MS, batch_of, message
from tests.support.tcp_proxy import TcpProxy, tcp_proxy

ANSWER_S, LIMIT_S = 1.0, 40.0
ROWS = 400_000
"""So many rows that no socket takes them all: COPY has to wait for room."""
PAUSED_ABOVE = 65_536
"""Bytes that asyncio keeps unsent before it lets a writer wait."""
START = datetime.fromtimestamp(START_MS / 1000, UTC)
STORE = Store("worker-1", lambda: datetime(2026, 3, 1, tzinfo=UTC))


class Line:
    """A writer whose only way to the database is a proxy.

    Attributes:
        proxy: the line.
        failures: what was waited out.
    """

    def __init__(self, proxy: TcpProxy, settings: StorageSettings) -> None:
        self.proxy = proxy
        self.failures: list[StorageError] = []
        self.connection = KeptConnection(settings, self.failures.append)
        self._writer = Writer([self.connection], STORE, Channel(1), Channel(1))

    @property
    def waits_for_room(self) -> bool:
        """Whether what we have to send is more than the line takes."""
        connection: Any = self.connection._connection
        return connection is not None and connection._transport.get_write_buffer_size() > PAUSED_ABOVE

    async def write(self, batch: Batch) -> int:
        """Commit a batch; how many rows it stored."""
        _, outcome = await self._writer.write(self.connection, batch)
        return outcome.stored


def through(proxy: TcpProxy, dsn: str, **changes: float) -> StorageSettings:
    """The same database by way of the proxy."""
    parts = urlsplit(dsn)
    account = parts.netloc.rpartition("@")[0]
    where = urlunsplit(parts._replace(netloc=f"{account}@{proxy.host}:{proxy.port}"))
    return msgspec.structs.replace(StorageSettings(where, answer_timeout_s=ANSWER_S, connect_timeout_s=1.0), **changes)


@pytest.fixture
async def line(dsn: str) -> AsyncIterator[Line]:
    """A line that works."""
    parts = urlsplit(dsn)
    async with tcp_proxy(parts.hostname or "", parts.port or 0) as proxy:
        made = Line(proxy, through(proxy, dsn))
        try:
            yield made
        finally:
            await made.connection.close()


def large_batch() -> Batch:
    """A batch that fills every buffer between us and the server."""
    at = START_MS + np.arange(ROWS, dtype=np.int64)
    rows = Rows(np.full(ROWS, 11, np.int32), at, np.ones(ROWS), np.zeros(ROWS, np.int16), np.ones(ROWS, np.bool_))
    return replace(batch_of(), accepted=np.arange(ROWS), rows=rows, row_of=np.arange(ROWS))


@asynccontextmanager
async def stuck_in_copy(line: Line, pool: Pool) -> AsyncIterator[asyncio.Task[int]]:
    """A large batch whose COPY waits for room to write, because the server waits for a key that is held."""
    async with pool.acquire() as holder, asyncio.TaskGroup() as group:
        holding = holder.transaction()
        await holding.start()
        await holder.execute("insert into readings values ($1, 11, 1, 0, 0)", START)
        task = group.create_task(line.write(large_batch()))
        await eventually(lambda: line.waits_for_room)
        try:
            yield task
        finally:
            await holding.rollback()


async def test_a_stalled_line_is_given_up_within_a_bound(line: Line, pool: Pool) -> None:
    """Nobody closes the connection, so only a bound ends the wait; then the same batch goes its way, once."""
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        line.proxy.stall()
        began = time.monotonic()
        task = group.create_task(line.write(large_batch()))
        await eventually(lambda: line.failures)
        assert time.monotonic() - began < 15 * ANSWER_S  # half of what is usual: the machine may be busy
        line.proxy.resume()
    assert task.result() == ROWS
    assert await pool.fetchval("select count(*) from readings") == ROWS


async def test_a_line_that_stalls_in_the_middle_of_a_copy_is_given_up(line: Line, pool: Pool) -> None:
    """The half of the batch that the server has is not stored, and does not stand in the way of the next attempt."""
    async with asyncio.timeout(30), stuck_in_copy(line, pool) as task:
        line.proxy.forget()
        await eventually(lambda: line.failures)
        assert isinstance(line.failures[0], NoAnswerError)
    assert task.result() == ROWS
    assert await pool.fetchval("select count(*) from readings") == ROWS


async def test_a_copy_that_waits_for_room_ends_with_its_connection(line: Line, pool: Pool, dsn: str) -> None:
    """The driver waits for ever for room on a connection that is gone; the bound on unwinding ends that."""
    line.connection = KeptConnection(through(line.proxy, dsn, answer_timeout_s=LIMIT_S), line.failures.append)
    async with asyncio.timeout(LIMIT_S), stuck_in_copy(line, pool) as task:
        line.proxy.drop_all()
        await eventually(lambda: line.failures, LIMIT_S / 2)
        assert not isinstance(line.failures[0], NoAnswerError)
    assert task.result() == ROWS


async def test_a_lost_session_does_not_hold_its_keys(line: Line, pool: Pool) -> None:
    """What it had written but not committed would make every further attempt wait; it is ended first."""
    batch = batch_of(message([Reading("A-1", START_MS, 1.0)]))

    async def half(connection: Connection) -> None:
        with translating():
            async with connection.transaction():
                await copy_rows(connection, batch.rows, 1)
                line.proxy.forget()
                await connection.execute("select 1")

    with pytest.raises(NoAnswerError):
        async with asyncio.timeout(10):
            await line.connection.once(half)
    async with asyncio.timeout(ANSWER_S):
        assert await line.write(batch) == 1
    assert not line.failures
    assert await pool.fetchval("select count(*) from readings") == 1


async def test_who_gives_up_leaves_no_connection_that_does_not_answer(line: Line) -> None:
    """A check of health waits for less than an answer may take; the next one is not to wait for the same line."""
    await line.connection.once(ping)
    line.proxy.forget()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(ANSWER_S / 10):
            await line.connection.once(ping)
    async with asyncio.timeout(30):
        await line.connection.once(ping)


async def test_each_further_answer_is_given_more_time(line: Line) -> None:
    """A transaction that takes longer than the bound, on a slow disk or behind a lock, comes through all the same."""

    async def slow(connection: Connection) -> None:
        with translating():
            await connection.execute("select pg_sleep($1::float8)", 1.2 * ANSWER_S)

    async with asyncio.timeout(30):
        await line.connection.until_done(slow)
        assert [type(failure) for failure in line.failures] == [NoAnswerError]
        with pytest.raises(NoAnswerError, match=f"{ANSWER_S:g} s"):
            await line.connection.once(slow)
