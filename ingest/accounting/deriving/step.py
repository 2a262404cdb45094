"""One step of deriving: what is dirty becomes consumption and totals, in one transaction or not at all.

Two ways lead to the same rows. Points that are calm and simply go on do so from where they stand (`algebra.tails`),
all of them at once. Everything else is derived from its readings, a portion at each step, so that it never holds the
others up for long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from energy.storage import Connection, load_queries, translating
from ingest.accounting.deriving import forward, groups, marks
from ingest.accounting.deriving.again import Again, derive_again
from ingest.accounting.deriving.bearing import mark_bearing
from ingest.accounting.deriving.memory import Memory
from ingest.accounting.deriving.points import load_points, registry_version
from ingest.accounting.deriving.readings import extent_of
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.sorting import sorted_out
from ingest.accounting.deriving.spans import Stretches, joined
from ingest.accounting.totals.refresh import refresh_marked, take_unit_marks

_SQL = load_queries("ingest.accounting.deriving", "marks.sql")
_MOST_UNITS = 64
"""So many marked units are totalled in one step."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step did.

    Attributes:
        batches: dirty batches of which nothing is left to do.
        waiting: those that still wait, for this worker or another one.
        readings: readings that were read.
        intervals: quarter hours that were computed.
        forward: of these, those of points that went on from where they stood.
        newest_ms: time of the newest reading used, ms since 1970 UTC; None without readings.
        standby: no group is left to this worker just now, so that nothing was done.
        more: something is left to do at once.
    """

    batches: int = 0
    waiting: int = 0
    readings: int = 0
    intervals: int = 0
    forward: int = 0
    newest_ms: int | None = None
    standby: bool = False
    more: bool = False


class Deriver:
    """One worker's steps; they must not overlap.

    Args:
        rules: what may be set.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._memory = Memory()
        self._connection: Connection | None = None
        self._worker = 0

    async def step(self, connection: Connection) -> Progress:
        """Derive some of what is dirty; the marks of what is done disappear with the same commit.

        What is written depends on readings, registry and records alone: a step may be repeated, and batches may come
        in any order. Raises as `energy.storage.translating` says; then nothing has changed.
        """
        with translating():
            if connection is not self._connection:
                self._memory, self._worker = Memory(), await groups.enter(connection)
                self._connection = connection
            try:
                async with connection.transaction():
                    return await self._step(connection)
            except BaseException:
                # Whether the commit happened is not known: what is remembered may be of either side of it.
                self._memory = Memory()
                raise

    async def claim(self, connection: Connection) -> None:
        """Take a share of the groups; to be done now and then, and before the first step."""
        with translating():
            if connection is not self._connection:
                self._memory, self._worker = Memory(), await groups.enter(connection)
                self._connection = connection
            async with connection.transaction():
                await groups.claim(connection, self._worker)
                await marks.clear(connection)

    async def leave(self, connection: Connection) -> None:
        """Leave all groups to others."""
        with translating():
            if connection is self._connection:
                await groups.leave(connection, self._worker)
                self._connection = None

    async def _step(self, connection: Connection) -> Progress:
        memory, rules = self._memory, self._rules
        total, steps = await groups.lock(connection, self._worker)
        memory.hold(total, steps)
        if not steps:
            return Progress(standby=True)
        held = sorted(steps)
        batches = await marks.read(connection, memory.pending.batches, held, rules.batches)
        # After the marks: a registry that changed later has marks of its own, which come later.
        if memory.points is None or memory.points.version != await registry_version(connection):
            memory.use(await load_points(connection))
        work = sorted_out(memory, batches, np.array(held))
        await mark_bearing(connection, memory, batches)
        gone = await forward.go(connection, memory, work, rules)
        done = await self._again(connection, [batch.number for batch in batches], joined(work.again, gone.left))
        totalled = await self._units(connection, held, total)
        finished = memory.pending.done()
        await marks.finish(connection, finished, held, total)
        if batches or finished or done.intervals:
            await groups.count_step(connection, held)
            memory.stepped()
        if totalled or gone.intervals or done.intervals:
            await connection.execute(_SQL.notify_totals)
        newest = max(gone.newest_ms, done.newest_ms)
        return Progress(
            batches=len(finished),
            waiting=await marks.waiting(connection),
            readings=gone.readings + done.readings,
            intervals=gone.intervals + done.intervals,
            forward=gone.intervals,
            newest_ms=newest or None,
            more=totalled or len(memory.pending) > 0 or len(batches) == rules.batches,
        )

    async def _again(self, connection: Connection, batches: list[int], marks: Stretches) -> Again:
        """Let what could not go on wait with the rest, and derive a portion of what waits."""
        pending = self._memory.pending
        if not len(marks) and not len(pending):
            pending.add(batches, marks)
            return Again(Stretches.none())
        extent = await extent_of(connection)
        since, until = np.maximum(marks.since, extent.since), np.minimum(marks.until, extent.until)
        clipped = Stretches(marks.point, since, until)
        pending.add(batches, clipped.take(since <= until))
        portion = pending.portion(self._rules.readings)
        done = await derive_again(connection, self._memory, portion, self._rules, extent)
        pending.put_back(done.rest)
        return done

    async def _units(self, connection: Connection, held: list[int], total: int) -> bool:
        """Total again what was marked of units of these groups without an interval having changed."""
        units = [row["unit_id"] for row in await connection.fetch(_SQL.marked_units, total, held, _MOST_UNITS)]
        if not units:
            return False
        await refresh_marked(connection, await take_unit_marks(connection, units))
        return True
