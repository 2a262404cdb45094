"""Marks the days of readings that may change no interval and still bear on what checks find.

Voltages, currents and powers of a meter derive nothing, and a value that contradicts another one may not be effective.
"""

from __future__ import annotations

import numpy as np

from energy.storage import Connection
from ingest.accounting.deriving.core import moments
from ingest.accounting.deriving.marks import Batch, Source, batch_of
from ingest.accounting.deriving.memory import Memory
from ingest.accounting.deriving.spans import Stretches, joined
from ingest.accounting.rollups.marks import BLOCK, mark

_DAY_MS = 86_400_000


async def mark_bearing(connection: Connection, memory: Memory, batches: list[Batch]) -> None:
    """Mark the UTC days of blocks for which `batches` bring conflicts, or readings of points that derive nothing.

    One stretch stands for all of a block that touch the same days: so many points are few marks.
    """
    every = joined(Stretches.none(), *(batch.marks for batch in batches))
    source = np.array([batch.source for batch in batches], np.int64)[batch_of(batches)]
    _, derives = memory.places(every.point)
    bearing = every.take((source == Source.CONTESTED) | (~derives & (source == Source.PLAIN)))
    if not len(bearing):
        return
    days = np.stack([bearing.point // BLOCK, bearing.since // _DAY_MS, bearing.until // _DAY_MS])
    _, first = np.unique(days, axis=1, return_index=True)
    one = bearing.take(first)
    await mark(connection, one.point.tolist(), moments(one.since), moments(one.until + 1))  # the last reading too
