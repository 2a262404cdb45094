"""The one transaction that makes a batch permanent: readings, conflicts, rejects, dirty marks, its own record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from energy.storage import Connection, KeyConflictError, translating
from ingest.checking.batch import Batch
from ingest.checking.flags import keep_flags
from ingest.checking.rows import Rows, touched
from ingest.rejects.keep import keep_rejects
from ingest.writing.copy_format import DIRTY_COLUMNS, encode_dirty
from ingest.writing.envelopes import EnvelopeRecord, record_of
from ingest.writing.keys import telling_keys
from ingest.writing.merge import SQL, Written, copy, copy_rows, merge_rows, merging


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
            NumberTakenError: likewise, but when it is not committed take another number.
            StorageRejectedError: the database refuses the data; nothing is committed.
            FatalError: as `energy.storage.translating` says.
        """
        if not batch.rows.contested:
            try:
                return await self._transact(connection, batch, number, copy_rows)
            except KeyConflictError:
                pass  # resent or contradicting readings: only such a batch pays for the merge
        return await merging(lambda: self._transact(connection, batch, number, merge_rows))

    async def committed(self, connection: Connection, batch: Batch, number: int) -> Outcome | None:
        """What became of `batch` as batch `number`, None when it was not committed: the answer may have been lost.

        Another batch may have that number, where the sequence went back: after a failover that lost its latest steps.
        """
        received_at = _time(batch.offer.received_ms)
        with translating():
            row = await connection.fetchrow(
                SQL.committed_batch, number, self.worker, received_at, len(batch.offer.deliveries), batch.offered
            )
        return Outcome(**row) if row else None

    async def _transact(self, connection: Connection, batch: Batch, number: int, write: _Write) -> Outcome:
        with telling_keys(number), translating():
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


async def reserve_numbers(connection: Connection, count: int) -> list[int]:
    """Numbers for the next `count` batches; an unused one is a gap and means nothing."""
    with translating():
        return [row[0] for row in await connection.fetch(SQL.reserve_numbers, count)]


def _columns(record: EnvelopeRecord) -> tuple[list[str] | list[int], ...]:
    return record.gateways, record.streams, record.sender, record.seq, record.readings, record.rejected


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
