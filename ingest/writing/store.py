"""The one transaction that makes a batch permanent: readings, conflicts, rejects, dirty marks, its own record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from energy.errors import StorageError, StorageRejectedError
from energy.queries import load_queries
from energy.storage import Connection, KeyConflictError, translating
from ingest.checking.batch import Batch
from ingest.checking.flags import keep_flags
from ingest.checking.rows import Rows, touched
from ingest.rejects.keep import keep_rejects
from ingest.writing.copy_format import (
    DIRTY_COLUMNS,
    READINGS_COLUMNS,
    STAGING_COLUMNS,
    encode_dirty,
    encode_readings,
    encode_staging,
)
from ingest.writing.envelopes import EnvelopeRecord, record_of

SQL = load_queries("ingest.writing", "writing.sql")

CHUNK_BYTES = 65_536
"""Bytes of one CopyData message."""


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
                return await self._transact(connection, batch, number, _copied)
            except KeyConflictError:
                pass  # resent or contradicting readings: only such a batch pays for the merge
        try:
            return await self._transact(connection, batch, number, _merged)
        except KeyConflictError as error:
            raise StorageError(f"batch {number} is being committed by a connection that was lost") from error

    async def _transact(self, connection: Connection, batch: Batch, number: int, write: _Write) -> Outcome:
        with translating():
            async with connection.transaction():
                stored, conflicts = await write(connection, batch.rows, number)
                if stored or conflicts:
                    await _copy(
                        connection, "derivation_dirty", DIRTY_COLUMNS, encode_dirty(touched(batch.rows), number)
                    )
                if batch.rejects:
                    await keep_rejects(connection, batch, number)
                if batch.fast.flags:
                    await keep_flags(connection, batch.fast.flags, number)
                return await self._record(connection, batch, number, stored, conflicts)

    async def _record(self, connection: Connection, batch: Batch, number: int, stored: int, conflicts: int) -> Outcome:
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


_Write = Callable[[Connection, Rows, int], Awaitable[tuple[int, int]]]


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
    with translating():
        transaction = connection.transaction()
        await transaction.start()
        try:
            with translating():
                await _merged(connection, rows, 0)
        except StorageRejectedError as error:
            return str(error)
        finally:
            await transaction.rollback()
    return None


async def _copied(connection: Connection, rows: Rows, number: int) -> tuple[int, int]:
    """Store rows of which no key is taken; counts of stored and conflicting rows."""
    if len(rows):
        await _copy(connection, "readings", READINGS_COLUMNS, encode_readings(rows, number))
    return len(rows), 0


async def _merged(connection: Connection, rows: Rows, number: int) -> tuple[int, int]:
    """Store rows whose key is free and keep those that contradict; counts of stored and conflicting rows."""
    await connection.execute(SQL.create_staging)
    await _copy(connection, "ingest_staging", STAGING_COLUMNS, encode_staging(rows, number))
    stored = await connection.execute(SQL.merge_staged)
    conflicts = await connection.execute(SQL.record_conflicts)
    return _count(stored), _count(conflicts)


async def _copy(connection: Connection, table: str, columns: tuple[str, ...], content: bytes) -> None:
    await connection.copy_to_table(table, source=chunks(content), columns=columns, format="binary")


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    """In pieces, so that the server starts to work before it has all."""
    for start in range(0, len(content), CHUNK_BYTES):
        yield content[start : start + CHUNK_BYTES]


def _columns(record: EnvelopeRecord) -> tuple[list[str] | list[int], ...]:
    return record.gateways, record.streams, record.sender, record.seq, record.readings, record.rejected


def _count(tag: str) -> int:
    """Rows of a command tag such as `INSERT 0 17`."""
    return int(tag.rsplit(" ", 1)[1])


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
