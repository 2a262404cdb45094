"""The sum of intervals against the difference of the register between readings: a check of this software itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from energy.consumption import Flag, IntervalQuality, Method
from ingest.accounting.algebra.columns import INTERVAL_MS, MOST_QUANTA, Bools, Ints, Kind
from ingest.accounting.validation.day import Day, Finding, runs

_APART = (
    Flag.WRAP
    | Flag.RESET
    | Flag.REPLACED
    | Flag.UNEXPLAINED
    | Flag.DIP
    | Flag.SPIKE
    | Flag.SWAPPED
    | Flag.RATIO
    | Flag.EXCLUDED
)  # fmt: skip - two lines
"""What makes the advance something else than the difference of what was shown; such slots part a day in pieces."""


def sums(day: Day) -> Iterator[Finding]:
    """Pieces of the day in which intervals and register disagree by more than `units` quanta.

    Exactly, between the first and the last reading of a piece that stand on borders of quarter hours. Where there are
    none, registers that cannot fall must advance by no less than the whole slots between readings hold, and by no more
    than all slots that readings touch.
    """
    points = day.points
    register = (points.kind == Kind.REGISTER) | (points.kind == Kind.NET_REGISTER)
    pieces = runs(day.own(_plain(day)) & (register & points.on("sum"))[:, None])
    if not len(pieces) or not len(day.shown.point):
        return
    begin, end = pieces.begin + day.context, pieces.end + day.context
    total = np.pad(np.cumsum(np.where(_plain(day), day.quanta, 0), axis=1), ((0, 0), (1, 0)))
    left = np.ones(len(pieces), np.bool_)
    for exact in (True, False):
        shown = _Register(day, exact=exact)
        first, last = shown.between(pieces.point, begin, end)
        usable = left & (first < last)
        left &= ~usable & (points.kind[pieces.point] == Kind.REGISTER)
        for at in np.flatnonzero(usable):
            point, one, other = int(pieces.point[at]), int(first[at]), int(last[at])
            advance = int(shown.quanta[other] - shown.quanta[one])
            inner = total[point, shown.floor[other]] - total[point, shown.ceiling[one]]
            outer = total[point, shown.ceiling[other]] - total[point, shown.floor[one]]
            units = points.rules[point].sum.units
            if not inner - units <= advance <= outer + units:
                yield day.finding(
                    "sum",
                    point,
                    int(shown.floor[one]),
                    int(shown.ceiling[other]),
                    intervals=float(inner if advance < inner else outer) * points.quantum[point],
                    register=advance * points.quantum[point],
                )


class _Register:
    """Usable readings of the day in quanta, sorted by (point, time), with the slots around each."""

    def __init__(self, day: Day, *, exact: bool) -> None:
        shown, points = day.shown, day.points
        quanta = np.rint(shown.value * shown.ratio / points.quantum[shown.point])
        at = shown.at - day.start_of(0)
        usable = np.abs(quanta) <= MOST_QUANTA
        if exact:
            usable &= at % INTERVAL_MS == 0
        self._point, self._at = shown.point[usable], at[usable]
        self._length = (day.slots + 1) * INTERVAL_MS
        self.quanta = quanta[usable].astype(np.int64)
        self.floor = self._at // INTERVAL_MS
        self.ceiling = -(-self._at // INTERVAL_MS)

    def between(self, point: Ints, begin: Ints, end: Ints) -> tuple[Ints, Ints]:
        """The first reading at or after the start of slot `begin`, and the last one at or before that of slot `end`."""
        key = self._point * self._length + self._at
        first = np.searchsorted(key, point * self._length + begin * INTERVAL_MS)
        last = np.searchsorted(key, point * self._length + end * INTERVAL_MS, "right") - 1
        return first.astype(np.int64), last.astype(np.int64)


def _plain(day: Day) -> Bools:
    """Slots whose amount is what the register advanced by."""
    known = day.present & (day.quality <= IntervalQuality.SUSPECT) & (day.quality != IntervalQuality.SUBSTITUTED)
    return np.asarray(known & (day.flags & int(_APART) == 0) & (day.method != Method.EDIT), np.bool_)
