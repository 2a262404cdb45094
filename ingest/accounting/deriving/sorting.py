"""Which dirty points go on from where they stand, and which are derived again from their readings. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingest.accounting.algebra.columns import Bools, Ints
from ingest.accounting.deriving.marks import Batch, Source, batch_of
from ingest.accounting.deriving.memory import Memory
from ingest.accounting.deriving.spans import Stretches, joined


@dataclass(frozen=True, slots=True)
class Sorted:
    """Marks, sorted out.

    Attributes:
        forward: of points that may go on: sorted by (point, since), all of a point later than where it stands.
        contested: which of these come with readings that contradict others, of this point or another one.
        again: all others.
    """

    forward: Stretches
    contested: Bools
    again: Stretches


def sorted_out(memory: Memory, batches: list[Batch], held: Ints) -> Sorted:
    """The marks of `batches` that concern the groups `held` and are not done in them.

    A point goes on if all its marks are of ingest, follow each other and what it remembers, and nothing of it waits.
    """
    every = joined(Stretches.none(), *(batch.marks for batch in batches))
    origin = batch_of(batches)
    mine = _of_groups(memory, batches, every, origin, held)
    every, origin = every.take(mine), origin[mine]
    order = np.lexsort((every.since, every.point))
    every, origin = every.take(order), origin[order]
    source = np.array([batch.source for batch in batches], np.int64)[origin]
    place, known = memory.places(every.point)
    ready = known & memory.calm[place] if len(memory.calm) else known
    ready &= (source != Source.OTHER) & (every.since > memory.stands_at(place)) & ~memory.pending.holds(every.point)
    ready[1:] &= (every.point[1:] != every.point[:-1]) | (every.since[1:] > every.until[:-1])
    goes = ~np.isin(every.point, every.point[~ready])
    return Sorted(every.take(goes), source[goes] == Source.CONTESTED, every.take(~goes))


def _of_groups(memory: Memory, batches: list[Batch], every: Stretches, origin: Ints, held: Ints) -> Bools:
    group = memory.groups_of(every.point)
    mine = np.isin(group, held)
    for number, batch in enumerate(batches):
        if batch.done:
            mine &= (origin != number) | ~np.isin(group, list(batch.done))
    return mine
