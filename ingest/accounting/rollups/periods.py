"""Which period each row belongs to, where groups of points have calendars of their own; pure, in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ingest.accounting.algebra.columns import Bools, Ints
from ingest.accounting.rollups.sums import Sums, keys


@dataclass(frozen=True, slots=True)
class Groups:
    """Points that share a calendar.

    Attributes:
        point: ids, ascending.
        number: of each point's calendar; -1 for none.
    """

    point: Ints
    number: Ints

    def of(self, rows: Sums) -> Ints:
        """The number of the calendar of each of `rows`."""
        return self.number[np.searchsorted(self.point, rows.point)]


class Periods:
    """The periods of some calendars, each as its members (`at` of the shorter periods) with the period's own `at`.

    Args:
        members: for each calendar, by its number, the pairs (member, period).
    """

    def __init__(self, members: Sequence[Iterable[tuple[int, int]]]) -> None:
        rows = [(number, *both) for number, pairs in enumerate(members) for both in pairs]
        number, member, period = np.array(rows, np.int64).reshape(-1, 3).T
        self.since = int(member.min(initial=2**62))
        self.beyond = int(member.max(initial=-(2**62))) + 1
        key = keys(number, member)
        order = np.argsort(key)
        self._key, self._period = key[order], period[order]
        self._held = np.unique(keys(number, period))

    def of(self, groups: Groups, rows: Sums) -> tuple[Bools, Ints]:
        """Which of `rows` are members, and the period of each that is."""
        place, within = _found(self._key, keys(groups.of(rows), rows.at))
        return within, self._period[place[within]]

    def hold(self, groups: Groups, rows: Sums) -> Bools:
        """Which of `rows` are themselves among the periods."""
        return _found(self._held, keys(groups.of(rows), rows.at))[1]


def _found(known: Ints, asked: Ints) -> tuple[Ints, Bools]:
    """Where each of `asked` stands in `known`, which is sorted, and whether it does."""
    if not len(known):
        return np.zeros(len(asked), np.int64), np.zeros(len(asked), np.bool_)
    place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return place, known[place] == asked
