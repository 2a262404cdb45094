"""Marks days whose intervals changed, and takes marks so that no change is lost, without a lock on whoever derives.

Marking must cost a step of deriving next to nothing: a day that is marked already is only looked at, and no row is
locked. So a step may have seen a mark just before it is taken, and commit its intervals after. Whoever takes marks
therefore first commits that they are taken (from then on, steps mark anew), then waits until every transaction that was
under way has ended, and only then reads intervals. Views compute marked days from the intervals themselves; so whoever
reads never sees a rollup that is behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from energy.storage import Connection, load_queries

_SQL = load_queries("ingest.accounting.rollups", "marks.sql")

BLOCK = 1000
"""Points in a block: what is marked, and rolled up, together."""


async def mark(
    connection: Connection, points: Sequence[int], since: Sequence[datetime], until: Sequence[datetime]
) -> None:
    """Mark the days that the stretches [since, until) of `points` touch.

    Belongs into the transaction that changes intervals, after it has written them.
    """
    await connection.execute(_SQL.mark, points, since, until)
