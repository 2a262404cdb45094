"""Whose key is taken: only that of a reading is a matter for the merge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from energy.errors import SchemaError, StorageError
from energy.storage import KeyConflictError

_READINGS = "readings_point_ts"
_NUMBERED = frozenset({"ingest_batch_pkey", "derivation_dirty_pkey", "batch_envelopes_pkey"})


class NumberTakenError(StorageError):
    """The batch's number is in use: by the batch itself, whose commit was not noticed, or by another one."""


@contextmanager
def telling_keys(number: int) -> Iterator[None]:
    """Let only conflicts of readings' keys pass as such, while batch `number` is written.

    Raises:
        KeyConflictError: the key of a reading is taken.
        NumberTakenError: the number is.
        SchemaError: a unique constraint that is none of ours does not hold; no attempt would end that.
    """
    try:
        yield
    except KeyConflictError as error:
        # The name of a chunk's index, or of one that is rebuilt, holds the table's. Of compressed rows none is given.
        if not error.constraint or _READINGS in error.constraint:
            raise
        if error.constraint in _NUMBERED:
            raise NumberTakenError(
                f"batch number {number} is in use; if this goes on, the sequence batch_id is behind: "
                "set it to the highest batch of ingest_batch"
            ) from error
        raise SchemaError(
            f"a unique constraint that is none of ours, {error.constraint}, refuses readings: {error}",
            advice="Drop the constraint, or replace it by a check, which refuses single readings.",
        ) from error
