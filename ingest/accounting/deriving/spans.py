"""Stretches of points' time: what is dirty, and what is computed again for it. Times are ms since 1970 UTC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingest.accounting.algebra.columns import INTERVAL_MS, Bools, Ints


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of points' time, sorted by (point, since).

    Attributes:
        point: ids of the points.
        since, until: ms since 1970 UTC. Of what is to be computed: on borders of quarter hours, [since, until); of
            what is dirty: the first and the last reading that changed.
    """

    point: Ints
    since: Ints
    until: Ints

    def __len__(self) -> int:
        """The number of stretches."""
        return len(self.point)

    def take(self, which: Bools | Ints | slice) -> Stretches:
        """Some of them."""
        return Stretches(self.point[which], self.since[which], self.until[which])

    @classmethod
    def none(cls) -> Stretches:
        """No stretch."""
        nothing = np.empty(0, np.int64)
        return cls(nothing, nothing, nothing)


def joined(*parts: Stretches) -> Stretches:
    """Several as one, in their order."""
    return Stretches(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("point", "since", "until")))


def merged(stretches: Stretches, within: int) -> tuple[Stretches, Ints]:
    """Sorted, and those of a point that lie no more than `within` ms apart as one; and which one each became."""
    if not len(stretches):
        return stretches, np.empty(0, np.int64)
    order = np.lexsort((stretches.since, stretches.point))
    point, since, until = stretches.point[order], stretches.since[order], stretches.until[order]
    # The latest end so far of the same point: points are told apart by a step beyond any time.
    rank = np.cumsum(np.concatenate([[0], point[1:] != point[:-1]]))
    lowest, width = int(until.min()), int(until.max()) - int(until.min()) + 1
    reached = np.maximum.accumulate(rank * width + (until - lowest)) - rank * width + lowest
    new = np.ones(len(point), np.bool_)
    new[1:] = (point[1:] != point[:-1]) | (since[1:] - reached[:-1] > within)
    first = np.flatnonzero(new)
    became = np.empty(len(point), np.int64)
    became[order] = np.cumsum(new) - 1
    last = np.append(first[1:], len(point)) - 1
    return Stretches(point[first], since[first], reached[last]), became


def opened(at: Ints) -> Ints:
    """The beginning of the quarter hour that each time lies in."""
    return at // INTERVAL_MS * INTERVAL_MS


def closed(at: Ints) -> Ints:
    """The end of the quarter hour that each time lies in; a time on a border is an end itself."""
    return -(-at // INTERVAL_MS) * INTERVAL_MS
