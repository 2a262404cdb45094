"""A connection that is made anew when it fails: a batch waits for its database, however long that takes."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

from energy.backoff import Backoff
from energy.errors import QuotawattError, StorageError
from energy.queries import load_queries
from energy.storage import Connection, StorageSettings, connect, translating

T = TypeVar("T")

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0

LONGEST_ANSWER_S = 600.0
"""However often an answer failed to come in time, the next one is not given more than this."""

_SQL = load_queries("ingest", "database.sql")
_SESSION = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
    "timescaledb.max_tuples_decompressed_per_dml_transaction": "0",
}
"""So that the server too gives up a session whose other end is gone, and frees the keys that it holds: other workers
may wait for them. And so that a batch of late readings may touch as much of compressed chunks as it has to: with
TimescaleDB's own bound of 100 000 rows, one that repeats readings of more than a hundred points is refused for ever."""
_END_MS = 5_000
_UNWIND_S = 1.0


class KeptConnection:
    """A connection that is made when it is needed and thrown away when it fails or does not answer.

    Args:
        settings: which database.
        retried: called for each failure that passes by itself.
    """

    def __init__(self, settings: StorageSettings, retried: Callable[[StorageError], None]) -> None:
        self._settings = settings
        self._retried = retried
        self._one_step = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._connection: Connection | None = None
        self._answer_s = settings.answer_timeout_s
        self._name = ""
        self._lost = ""

    async def once(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `step` on the connection, which is dropped when that fails; two at once run one after the other.

        Raises:
            StorageError and its like: as `energy.storage.translating` says.
        """
        async with self._one_step:
            return await self._run(step)

    async def _run(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            outcome = await _answered(step, self._connection or await self._connect(), self._answer_s)
        except NoAnswerError:
            self._answer_s = min(2 * self._answer_s, max(LONGEST_ANSWER_S, self._settings.answer_timeout_s))
            await self._drop()
            raise
        except (StorageError, asyncio.CancelledError):  # who gives up may do so because it does not answer
            await self._drop()
            raise
        self._answer_s = self._settings.answer_timeout_s
        return outcome

    async def until_done(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `step`, again after a growing delay for as long as the database fails in a way that passes.

        Raises:
            StorageRejectedError, FatalError: as `energy.storage.translating` says; trying again would be useless.
        """
        backoff = Backoff(FIRST_DELAY_S, LONGEST_DELAY_S)
        while True:
            try:
                return await self.once(step)
            except StorageError as error:
                self._retried(error)
                await asyncio.sleep(backoff.next())

    async def close(self) -> None:
        """Drop the connection; the next step makes a new one."""
        stack, self._stack = self._stack, AsyncExitStack()
        self._connection = None
        await stack.aclose()

    async def _connect(self) -> Connection:
        name = f"quotawatt {uuid.uuid4().hex}"
        connection = await self._stack.enter_async_context(
            connect(self._settings, _SESSION | {"application_name": name})
        )
        if self._lost:
            await _answered(self._end_lost, connection, self._answer_s)
        self._connection, self._name = connection, name
        return connection

    async def _end_lost(self, connection: Connection) -> None:
        with translating():
            await connection.execute(_SQL.end_session, self._lost, _END_MS)
        self._lost = ""

    async def _drop(self) -> None:
        if self._connection is not None:
            self._lost = self._name
        await self.close()


class NoAnswerError(StorageError):
    """The database did not answer in time."""


async def _answered(step: Callable[[Connection], Awaitable[T]], connection: Connection, within_s: float) -> T:
    """Run `step` on `connection`, and end both when that takes longer than `within_s` real seconds.

    Raises:
        NoAnswerError: it took longer.
        StorageError and its like: as `energy.storage.translating` says.
    """
    loop = asyncio.get_running_loop()
    bound, over = asyncio.timeout(None), loop.time() + within_s

    def unwind(_: object) -> None:
        # Nearly everything that waits on a connection fails when it is lost. A COPY that waits for room to write, in
        # asyncpg 0.32, waits for ever: the end of its connection does not let it go on.
        with contextlib.suppress(RuntimeError):  # the step has ended meanwhile
            bound.reschedule(loop.time() + _UNWIND_S)

    # Ending the connection ends the step; cancelling it alone would let its rollback wait for an answer too.
    deadline = loop.call_at(over, connection.terminate)
    connection.add_termination_listener(unwind)
    try:
        async with bound:
            return await step(connection)
    except Exception as error:
        if loop.time() >= over and connection.is_closed():
            raise NoAnswerError(f"the database gave no answer within {within_s:g} s") from error
        if isinstance(error, QuotawattError) or not connection.is_closed():
            raise
        # Whatever asyncpg makes of a connection that is gone, an AttributeError too: it is a connection that is gone.
        raise StorageError(f"the connection to the database was lost: {error!r}") from error
    finally:
        deadline.cancel()
        connection.remove_termination_listener(unwind)


async def ping(connection: Connection) -> None:
    """Ask the database for a sign of life."""
    with translating():
        await connection.execute(_SQL.ping)
