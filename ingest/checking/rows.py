"""The accepted readings of a batch, sorted by key, with one key twice resolved before the database sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_COMBINED_SPAN_MS = 1 << 32
"""Point and time fit one 64-bit sort key as long as a batch spans less than this (49 days)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Readings as the table has them, sorted by (point, time, quality, value).

    Attributes:
        point: int32, point id.
        at: int64, ms UTC.
        value: float64, NaN for no value.
        quality: int16.
        effective: bool, false for a reading that loses to another of the same key by `energy.readings.content_order`.
    """

    point: NDArray[np.int32]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int16]
    effective: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.at)

    @property
    def contested(self) -> bool:
        """Whether one key stands twice, with contradicting contents."""
        return not bool(self.effective.all())

    def take(self, which: NDArray[np.bool_] | slice) -> Rows:
        """The rows that `which` names."""
        return Rows(self.point[which], self.at[which], self.value[which], self.quality[which], self.effective[which])


@dataclass(frozen=True, slots=True)
class Touched:
    """What a batch touched: each point once, with the earliest and the latest time (ms UTC) of its rows."""

    point: NDArray[np.int32]
    since: NDArray[np.int64]
    until: NDArray[np.int64]


def sorted_rows(
    point: NDArray[np.int32], at: NDArray[np.int64], value: NDArray[np.float64], quality: NDArray[np.int64]
) -> tuple[Rows, NDArray[np.intp]]:
    """Sort readings by key, drop exact repetitions and say which of contradicting ones is effective.

    Sorting costs little and saves the database's index a lot.

    Returns:
        The rows, and for each reading the row that it became.
    """
    order = _key_order(point, at)
    same_key = _repeats(point[order]) & _repeats(at[order])
    repetition = np.zeros(len(at), np.bool_)
    if same_key.any():
        order = np.lexsort((value, quality, at, point))  # content order within a key; numpy too puts NaN last
        same_key = _repeats(point[order]) & _repeats(at[order])
        repetition = same_key & _repeats(quality[order]) & _repeats(value[order])
    row_of = np.empty(len(at), np.intp)
    row_of[order] = np.cumsum(~repetition) - 1
    kept = order[~repetition]
    rows = Rows(point[kept], at[kept], value[kept], quality[kept].astype(np.int16), ~same_key[~repetition])
    return rows, row_of


def touched(rows: Rows) -> Touched:
    """The points of sorted, non-empty `rows` with their ranges of time."""
    firsts = np.concatenate(([0], np.flatnonzero(np.diff(rows.point)) + 1))
    lasts = np.concatenate((firsts[1:], [len(rows)])) - 1
    return Touched(rows.point[firsts], rows.at[firsts], rows.at[lasts])


def _key_order(point: NDArray[np.int32], at: NDArray[np.int64]) -> NDArray[np.intp]:
    """Order by (point, time); several times faster as one combined key."""
    if not len(at):
        return np.zeros(0, np.intp)
    start = at.min()
    if at.max() - start >= _COMBINED_SPAN_MS:
        return np.lexsort((at, point))
    return np.argsort((point.astype(np.int64) << 32) | (at - start))


def _repeats(content: NDArray[np.number]) -> NDArray[np.bool_]:
    """Whether each entry equals the one before it; two missing values are equal here."""
    repeats = np.zeros(len(content), np.bool_)
    repeats[1:] = (content[1:] == content[:-1]) | ((content[1:] != content[1:]) & (content[:-1] != content[:-1]))
    return repeats
