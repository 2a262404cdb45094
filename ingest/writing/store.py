"""The one transaction that makes a batch permanent: readings, conflicts, rejects, dirty marks, its own record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from energy.errors import StorageError, StorageRejectedError
from energy.storage import Connection, KeyConflictError, translating
from ingest.checking.batch import Batch
from ingest.checking.flags import keep_flags
from ingest.checking.rows import Rows, touched
from ingest.rejects.keep import keep_rejects
from ingest.writing.copy_format import DIRTY_COLUMNS, encode_dirty
from ingest.writing.envelopes import EnvelopeRecord, record_of
from ingest.writing.merge import SQL, Written, copy, copy_rows, merge_rows

_MERGES = 5
"""So often a merge is tried at once; each failure means that somebody else has stored one of its keys meanwhile."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch; what was offered is the sum of the four counts.

    Attributes:
        stored: new rows of `readings`.
        duplicates: readings that were there already, or stood in the batch twice.
        conflicts: new rows of `reading_conflicts`.
        rejected: readings refused, and messages refused whole.
        committed_at: data time just before the commit.
    """

    stored: int
    duplicates: int
    conflicts: int
    rejected: int
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Store:
    """Writes batches.

    Attributes:
        worker: this worker's name, kept with each batch.
        now: data time.
    """

    worker: str
    now: Callable[[], datetime]

    async def commit(self, connection: Connection, batch: Batch, number: int) -> Outcome:
        """Make `batch` permanent as batch `number`: straight by COPY, through staging where a key is taken.

        Raises:
            StorageError: nothing is known to be committed; ask `committed`, then try again with the same number.
            StorageRejectedError: the database refuses the data; nothing is committed.
            FatalError: as `energy.storage.translating` says.
        """
        if not batch.rows.contested:
            try:
                return await self._transact(connection, batch, number, copy_rows)
            except KeyConflictError:
                pass  # resent or contradicting readings: only such a batch pays for the merge
        return await _merging(lambda: self._transact(connection, batch, number, merge_rows))

    async def _transact(self, connection: Connection, batch: Batch, number: int, write: _Write) -> Outcome:
        with translating():
            async with connection.transaction():
                written = await write(connection, batch.rows, number)
                if any(written):
                    await copy(connection, "derivation_dirty", DIRTY_COLUMNS, encode_dirty(touched(batch.rows), number))
                if batch.rejects:
                    await keep_rejects(connection, batch, number)
                if batch.fast.flags:
                    await keep_flags(connection, batch.fast.flags, number)
                return await self._record(connection, batch, number, written)

    async def _record(self, connection: Connection, batch: Batch, number: int, written: Written) -> Outcome:
        stored, conflicts = written
        rejected = len(batch.rejects)
        outcome = Outcome(
            stored, batch.offered - stored - conflicts - rejected, conflicts, rejected, committed_at=self.now()
        )
        await connection.execute(
            SQL.record_batch,
            number,
            self.worker,
            _time(batch.offer.received_ms),
            outcome.committed_at,
            len(batch.offer.deliveries),
            batch.offered,
            outcome.stored,
            outcome.duplicates,
            outcome.conflicts,
            outcome.rejected,
            *_columns(record_of(batch)),
        )
        return outcome


_Write = Callable[[Connection, Rows, int], Awaitable[Written]]
T = TypeVar("T")


async def _merging(merge: Callable[[], Awaitable[T]]) -> T:
    """Merge again as long as somebody else has stored one of the keys meanwhile."""
    tries = 0
    while True:
        try:
            return await merge()
        except KeyConflictError as error:
            tries += 1
            if tries == _MERGES:
                raise StorageError(
                    f"the batch's keys, or its number, are being committed by others: {error}"
                ) from error


async def committed(connection: Connection, number: int) -> Outcome | None:
    """What became of batch `number`, None when it was not committed: its commit's answer may have been lost."""
    with translating():
        row = await connection.fetchrow(SQL.committed_batch, number)
    return Outcome(**row) if row else None


async def reserve_numbers(connection: Connection, count: int) -> list[int]:
    """Numbers for the next `count` batches; an unused one is a gap and means nothing."""
    with translating():
        return [row[0] for row in await connection.fetch(SQL.reserve_numbers, count)]


async def find_refused(connection: Connection, rows: Rows) -> tuple[NDArray[np.bool_], str]:
    """Which single rows the database refuses, by halving, and its message for the last of them.

    Nothing is committed. Takes about 2 g log n attempts for g such rows of n.
    """
    refused = np.zeros(len(rows), np.bool_)
    detail = ""
    suspects = [slice(0, len(rows))]
    while suspects:
        part = suspects.pop()
        message = await _try(connection, rows.take(part))
        if message is None:
            continue
        if part.stop - part.start == 1:
            refused[part], detail = True, message
            continue
        middle = (part.start + part.stop) // 2
        suspects += [slice(part.start, middle), slice(middle, part.stop)]
    return refused, detail


async def _try(connection: Connection, rows: Rows) -> str | None:
    """What the database says against `rows`, None for nothing; always rolled back."""
    return await _merging(lambda: _try_once(connection, rows))


async def _try_once(connection: Connection, rows: Rows) -> str | None:
    with translating():
        transaction = connection.transaction()
        await transaction.start()
        try:
            with translating():
                await merge_rows(connection, rows, 0)
        except KeyConflictError:
            raise
        except StorageRejectedError as error:
            return str(error)
        finally:
            await transaction.rollback()
    return None


def _columns(record: EnvelopeRecord) -> tuple[list[str] | list[int], ...]:
    return record.gateways, record.streams, record.sender, record.seq, record.readings, record.rejected


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
