"""The way that is always right: points are derived again from their readings, around all that is dirty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from energy.storage import Connection
from ingest.accounting.algebra.columns import Bools, Consumption, Ints
from ingest.accounting.algebra.tails import tails
from ingest.accounting.deriving.core import Derived, derive, follow
from ingest.accounting.deriving.memory import Memory
from ingest.accounting.deriving.readings import Extent, read_around
from ingest.accounting.deriving.rows import forget_gaps, write
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.spans import Stretches, closed, opened


@dataclass(frozen=True, slots=True)
class Again:
    """How much was derived again; `newest_ms` is the time of the newest reading, 0 without one."""

    readings: int = 0
    intervals: int = 0
    newest_ms: int = 0


async def derive_again(connection: Connection, memory: Memory, dirty: Stretches, rules: Rules, extent: Extent) -> Again:
    """Derive what `dirty` stretches, sorted and apart, make dirty; and remember where calm points stand then."""
    place, known = memory.places(dirty.point)
    await _withdraw(connection, dirty.take(~known), rules)
    dirty, place = dirty.take(known), place[known]
    if not len(dirty):
        return Again()
    memory.calm[place] = False
    around = await read_around(connection, memory.registry, dirty, extent)
    series = memory.registry.series(around.place, around.stretches.since, around.stretches.until, rules.gap_intervals)
    derived, _ = await derive(connection, around.stretches, series, around.readings, rules.estimation)
    standing, calm = tails(around.readings, series)
    calm &= around.newest & ~_edited(derived, len(around.stretches))
    memory.remember(around.place[calm], standing.chosen(calm), np.ones(int(calm.sum()), np.bool_))
    return Again(len(around.readings.at), len(derived.rows), int(around.readings.at.max(initial=0)))


async def _withdraw(connection: Connection, gone: Stretches, rules: Rules) -> None:
    """Nothing is derived any more of points that are not registered, or not as any that are counted."""
    if not len(gone):
        return
    stretches = Stretches(gone.point, opened(gone.since), closed(gone.until))
    nothing: Ints = np.empty(0, np.int64)
    changed = await write(connection, stretches, Consumption(*[nothing] * len(Consumption.__slots__)))
    await forget_gaps(connection, stretches)
    await follow(connection, changed.stretches, changed.stretches, changed.measured, rules.estimation)


def _edited(derived: Derived, count: int) -> Bools:
    """The series of which anybody said anything."""
    edits = derived.edits
    said = np.zeros(count, np.bool_)
    for part in (edits.changes, edits.excluded, edits.amounts, edits.accepted):
        said[part.series] = True
    return said
