"""Readings over several chunks, and late ones among them: new, repeating and contradicting."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from energy.readings import Reading, content_order
from energy.storage import Connection
from ingest.checking.batch import Batch
from ingest.checking.verdicts import Bounds
from tests.support.ingest_world import START_MS, batch_of, message

POINTS = {"A-1": 11, "A-2": 12}
HOUR_MS = 3_600_000
HOURS = 24 * 7 * 4
"""Four weeks, which lie in five chunks of a week."""
WIDE = Bounds(START_MS - HOURS * HOUR_MS, START_MS + 2 * HOURS * HOUR_MS)

Effective = dict[tuple[int, int], tuple[int, str]]
"""(point id, ms) to (quality, value)."""


def on_time() -> list[Reading]:
    """One reading an hour of each point."""
    return [Reading(point, START_MS + hour * HOUR_MS, float(hour), 0) for point in POINTS for hour in range(HOURS)]


def late(chance: random.Random, count: int) -> list[Reading]:
    """About forty in a hundred are new, thirty contradict those on time or each other, the others repeat them."""
    found = []
    for _ in range(count):
        hour, point = chance.randrange(HOURS), chance.choice(list(POINTS))
        at, quality, value = START_MS + hour * HOUR_MS, 0, float(hour)
        kind = chance.random()
        if kind < 0.4:
            at += chance.randrange(1, 60) * 60_000
        elif kind < 0.7:
            quality, value = chance.choice([(0, value - 1.0), (0, value + 1.0), (1, value), (2, -1.0)])
        found.append(Reading(point, at, value, quality))
    return found


def batches(readings: list[Reading], chance: random.Random, size: int) -> Iterator[Batch]:
    """In another order, a quarter of them twice, about `size` to a batch."""
    sent = readings + chance.choices(readings, k=len(readings) // 4)
    chance.shuffle(sent)
    for start in range(0, len(sent), size):
        yield wide_batch(sent[start : start + size])


def wide_batch(readings: list[Reading]) -> Batch:
    """A batch of one message, however late."""
    return batch_of(message(readings), bounds=WIDE)


def expected(readings: list[Reading]) -> Effective:
    """Of each key the first by content order."""
    best: dict[tuple[str, int], Reading] = {}
    for reading in sorted(readings, key=lambda r: content_order(r.quality, r.value)):
        best.setdefault((reading.point, reading.at), reading)
    return {(POINTS[r.point], r.at): (r.quality, str(r.value)) for r in best.values()}


async def effective(connection: Connection) -> Effective:
    """What the view says."""
    rows = await connection.fetch("select point_id, ts, quality, value from readings_effective")
    return {(r["point_id"], round(r["ts"].timestamp() * 1000)): (r["quality"], str(r["value"])) for r in rows}


def contents(readings: list[Reading]) -> int:
    """How many different contents there are: the sum of stored rows and conflicts."""
    return len({(r.point, r.at, r.quality, r.value) for r in readings})


def at(hours: float) -> datetime:
    """So many hours after the start."""
    return datetime.fromtimestamp(START_MS / 1000 + hours * 3_600, UTC)
