"""What follows from readings that upkeep has dropped stands: derived again from what is left, it would be less."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from energy.consumption import Method
from energy.storage import Connection, load_queries
from energy.storage.binary import LATEST_MS
from ingest.accounting.algebra.columns import Bools, Ints, Readings
from ingest.accounting.algebra.excursions import REACH
from ingest.accounting.algebra.quanta import quantised
from ingest.accounting.deriving.points import Points
from ingest.accounting.deriving.readings import Around
from ingest.accounting.deriving.spans import closed
from ingest.accounting.edits.loading import edits_of

_SQL = load_queries("ingest.accounting.deriving", "kept.sql")


async def spared(connection: Connection, points: Points, around: Around) -> Around:
    """`around` without the quarter hours that may follow from dropped readings.

    These are, of a point with quarter hours from before the time of which readings were dropped, all up to the
    (REACH + 1)-th usable reading that is left. What people set there is not taken away either.
    """
    floor = await connection.fetchval(_SQL.floor)
    if floor is None:
        return around
    stretches = around.stretches
    early, provable = await _early(connection, points, around)
    older = await connection.fetch(
        _SQL.derived_before,
        np.unique(stretches.point[early]).tolist(),
        datetime.fromtimestamp(floor / 1000, UTC),
        int(Method.EDIT),
    )
    early &= np.isin(stretches.point, [row["point_id"] for row in older])
    since = np.where(early, np.maximum(stretches.since, provable), stretches.since)
    kept = since < stretches.until
    within = kept[around.readings.series]
    readings = around.readings
    return replace(
        around,
        stretches=replace(stretches, since=since).take(kept),
        place=around.place[kept],
        newest=around.newest[kept],
        readings=Readings(
            (np.cumsum(kept) - 1)[readings.series[within]],
            readings.at[within],
            readings.value[within],
            readings.quality[within],
        ),
    )


async def _early(connection: Connection, points: Points, around: Around) -> tuple[Bools, Ints]:
    """Which stretches have fewer than REACH usable readings before them, and from when on each has as many."""
    stretches, readings = around.stretches, around.readings
    first, last = stretches.since.copy(), stretches.until.copy()
    np.minimum.at(first, readings.series, readings.at)
    np.maximum.at(last, readings.series, readings.at)
    edits = await edits_of(connection, stretches.point, first, last)
    known = points.series(around.place, stretches.since, stretches.until, 1.0)
    states, segments = quantised(readings, known, edits.changes, edits.excluded)
    series = segments.series[states.segment]
    before = np.bincount(series[states.at < stretches.since[series]], minlength=len(stretches))
    place, beyond = (np.searchsorted(series, np.arange(len(stretches)), side) for side in ("left", "right"))
    place = place + REACH
    at = np.append(states.at, LATEST_MS)
    return before < REACH, closed(np.where(place < beyond, at[np.minimum(place, len(states.at))], LATEST_MS))
