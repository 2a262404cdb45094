"""Dirty stretches in memory that are still to be derived from readings, cut into portions that one step can do.

Batches come in generations: all that was read while an earlier generation was being done is the next one. A generation
is done, and its batches with it, when none of its stretches is left. A point's stretches are taken together whichever
generation they are of, since one look at its readings serves them all.
"""

from __future__ import annotations

import numpy as np

from ingest.accounting.algebra.columns import Bools, Ints
from ingest.accounting.deriving.spans import Stretches, joined, merged

_HOUR_MS = 3_600_000
NEAR_MS = 4 * _HOUR_MS
"""Stretches of a point so near to each other share most of the readings that they need."""
WINDOW_MS = 7 * 24 * _HOUR_MS
"""A portion spans no more time: so its queries open few chunks, and marks of years are done piece by piece."""
_READING_MS = 60_000
"""How far apart readings are taken to lie, to foresee what a stretch costs."""
_NEIGHBOURS = 80
"""Readings that are looked up around each stretch, about."""


class Pending:
    """Starts empty. Times of stretches must be finite."""

    def __init__(self) -> None:
        self._now, self._next = Stretches.none(), Stretches.none()
        self._batches_now: list[int] = []
        self._batches_next: list[int] = []
        self._merged = 0

    def __len__(self) -> int:
        """How many stretches there are."""
        return len(self._now) + len(self._next)

    @property
    def batches(self) -> list[int]:
        """All that were added and are not done."""
        return self._batches_now + self._batches_next

    def add(self, batches: list[int], stretches: Stretches) -> None:
        """What `batches` leave to do."""
        self._batches_next += batches
        self._next = joined(self._next, stretches)
        if len(self._next) > 2 * self._merged + 1000:
            self._next, _ = merged(self._next, NEAR_MS)
            self._merged = len(self._next)

    def holds(self, points: Ints) -> Bools:
        """Which of `points` have anything left to do."""
        return np.isin(points, np.concatenate([self._now.point, self._next.point]))

    def portion(self, most: int) -> tuple[Stretches, Ints]:
        """Take out what one step can do with about `most` readings, sorted and apart; empty if nothing is left.

        Also returns how far each of them went before it was cut to a portion: what lies beyond is to be put back.
        """
        if not len(self._now):
            self._now, _ = merged(self._next, NEAR_MS)
            self._next, self._merged = Stretches.none(), 0
            self._batches_now += self._batches_next
            self._batches_next = []
        if not len(self._now):
            return self._now, self._now.until
        order = np.argsort(self._now.since, kind="stable")
        since = int(self._now.since[order[0]])
        until = since + WINDOW_MS
        near = self._now.take(order[: np.searchsorted(self._now.since[order], until)])
        cost = np.cumsum((np.minimum(near.until, until) - near.since) // _READING_MS + _NEIGHBOURS)
        points = np.unique(near.point[: max(1, int(np.searchsorted(cost, most, "right")))])
        self._now, now = _split(self._now, points, since, until)
        self._next, later = _split(self._next, points, since, until)
        taken = joined(now, later)
        found, became = merged(Stretches(taken.point, taken.since, np.minimum(taken.until, until)), NEAR_MS)
        ends = found.until.copy()
        np.maximum.at(ends, became, taken.until)
        return found, ends

    def put_back(self, rest: Stretches) -> None:
        """What is left of stretches that were taken out."""
        self._now = joined(self._now, rest)

    def done(self) -> list[int]:
        """The batches of which nothing is left to do, which it forgets."""
        if len(self._now):
            return []
        done, self._batches_now = self._batches_now, []
        if not len(self._next):
            done, self._batches_next = done + self._batches_next, []
        return done


def _split(stretches: Stretches, points: Ints, since: int, until: int) -> tuple[Stretches, Stretches]:
    """The other `stretches`, and those of `points` that begin in [since, until)."""
    taken = np.isin(stretches.point, points) & (stretches.since >= since) & (stretches.since < until)
    return stretches.take(~taken), stretches.take(taken)
