"""Into which portions a rebuild is cut; pure. Each is one transaction, and small enough for memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ingest.accounting.algebra.columns import INTERVAL_MS, Ints
from ingest.accounting.deriving.points import Points


@dataclass(frozen=True, slots=True)
class Portion:
    """Points, and [since, until) on borders of quarter hours, ms since 1970 UTC."""

    point: Ints
    since: int
    until: int

    def halves(self) -> tuple[Portion, Portion]:
        """Two in its place: of half the points, of half the time where it is one point."""
        count = len(self.point)
        if count > 1:
            first, second = self.point[: count // 2], self.point[count // 2 :]
            return Portion(first, self.since, self.until), Portion(second, self.since, self.until)
        middle = (self.since + self.until) // 2 // INTERVAL_MS * INTERVAL_MS
        if middle == self.since:
            raise ValueError("a quarter hour of one point is the least that can be rebuilt")
        return Portion(self.point, self.since, middle), Portion(self.point, middle, self.until)


def shares(points: Points, chosen: Ints, groups: int, workers: int) -> list[Ints]:
    """`chosen` points for each of `workers`, each with groups of its own, so that none waits for another's lock."""
    group = points.unit[points.places(chosen)[0]] % groups
    return [chosen[group % workers == worker] for worker in range(workers)]


def portions(points: Points, chosen: Ints, since: int, until: int, readings: int) -> Iterator[Portion]:
    """Portions of about so many `readings`, as the points' intervals promise; one point's over pieces of time."""
    expected = np.maximum((until - since) / points.interval_ms[points.places(chosen)[0]], 1.0)
    number = ((np.cumsum(expected) - expected) // readings).astype(np.int64)
    for which in np.split(chosen, np.flatnonzero(np.diff(number)) + 1) if len(chosen) else []:
        yield from _pieces(Portion(which, since, until), float(expected.max()), readings)


def _pieces(whole: Portion, expected: float, readings: int) -> Iterator[Portion]:
    """In time, where one point alone has too many readings."""
    length = whole.until - whole.since
    count = -(-int(expected) // readings)
    step = max(-(-length // count // INTERVAL_MS) * INTERVAL_MS, INTERVAL_MS)
    for since in range(whole.since, whole.until, step):
        yield Portion(whole.point, since, min(since + step, whole.until))
