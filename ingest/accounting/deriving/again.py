"""The way that is always right: points are derived again from their readings, around all that is dirty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from energy.storage import Connection
from energy.storage.binary import LATEST_MS
from ingest.accounting.algebra.columns import Bools, Consumption, Ints, Kind
from ingest.accounting.algebra.tails import tails
from ingest.accounting.deriving.core import derive, follow
from ingest.accounting.deriving.kept import spared
from ingest.accounting.deriving.memory import Memory
from ingest.accounting.deriving.points import Points
from ingest.accounting.deriving.readings import Extent, read_around
from ingest.accounting.deriving.rows import forget_gaps, write
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.spans import Stretches, closed, joined, opened
from ingest.accounting.edits.loading import Edits, edits_of


@dataclass(frozen=True, slots=True)
class Again:
    """How much was derived again.

    Attributes:
        rest: what is still dirty beyond it.
        readings, intervals: how many were read and computed.
        newest_ms: time of the newest reading; 0 without one.
    """

    rest: Stretches
    readings: int = 0
    intervals: int = 0
    newest_ms: int = 0


async def derive_again(
    connection: Connection, memory: Memory, portion: tuple[Stretches, Ints], rules: Rules, extent: Extent
) -> Again:
    """Derive what a portion of dirty stretches makes dirty; and remember where calm points stand then.

    Args:
        connection: in the step's transaction.
        memory: of this worker.
        portion: stretches, sorted and apart, and how far they go on: all of that is dirty, and the rest is returned.
        rules: what to go by.
        extent: where anything lies at all.
    """
    dirty, ends = portion
    place, known = memory.places(dirty.point)
    gone = dirty.take(~known)
    await _withdraw(connection, gone, rules)
    left = _beyond(gone, ends[~known], gone.until)
    dirty, ends, place = dirty.take(known), ends[known], place[known]
    if not len(dirty):
        return Again(left)
    memory.calm[place] = False
    dirty = _reaching_back(memory.registry, dirty, place)
    around = await read_around(connection, memory.registry, dirty, extent, memory.oldest[place])
    np.maximum.at(memory.oldest, place, around.oldest)
    np.minimum.at(memory.oldest, place, around.first)
    around = await spared(connection, memory.registry, around)
    if not len(around.stretches):
        return Again(joined(left, _beyond(dirty, ends, around.following)))
    series = memory.registry.series(around.place, around.stretches.since, around.stretches.until, rules.gap_intervals)
    derived, _ = await derive(connection, around.stretches, series, around.readings, rules.estimation)
    standing, calm = tails(around.readings, series)
    edited = _said(derived.edits, len(around.stretches))
    calm &= around.newest & ~edited
    calm[calm] = ~await _said_later(connection, around.stretches.point[calm], standing.at[calm])
    memory.remember(around.place[calm], standing.chosen(calm), np.ones(int(calm.sum()), np.bool_))
    # All up to the next reading is done; without one, all that readings make. What people set goes on without them.
    said = np.isin(dirty.point, around.stretches.point[edited])
    left = joined(left, _beyond(dirty, ends, np.where(said, dirty.until, around.following)))
    newest = int(around.readings.at.max(initial=0))
    return Again(left, len(around.readings.at), len(derived.rows), newest)


def _beyond(dirty: Stretches, ends: Ints, since: Ints) -> Stretches:
    """What of stretches that go on to `ends` is left from `since` on."""
    cut = (ends > dirty.until) & (since <= ends)
    return Stretches(dirty.point[cut], since[cut], ends[cut])


def _reaching_back(points: Points, dirty: Stretches, place: Ints) -> Stretches:
    """Of interval meters from an interval earlier on: the first reading of all speaks of a time before any."""
    back = np.where(points.kind[place] == Kind.INTERVAL, points.interval_ms[place], 0)
    return Stretches(dirty.point, dirty.since - back, dirty.until)


async def _withdraw(connection: Connection, gone: Stretches, rules: Rules) -> None:
    """Nothing is derived any more of points that are not registered, or not as any that are counted."""
    if not len(gone):
        return
    stretches = Stretches(gone.point, opened(gone.since), closed(gone.until))
    nothing: Ints = np.empty(0, np.int64)
    changed = await write(connection, stretches, Consumption(*[nothing] * len(Consumption.__slots__)))
    await forget_gaps(connection, stretches)
    await follow(connection, changed.stretches, changed.stretches, changed.measured, rules.estimation)


async def _said_later(connection: Connection, points: Ints, since: Ints) -> Bools:
    """Of which points anybody said anything of the time from `since` on: its readings may still be under way."""
    return _said(await edits_of(connection, points, since, np.full(len(points), LATEST_MS)), len(points))


def _said(edits: Edits, count: int) -> Bools:
    """The series of which anybody said anything."""
    said = np.zeros(count, np.bool_)
    for part in (edits.changes, edits.excluded, edits.amounts, edits.accepted):
        said[part.series] = True
    return said
