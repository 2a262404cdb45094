"""What a worker remembers between steps: where calm points stand, and what it has read of marks and not done yet.

All of it may be forgotten at any time, at the price of reading again: nothing rests on it but speed. It is forgotten
whenever it might not be all: at an error, on another session, and of a group whose count of steps is not the one that
this worker left there (`groups.count_step`): then somebody else has taken marks, and changed what is remembered here.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from energy.storage.binary import EARLIEST_MS
from ingest.accounting.algebra.columns import Bools, Ints
from ingest.accounting.algebra.tails import Tails
from ingest.accounting.deriving.pending import Pending
from ingest.accounting.deriving.points import Points

_NAMES = tuple(field.name for field in fields(Tails))


class Memory:
    """Of one worker; remembers nothing at first.

    Attributes:
        points: the registry, None until loaded.
        group: per point its group.
        calm: per point whether its tail is known.
        oldest: per point a time before which it has no reading but those whose marks are still to be taken;
            EARLIEST_MS where nothing is known.
        pending: dirty stretches that were read and are not derived yet.
    """

    def __init__(self) -> None:
        self.points: Points | None = None
        self.group: Ints = np.empty(0, np.int64)
        self.calm: Bools = np.empty(0, np.bool_)
        self.oldest: Ints = np.empty(0, np.int64)
        self.pending = Pending()
        self._tails = _tails(0)
        self._total = 0
        self._steps: dict[int, int] = {}
        self._held: frozenset[int] = frozenset()

    def hold(self, total: int, steps: dict[int, int]) -> None:
        """These of `total` groups are locked, and so many steps were made in each: forget what may be no longer so."""
        lost = [group for group, count in steps.items() if self._steps.get(group) != count]
        if total != self._total:
            self._total, lost = total, list(range(max(total, self._total)))
            self._regroup()
        if lost:
            forgotten = np.isin(self.group, lost)
            self.calm[forgotten], self.oldest[forgotten] = False, EARLIEST_MS
        if lost or frozenset(steps) != self._held:
            self.pending = Pending()
        self._held = frozenset(steps)
        self._steps.update(steps)

    def stepped(self) -> None:
        """A step has been counted in each group held."""
        for group in self._held:
            self._steps[group] += 1

    def use(self, points: Points) -> None:
        """Take over another version of the registry; tails stay: of points that changed a mark will tell.

        What waits is read anew.
        """
        before, calm, oldest, tails = self.points, self.calm, self.oldest, self._tails
        count = len(points.point)
        self.points, self._tails = points, _tails(count)
        self.calm, self.oldest = np.zeros(count, np.bool_), np.full(count, EARLIEST_MS)
        if before is not None:
            self.pending = Pending()  # a point may belong to another worker now, who does not wait for this one
            place, known = before.places(points.point)
            self.calm[known], self.oldest[known] = calm[place[known]], oldest[place[known]]
            for name in _NAMES:
                getattr(self._tails, name)[known] = getattr(tails, name)[place[known]]
        self._regroup()

    @property
    def registry(self) -> Points:
        """The points; loaded before marks are looked at."""
        assert self.points is not None  # noqa: S101 - the step sees to it
        return self.points

    def places(self, points: Ints) -> tuple[Ints, Bools]:
        """As `Points.places`."""
        return self.registry.places(points)

    def stands_at(self, place: Ints) -> Ints:
        """The last reading of the points at `place`; means nothing of one that is not calm."""
        return self._tails.at[place] if len(self.calm) else place

    def groups_of(self, points: Ints) -> Ints:
        """The group of each of `points`; one that is not known has one by its own number, so that one worker has it."""
        place, known = self.places(points)
        groups = points % self._total
        groups[known] = self.group[place[known]]
        return groups

    def tails(self, place: Ints) -> Tails:
        """Where the points at `place` stand."""
        return self._tails.chosen(place)

    def remember(self, place: Ints, tails: Tails, calm: Bools) -> None:
        """Where the points at `place` stand now, and which of them are calm."""
        self.calm[place] = calm
        for name in _NAMES:
            getattr(self._tails, name)[place] = getattr(tails, name)

    def _regroup(self) -> None:
        if self.points is not None and self._total:
            self.group = self.points.unit % self._total


def _tails(count: int) -> Tails:
    return Tails(*(np.zeros(count, np.int64) for _ in _NAMES))
