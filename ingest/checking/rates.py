"""Flags values that changed faster than their point plausibly does: a hint, which refuses nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.checking.rows import Rows

SLOTS = 1 << 20
"""Points whose newest value is remembered; 20 bytes each."""
MOST_FLAGS = 1_000
"""Most flags that are kept of one batch; all are counted."""

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Flag:
    """A reading that looks wrong: of point id `point` at `at` (ms UTC); `detail` is for a person."""

    point: int
    at: int
    detail: str


@dataclass(frozen=True, slots=True)
class Fast:
    """What one batch showed: `flags`, at most `MOST_FLAGS`, of `count` changes that were too fast."""

    flags: tuple[Flag, ...] = ()
    count: int = 0

    def without(self, rows: Rows) -> Fast:
        """The same without what is about one of `rows`."""
        gone = set(zip(rows.point.tolist(), rows.at.tolist(), strict=True))
        return Fast(tuple(flag for flag in self.flags if (flag.point, flag.at) not in gone), self.count)


NOTHING_FAST = Fast()


class RateWatch:
    """Compares each value with the one before it: in its batch, or the newest that was seen of its point.

    What it flags depends on what came together and when, so nothing is derived from it. The newest values live in a
    table of fixed size; a point may push another one's out, whose next value is then compared with nothing.
    """

    def __init__(self) -> None:
        self._point = np.zeros(SLOTS, np.int32)  # no point has the id 0; pages that are not used take no memory
        self._at = np.zeros(SLOTS, np.int64)
        self._value = np.zeros(SLOTS, np.float64)

    def judge(self, rows: Rows, max_rate: NDArray[np.float64]) -> Fast:
        """Look at the rows of one batch.

        Args:
            rows: sorted.
            max_rate: greatest plausible change per hour, one entry per row, infinite for none.
        """
        which = np.flatnonzero(rows.effective & np.isfinite(rows.value) & np.isfinite(max_rate))
        if not len(which):
            return NOTHING_FAST
        point, at, value, bound = rows.point[which], rows.at[which], rows.value[which], max_rate[which]
        since, before = self._previous(point, at, value)
        with np.errstate(over="ignore"):
            fast = np.flatnonzero(np.abs(value - before) > bound * ((at - since) / _HOUR_MS))
        self._remember(point, at, value)
        flags = [
            Flag(
                int(point[row]),
                int(at[row]),
                f"from {before[row]} to {value[row]} in {(at[row] - since[row]) / 1000} s: "
                f"more than {bound[row]} an hour",
            )
            for row in fast[:MOST_FLAGS]
        ]
        return Fast(tuple(flags), len(fast))

    def _previous(
        self, point: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Time and value before each row; NaN, which nothing exceeds, where none is known."""
        since, before = np.roll(at, 1), np.roll(value, 1)
        firsts = np.flatnonzero(np.append(True, point[1:] != point[:-1]))
        slots = point[firsts] % SLOTS
        known = (self._point[slots] == point[firsts]) & (self._at[slots] < at[firsts])
        since[firsts] = np.where(known, self._at[slots], at[firsts])
        before[firsts] = np.where(known, self._value[slots], np.nan)
        return since, before

    def _remember(self, point: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64]) -> None:
        lasts = np.flatnonzero(np.append(point[1:] != point[:-1], True))
        slots = point[lasts] % SLOTS
        newer = (self._point[slots] != point[lasts]) | (self._at[slots] < at[lasts])
        slots, lasts = slots[newer], lasts[newer]
        self._point[slots], self._at[slots], self._value[slots] = point[lasts], at[lasts], value[lasts]
