"""Looks for the rows that the database refuses, so that all others can be stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import numpy as np
from numpy.typing import NDArray

from energy.errors import StorageRejectedError
from energy.storage import Connection, KeyConflictError, translating
from ingest.checking.batch import Batch
from ingest.checking.rows import Rows
from ingest.writing.keys import telling_keys
from ingest.writing.merge import merge_rows, merging

Refusal = Callable[[Rows], Awaitable[str | None]]
"""Tries some rows; what the database says against them, None for nothing."""


async def without_refused(refusal: Refusal, batch: Batch, error: StorageRejectedError) -> Batch:
    """The batch without the rows for which the database refused it.

    Raises:
        StorageRejectedError: it is refused for something else.
        QuotawattError: whatever `refusal` raises.
    """
    refused, detail = await find_refused(refusal, batch.rows)
    if not refused.any():
        raise StorageRejectedError(
            f"the database refuses a batch of which it takes every single row: {error}",
            advice="Look for a constraint or trigger on the tables of ingest that is not of this version.",
        ) from error
    return batch.refusing(refused, detail)


async def find_refused(refusal: Refusal, rows: Rows) -> tuple[NDArray[np.bool_], str]:
    """Which single rows are refused, by halving, and the reason for the last of them.

    Takes about 2 g log n attempts for g such rows of n.

    Args:
        refusal: asks the database.
        rows: those that were refused together.
    """
    refused = np.zeros(len(rows), np.bool_)
    detail = ""
    suspects = [slice(0, len(rows))] if len(rows) else []
    while suspects:
        part = suspects.pop()
        message = await refusal(rows.take(part))
        if message is None:
            continue
        if part.stop - part.start == 1:
            refused[part], detail = True, message
            continue
        middle = (part.start + part.stop) // 2
        suspects += [slice(part.start, middle), slice(middle, part.stop)]
    return refused, detail


async def refusal_of(connection: Connection, rows: Rows) -> str | None:
    """What the database says against `rows`, None for nothing; always rolled back.

    Raises:
        StorageError, FatalError: as `energy.storage.translating` says.
    """
    return await merging(lambda: _try(connection, rows))


async def _try(connection: Connection, rows: Rows) -> str | None:
    with translating():
        transaction = connection.transaction()
        await transaction.start()
        try:
            with telling_keys(0), translating():
                await merge_rows(connection, rows, 0)
        except KeyConflictError:
            raise
        except StorageRejectedError as error:
            return str(error)
        finally:
            await transaction.rollback()
    return None
