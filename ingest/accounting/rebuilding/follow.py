"""What follows from a rebuild as a whole: gaps whose references it changed, and rollups; or the check of rollups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np

from energy.storage import Connection, load_queries, translating
from ingest.accounting.algebra.columns import Ints
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.step import Deriver
from ingest.accounting.rebuilding.rebuild import written
from ingest.accounting.rollups.marks import BLOCK, START, lock
from ingest.accounting.rollups.rolling import roll
from ingest.accounting.rollups.step import step
from ingest.accounting.validation.loading import Checks

_SQL = load_queries("ingest.accounting.rebuilding", "rebuild.sql")

TABLES = ("consumption_hour", "consumption_day", "consumption_month")
"""What rolling up writes."""
_STEP_DAYS = 16


async def follow_up(connection: Connection, rules: Rules, checks: Checks) -> None:
    """Derive what the rebuild marked, as far as no worker does, and roll up all that is marked.

    Gaps are marked whose course rests on quarter hours that the rebuild changed. Raises as
    `energy.storage.translating` says.
    """
    deriver = Deriver(rules)
    await deriver.claim(connection)
    while (progress := await deriver.step(connection)).more or progress.batches:
        pass
    await deriver.leave(connection)
    last = START
    while (done := await step(connection, checks, before=date.max, limit=_STEP_DAYS, after=last)).last is not None:
        last = done.last


async def check_rollups(connection: Connection, points: Ints, since: int, until: int) -> dict[str, int]:
    """By table, how many hours, days and months of the blocks of `points` are not what quarter hours say.

    Those of [since, until), ms, as they stand; days that are marked are not judged: they are known to be behind.
    Changes nothing. Raises as `energy.storage.translating` says.
    """
    differing: dict[str, int] = {}
    with translating():
        for block in np.unique(points // BLOCK).tolist():
            marked = {row["day"] for row in await connection.fetch(_SQL.marked_days, block)}
            for days in _days(since, until):
                judged = [day for day in days if not marked & {day, *_beside(day)}]
                found = await _differing(connection, block, judged) if judged else {}
                differing |= {name: differing.get(name, 0) + count for name, count in found.items()}
    return differing


async def _differing(connection: Connection, block: int, days: list[date]) -> dict[str, int]:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await lock(connection, block)
        before = await written(connection)
        await roll(connection, block, days)
        after = await written(connection)
    finally:
        await transaction.rollback()
    return {name: count for name in TABLES if (count := after.get(name, 0) - before.get(name, 0))}


def _days(since: int, until: int) -> Iterator[list[date]]:
    """The UTC days of a span, some at a time."""
    day, beyond = (datetime.fromtimestamp(at / 1000, UTC).date() for at in (since, until - 1))
    while day <= beyond:
        count = min((beyond - day).days + 1, _STEP_DAYS)
        yield [day + timedelta(days=n) for n in range(count)]
        day += timedelta(days=count)


def _beside(day: date) -> Iterator[date]:
    """The days that a day or an hour of a zone may share with it."""
    yield from (day - timedelta(days=1), day + timedelta(days=1))
