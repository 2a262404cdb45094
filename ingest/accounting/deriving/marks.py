"""What is dirty: read batch by batch, done with group by group, gone when every group has done it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from energy.storage import Connection, load_queries
from energy.storage.binary import copy_out
from ingest.accounting.algebra.columns import Ints
from ingest.accounting.deriving.arrays import elements, fields_of
from ingest.accounting.deriving.spans import Stretches

_SQL = load_queries("ingest.accounting.deriving", "marks.sql")


class Source(IntEnum):
    """Where a batch of marks comes from."""

    PLAIN = 0
    """Ingest, and none of its readings contradicts another one."""
    CONTESTED = 1
    """Ingest, and some do."""
    OTHER = 2
    """An edit, the registry, a gap whose references changed."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch touched.

    Attributes:
        number: of the batch.
        source: where it comes from.
        done: groups that are done with it.
        marks: per point the first and the last reading touched.
    """

    number: int
    source: Source
    done: frozenset[int]
    marks: Stretches


async def read(connection: Connection, known: Collection[int], groups: Collection[int], limit: int) -> list[Batch]:
    """Up to `limit` batches that are not `known` and not yet done by all of `groups`, in the order of their numbers."""
    rows = fields_of(await copy_out(connection, _SQL.read, list(known), list(groups), limit))
    return [_batch(*row) for row in rows]


async def finish(connection: Connection, batches: Collection[int], groups: Collection[int], total: int) -> None:
    """`groups`, of `total`, are done with `batches`; those that all are done with go away."""
    if batches and len(groups) < total:
        await connection.execute(_SQL.done, list(batches), list(groups))
        await connection.execute(_SQL.clear, total)
    elif batches:
        await connection.execute(_SQL.finish, list(batches))


async def clear(connection: Connection) -> None:
    """Take away what all groups are done with: of two that end the last ones at once, neither sees the other's."""
    await connection.execute(_SQL.clear, await connection.fetchval(_SQL.groups))


async def waiting(connection: Connection) -> int:
    """How many batches are dirty."""
    count: int = await connection.fetchval(_SQL.waiting)
    return count


def _batch(*row: bytes | None) -> Batch:
    number, source, done, points, since, until = (field or b"" for field in row)
    marks = Stretches(elements(points, "int4"), elements(since, "time"), elements(until, "time"))
    return Batch(
        int.from_bytes(number, "big", signed=True),
        Source(source[-1]),
        frozenset(elements(done, "int4").tolist()),
        marks,
    )


def batch_of(batches: list[Batch]) -> Ints:
    """For each mark of all batches, one after the other, the index of its batch."""
    return np.repeat(np.arange(len(batches)), [len(batch.marks) for batch in batches])
