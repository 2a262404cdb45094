"""Commits batches, however long the database takes, then hands them on to be acknowledged."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from energy.channel import Channel
from energy.errors import StorageRejectedError
from energy.services import Control
from energy.storage import Connection
from ingest import metrics
from ingest.checking.batch import Batch
from ingest.checking.due import Due
from ingest.checking.rows import Rows
from ingest.database import KeptConnection
from ingest.writing.keys import NumberTakenError
from ingest.writing.search import refusal_of, without_refused
from ingest.writing.store import Outcome, Store, reserve_numbers

NUMBERS_AT_ONCE = 64


class Writer:
    """The service between the cutter and the acknowledger.

    It writes as many batches at once as it has connections: a transaction has half a dozen exchanges with the database,
    and while one waits for this process, which has other things to do, another one keeps the database busy. Batches
    may be committed in any order, as those of two workers are.

    Args:
        connections: its own connections to the database.
        store: makes a batch permanent.
        batches: where batches come from; the writer ends when it is closed and drained.
        committed: where committed batches go; closed at the end.
    """

    name = "writer"

    def __init__(
        self,
        connections: Sequence[KeptConnection],
        store: Store,
        batches: Channel[Due],
        committed: Channel[Batch],
    ) -> None:
        self._connections = connections
        self._store = store
        self._batches = batches
        self._committed = committed
        self._numbers: deque[int] = deque()

    async def run(self, control: Control) -> None:
        """Write until the batches end.

        Raises:
            FatalError: the database refuses us, or is of another schema.
            StorageRejectedError: it refuses a batch of which it takes every single row.
        """
        control.ready()
        try:
            async with asyncio.TaskGroup() as group:
                for connection in self._connections:
                    group.create_task(self._write_all(connection))
        except BaseExceptionGroup as failures:
            # The first one stopped the others; the runner wants the error itself.
            raise failures.exceptions[0] from None
        finally:
            self._committed.close()
        await control.stopping.wait()  # the batches end before this service is told to

    async def _write_all(self, connection: KeptConnection) -> None:
        clock = asyncio.get_running_loop().time
        try:
            async for due in self._batches:
                start = clock()
                batch, outcome = await self.write(connection, due.batch)
                metrics.batch_committed(batch, outcome, commit_s=clock() - start, receipt_s=clock() - due.opened)
                await self._committed.put(batch)
        finally:
            await connection.close()

    async def write(self, connection: KeptConnection, batch: Batch) -> tuple[Batch, Outcome]:
        """Commit `batch`, without the rows that the database refuses; returns what was committed, and its counts."""
        number = await self._next_number(connection)
        while True:
            try:
                outcome = await connection.until_done(_Attempt(self._store, batch, number))
            except StorageRejectedError as error:
                batch = await _without_refused(connection, batch, error)
            else:
                metrics.database_works()
                return batch, outcome

    async def _next_number(self, connection: KeptConnection) -> int:
        if not self._numbers:
            self._numbers.extend(await connection.until_done(lambda own: reserve_numbers(own, NUMBERS_AT_ONCE)))
        return self._numbers.popleft()


async def _without_refused(connection: KeptConnection, batch: Batch, error: StorageRejectedError) -> Batch:
    async def refusal(part: Rows) -> str | None:
        return await connection.until_done(lambda own: refusal_of(own, part))

    rest = await without_refused(refusal, batch, error)
    metrics.rows_refused(len(rest.rejects) - len(batch.rejects), rest.rejects[-1].refusal.detail)
    return rest


class _Attempt:
    """Tries to commit; from the second time on it first asks whether the one before succeeded after all.

    If that is not so although its number is in use, another batch has it: the next attempt takes a new one.
    """

    def __init__(self, store: Store, batch: Batch, number: int) -> None:
        self._store = store
        self._batch = batch
        self._number = number
        self._tried = False
        self._taken = False

    async def __call__(self, connection: Connection) -> Outcome:
        if self._tried and (outcome := await self._store.committed(connection, self._batch, self._number)):
            return outcome
        if self._taken:
            (self._number,) = await reserve_numbers(connection, 1)
        self._tried, self._taken = True, False
        try:
            return await self._store.commit(connection, self._batch, self._number)
        except NumberTakenError:
            self._taken = True
            raise
