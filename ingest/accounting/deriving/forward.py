"""The fast way: calm points go on from where they stand, thousands at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from energy.storage import Connection
from ingest.accounting.algebra.columns import Consumption, Courses, Ints
from ingest.accounting.algebra.spreading import spread
from ingest.accounting.algebra.tails import forward
from ingest.accounting.deriving.core import follow
from ingest.accounting.deriving.memory import Memory
from ingest.accounting.deriving.readings import contested, raw_within
from ingest.accounting.deriving.rows import put
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.sorting import Sorted
from ingest.accounting.deriving.spans import Stretches, closed, joined, opened
from ingest.accounting.rollups.marks import BLOCK


@dataclass(frozen=True, slots=True)
class Gone:
    """How far points went.

    Attributes:
        left: marks of points that could not go on: to be derived again.
        readings, intervals: how many were read and computed.
        newest_ms: time of the newest reading; 0 without one.
    """

    left: Stretches
    readings: int = 0
    intervals: int = 0
    newest_ms: int = 0


async def go(connection: Connection, memory: Memory, work: Sorted, rules: Rules) -> Gone:
    """Let the points of `work.forward` go on; those that are not calm any more are left."""
    marks, left = work.forward, Stretches.none()
    if work.contested.any():
        doubtful = np.unique(await contested(connection, marks.take(work.contested)))
        left, marks = _parted(marks, doubtful)
    if not len(marks):
        return Gone(left)
    readings = await raw_within(connection, marks)
    point, owner = np.unique(marks.point, return_inverse=True)
    readings = replace(readings, series=owner[readings.series])  # a point's marks follow each other
    place, _ = memory.places(point)
    before = memory.tails(place)
    bounds = opened(before.began), closed(np.maximum.reduceat(marks.until, np.searchsorted(marks.point, point)))
    series = memory.registry.series(place, *bounds, rules.gap_intervals)
    pairs, after, calm = forward(before, readings, series)
    rows = spread(pairs, series, Courses.none())
    memory.remember(place, after, calm)
    more, _ = _parted(marks, point[~calm])
    await put(connection, point, rows, slice(None))
    await _follow(connection, memory, point, rows, rules)
    return Gone(joined(left, more), len(readings.at), len(rows), int(readings.at.max(initial=0)))


def _parted(marks: Stretches, points: Ints) -> tuple[Stretches, Stretches]:
    """The marks of `points`, and the others."""
    which = np.isin(marks.point, points)
    return marks.take(which), marks.take(~which)


async def _follow(connection: Connection, memory: Memory, points: Ints, rows: Consumption, rules: Rules) -> None:
    """Let follow what hangs on the rows: only few points are in a balance or on a check meter."""
    if not len(rows):
        return
    first = np.flatnonzero(np.concatenate([[True], rows.series[1:] != rows.series[:-1]]))
    last = np.append(first[1:], len(rows)) - 1
    changed = Stretches(points[rows.series[first]], rows.start[first], closed(rows.start[last] + 1))
    place, _ = memory.places(changed.point)
    registry = memory.registry
    await follow(
        connection,
        balanced=changed.take(registry.balanced[place]),
        rolled=_blocks(changed),
        measured=changed.take(registry.checks[place]),
        rules=rules.estimation,
    )


def _blocks(changed: Stretches) -> Stretches:
    """One point of each block of rollups, over all the time that changed in its block."""
    block = changed.point // BLOCK
    first = np.flatnonzero(np.concatenate([[True], block[1:] != block[:-1]]))
    since, until = np.minimum.reduceat(changed.since, first), np.maximum.reduceat(changed.until, first)
    return Stretches(changed.point[first], since, until)
