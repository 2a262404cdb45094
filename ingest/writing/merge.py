"""Two ways to store the rows of a batch: by COPY alone where no key is taken, else those by COPY whose keys are free.

Which keys are taken is looked up, a step down the index each, instead of inserting row by row and letting the database
find out: that is several times slower. If another worker stores one of the keys meanwhile, COPY fails and all begins
anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from energy.errors import StorageError
from energy.queries import load_queries
from energy.storage import Connection, KeyConflictError
from ingest.checking.rows import Rows
from ingest.writing.copy_format import READINGS_COLUMNS, STAGING_COLUMNS, encode_readings, encode_staging

SQL = load_queries("ingest.writing", "writing.sql")

CHUNK_BYTES = 65_536
"""Bytes of one CopyData message."""
_DAY_MS = 86_400_000
_MOST_STRETCHES = 64
_MERGES = 5
"""So often a merge is tried at once; each failure means that somebody else has stored one of its keys meanwhile."""

T = TypeVar("T")


class Written(NamedTuple):
    """How many rows became new ones of `readings`, and of `reading_conflicts`."""

    stored: int
    conflicts: int


async def copy_rows(connection: Connection, rows: Rows, number: int) -> Written:
    """Store rows of which no key is taken; raises asyncpg's unique violation where one is."""
    if len(rows):
        await copy(connection, "readings", READINGS_COLUMNS, encode_readings(rows, number))
    return Written(len(rows), 0)


async def merge_rows(connection: Connection, rows: Rows, number: int) -> Written:
    """Store the rows whose key is free, keep those that contradict what is stored, and drop repetitions.

    Within the batch the effective one of a key is stored, the others contradict it.
    Raises asyncpg's unique violation where somebody else stored a key meanwhile: to be tried again.
    """
    await connection.execute(SQL.prepare_staging)
    await copy(connection, "ingest_staging", STAGING_COLUMNS, encode_staging(rows, number))
    taken, contradicting = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    for since, until in stretches(rows.at):
        found = await connection.fetchrow(SQL.find_taken, since, until)
        assert found is not None  # noqa: S101 - an aggregate has one row
        taken[found["taken"]] = True
        contradicting[found["contradicting"]] = True
    fresh = rows.effective & ~taken
    contradicting |= ~rows.effective & ~taken
    await copy_rows(connection, rows.take(fresh), number)
    conflicts = 0
    if contradicting.any():
        tag = await connection.execute(SQL.keep_conflicts, np.flatnonzero(contradicting).tolist())
        conflicts = int(tag.rsplit(" ", 1)[1])  # such as INSERT 0 17
    return Written(int(fresh.sum()), conflicts)


async def merging(merge: Callable[[], Awaitable[T]]) -> T:
    """Do `merge`, again as long as somebody else has stored one of the keys meanwhile.

    Raises:
        StorageError: that goes on.
        QuotawattError: whatever else `merge` raises.
    """
    for _ in range(_MERGES - 1):
        with suppress(KeyConflictError):
            return await merge()
    try:
        return await merge()
    except KeyConflictError as error:
        raise StorageError(f"others are storing the batch's keys: {error}") from error


def stretches(at: NDArray[np.int64]) -> Iterator[tuple[datetime, datetime]]:
    """Stretches of time, the second end excluded, that hold all of `at` (ms UTC): whole days, of which none is empty.

    A look-up within a stretch goes to the chunks of that stretch alone, not to all that a batch reaches into.
    """
    days = np.unique(at // _DAY_MS)
    for group in np.array_split(days, min(len(days), _MOST_STRETCHES) or 1):
        if len(group):
            yield _time(int(group[0]) * _DAY_MS), _time((int(group[-1]) + 1) * _DAY_MS)


async def copy(connection: Connection, table: str, columns: tuple[str, ...], content: bytes) -> None:
    """Send `content`, encoded for COPY, into a table."""
    await connection.copy_to_table(table, source=chunks(content), columns=columns, format="binary")


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    """In pieces, so that the server starts to work before it has all."""
    for start in range(0, len(content), CHUNK_BYTES):
        yield content[start : start + CHUNK_BYTES]


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
