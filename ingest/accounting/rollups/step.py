"""One step of rolling up: some marked days, each block of points in a transaction of its own.

With the same commit the days are marked to be judged by the checks of `validation`, which rest on the same intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import groupby

from energy.storage import Connection, translating
from ingest.accounting.rollups.marks import START, Marked, kept_from, lock, settle, take
from ingest.accounting.rollups.rolling import roll
from ingest.accounting.validation import queue
from ingest.accounting.validation.loading import Checks


@dataclass(frozen=True, slots=True)
class Rolled:
    """What a step did.

    Attributes:
        days: days of blocks that were rolled up.
        changed: hours, days and months that this changed.
        last: where the next step goes on; None when nothing was left.
    """

    days: int = 0
    changed: int = 0
    last: Marked | None = None


async def step(  # noqa: PLR0913 - which days, and what of them
    connection: Connection,
    checks: Checks,
    *,
    before: date,
    limit: int,
    after: Marked = START,
    at_once: bool = False,
) -> Rolled:
    """Roll up at most `limit` marked days that lie before the UTC day `before`, the next ones after `after`.

    Outside a transaction; cut off at any moment, what it had taken stays marked. What the findings by `checks` rest on
    is marked to be judged, open days too if it is to be `at_once`. Raises as `energy.storage.translating` says.
    """
    changed = 0
    with translating():
        taken = await take(connection, before=before, after=after, limit=limit)
        for block, of_block in groupby(taken, lambda one: one.block):
            marked = list(of_block)
            days = [one.day for one in marked]
            async with connection.transaction():
                await lock(connection, block)
                first = await kept_from(connection)
                kept = [day for day in days if day >= first]
                changed += await roll(connection, block, kept)
                await queue.mark(connection, block, kept, checks, at_once=at_once)
                await settle(connection, [mark for one in marked for mark in taken[one]])
    return Rolled(len(taken), changed, next(reversed(taken), None))
