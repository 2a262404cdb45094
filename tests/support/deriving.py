"""Deriving in tests: one worker that works off everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from energy.storage import Connection
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.step import Deriver, Progress


@asynccontextmanager
async def worker(connection: Connection, rules: Rules | None = None) -> AsyncIterator[Deriver]:
    """A worker on `connection` with its share of the groups; it leaves them in order."""
    made = Deriver(rules or Rules())
    await made.claim(connection)
    yield made
    await made.leave(connection)


async def drained(deriver: Deriver, connection: Connection) -> Progress:
    """Step until nothing is dirty; the sums of all steps, and what still waits."""
    every = Progress()
    while True:
        one = await deriver.step(connection)
        every = replace(
            every,
            batches=every.batches + one.batches,
            readings=every.readings + one.readings,
            intervals=every.intervals + one.intervals,
            forward=every.forward + one.forward,
            newest_ms=max(every.newest_ms or 0, one.newest_ms or 0) or None,
            waiting=one.waiting,
            standby=one.standby,
        )
        if not one.more and not one.batches:
            return every


async def derive_all(connection: Connection, rules: Rules | None = None) -> Progress:
    """Derive everything that is dirty, as a worker that starts, works and ends."""
    async with worker(connection, rules) as deriver:
        return await drained(deriver, connection)
