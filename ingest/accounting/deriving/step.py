"""One step of accounting: some dirty batches become consumption and totals, in one transaction or not at all."""

from __future__ import annotations

from dataclasses import dataclass

from energy.storage import Connection, translating
from ingest.accounting.algebra.counters import consumption
from ingest.accounting.deriving import store


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step did.

    Attributes:
        batches: dirty batches dealt with.
        waiting: those that still wait.
        readings: readings that were read.
        intervals: quarter hours that were computed.
        newest_ms: time of the newest reading used, ms since 1970 UTC; None without readings.
        standby: another worker is at it, so that nothing was done.
    """

    batches: int = 0
    waiting: int = 0
    readings: int = 0
    intervals: int = 0
    newest_ms: int | None = None
    standby: bool = False


async def step(connection: Connection, *, limit: int, gap_intervals: float) -> Progress:
    """Derive what at most `limit` batches made dirty; the marks disappear with the same commit.

    What is written depends on the raw readings alone: a step may be repeated, and batches may come in any order.
    Raises as `energy.storage.translating` says; then nothing has changed.
    """
    with translating():
        async with connection.transaction():
            if not await store.lock(connection):
                return Progress(standby=True)
            taken = await store.take(connection, limit, gap_intervals)
            if not taken.stretches.point:
                return Progress(batches=taken.batches, waiting=taken.waiting - taken.batches)
            readings = await store.read(connection, taken.stretches)
            found = consumption(readings, taken.stretches.series)
            await store.write(connection, taken.stretches, found)
            await store.notify_totals(connection)
    return Progress(
        batches=taken.batches,
        waiting=taken.waiting - taken.batches,
        readings=len(readings.at),
        intervals=len(found),
        newest_ms=int(readings.at.max(initial=0)) or None,
    )
