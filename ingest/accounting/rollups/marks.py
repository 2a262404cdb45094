"""Marks days whose intervals changed, and takes marks so that no change is lost, without a lock on whoever derives.

Marking must cost a step of deriving next to nothing: a day that is marked already is only looked at, and no row is
locked. So a step may have seen a mark just before it is taken, and commit its intervals after. Whoever takes marks
therefore first commits that they are taken (from then on, steps mark anew), then waits until every transaction that was
under way has ended, and only then reads intervals. Views compute marked days from the intervals themselves; so whoever
reads a view never sees a rollup that is behind.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from energy.storage import Connection, load_queries

_SQL = load_queries("ingest.accounting.rollups", "marks.sql")

BLOCK = 1000
"""Points in a block: what is marked, and rolled up, together."""

_LOOK_S = 0.02


@dataclass(frozen=True, slots=True, order=True)
class Marked:
    """A UTC day of a block of points."""

    block: int
    day: date


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to do.

    Attributes:
        waiting: how many days of blocks are marked.
        edits: grows with each edit and each one that is undone.
        first_batch, last_batch: numbers of the batches that are not derived yet; None when all are.
    """

    waiting: int
    edits: int
    first_batch: int | None
    last_batch: int | None


START = Marked(-1, date.min)
"""Before all of them."""


async def mark(
    connection: Connection, points: Sequence[int], since: Sequence[datetime], until: Sequence[datetime]
) -> None:
    """Mark the days that the stretches [since, until) of `points` touch.

    Belongs into the transaction that changes intervals, after it has written them.
    """
    await connection.execute(_SQL.mark, points, since, until)


async def take(connection: Connection, *, before: date, after: Marked, limit: int) -> dict[Marked, list[int]]:
    """Take up to `limit` marked days that lie before `before`, the next ones after `after` in their order.

    Outside a transaction. When it returns, whatever was changed under these marks can be read. Returns the days in
    their order, each with the numbers of its marks.
    """
    async with connection.transaction():
        rows = await connection.fetch(_SQL.choose, before, after.block, after.day, limit)
    if rows:
        beyond = await connection.fetchval(_SQL.next_transaction)
        while not await connection.fetchval(_SQL.have_ended, beyond):  # noqa: ASYNC110 - others' transactions set no event
            await asyncio.sleep(_LOOK_S)
    found: defaultdict[Marked, list[int]] = defaultdict(list)
    for row in rows:
        found[Marked(row["block"], row["day"])].append(row["mark_id"])
    return dict(sorted(found.items()))


async def lead(connection: Connection) -> bool:
    """Whether this session is the one that rolls up what is marked, as long as it lasts; the others stand by."""
    return bool(await connection.fetchval(_SQL.lead))


async def lock(connection: Connection, block: int) -> None:
    """Until the end of the transaction nobody else rolls up `block`."""
    await connection.execute(_SQL.lock_block, block)


async def settle(connection: Connection, marks: Collection[int]) -> None:
    """Take `marks` away that `take` gave; in the transaction that rolls up their days."""
    await connection.execute(_SQL.settle, marks)


async def kept_from(connection: Connection) -> date:
    """The first day that can be rolled up: before it quarter hours were dropped, and what was made of them stands."""
    found: date | None = await connection.fetchval(_SQL.kept_from)
    return found or date.min


async def look(connection: Connection) -> Look:
    """What there is to do."""
    (row,) = await connection.fetch(_SQL.look)
    return Look(**dict(row))
