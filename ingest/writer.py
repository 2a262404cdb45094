"""Commits batches one after the other, however long the database takes, then hands them on to be acknowledged."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from energy.channel import Channel
from energy.errors import StorageRejectedError
from energy.services import Control
from energy.storage import Connection
from ingest import metrics
from ingest.batch import Batch
from ingest.database import KeptConnection
from ingest.session import Receipt
from ingest.store import Outcome, Store, committed, find_refused, reserve_numbers

NUMBERS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Due:
    """A batch whose turn to be written has come, or will.

    Attributes:
        batch: what to commit.
        opened: real monotonic seconds of its first message.
    """

    batch: Batch[Receipt]
    opened: float


class Writer:
    """The service between the cutter and the acknowledger.

    Args:
        connection: its own connection to the database.
        store: makes a batch permanent.
        batches: where batches come from; the writer ends when it is closed and drained.
        committed: where committed batches go; closed at the end.
    """

    name = "writer"

    def __init__(
        self, connection: KeptConnection, store: Store, batches: Channel[Due], committed: Channel[Batch[Receipt]]
    ) -> None:
        self._connection = connection
        self._store = store
        self._batches = batches
        self._committed = committed
        self._numbers: deque[int] = deque()

    async def run(self, control: Control) -> None:
        """Write until the batches end.

        Raises:
            FatalError: the database refuses us, or is of another schema.
            StorageRejectedError: it refuses a batch of which it would take every single row.
        """
        clock = asyncio.get_running_loop().time
        control.ready()
        try:
            async for due in self._batches:
                start = clock()
                batch, outcome = await self.write(due.batch)
                metrics.batch_committed(batch, outcome, commit_s=clock() - start, receipt_s=clock() - due.opened)
                await self._committed.put(batch)
        finally:
            self._committed.close()
            await self._connection.close()
        await control.stopping.wait()  # the batches end before this service is told to

    async def write(self, batch: Batch[Receipt]) -> tuple[Batch[Receipt], Outcome]:
        """Commit `batch`, without the rows that the database refuses; returns what was committed, and its counts."""
        number = await self._next_number()
        while True:
            try:
                outcome = await self._connection.until_done(_Attempt(self._store, batch, number))
            except StorageRejectedError as error:
                batch = await self._without_refused(batch, error)
            else:
                metrics.database_works()
                return batch, outcome

    async def _next_number(self) -> int:
        if not self._numbers:
            self._numbers.extend(
                await self._connection.until_done(lambda connection: reserve_numbers(connection, NUMBERS_AT_ONCE))
            )
        return self._numbers.popleft()

    async def _without_refused(self, batch: Batch[Receipt], error: StorageRejectedError) -> Batch[Receipt]:
        rows = batch.rows
        refused, detail = await self._connection.until_done(lambda connection: find_refused(connection, rows))
        if not refused.any():
            raise error
        metrics.rows_refused(int(refused.sum()), detail)
        return batch.refusing(refused, detail)


class _Attempt:
    """Tries to commit; from the second time on it first asks whether the first one succeeded after all."""

    def __init__(self, store: Store, batch: Batch[Receipt], number: int) -> None:
        self._store = store
        self._batch = batch
        self._number = number
        self._tried = False

    async def __call__(self, connection: Connection) -> Outcome:
        if self._tried and (outcome := await committed(connection, self._number)):
            return outcome
        self._tried = True
        return await self._store.commit(connection, self._batch, self._number)
