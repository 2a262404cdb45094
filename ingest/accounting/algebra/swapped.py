"""Swapped words: a reading that is its neighbours' state with 16-bit words or bytes exchanged.

Modbus leaves the order of the words of a 32- or 64-bit value to the device, and gateways exchange bytes as well:
ABCD, CDAB, BADC, DCBA (facts 4.1, "driver-profile needs"; trap 3). Such a reading is found when, put right, it lies
between the states before and after it. The register's integer is the value over its resolution; a float is its bits.
What was multiplied on the way (a float in Wh taken as kWh) cannot be put right and is an excursion like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.accounting.algebra.columns import Bools, Floats, Ints
from ingest.accounting.algebra.quanta import Segments, States

_ORDERS: dict[int, tuple[list[int], ...]] = {
    4: ([2, 3, 0, 1], [1, 0, 3, 2], [3, 2, 1, 0]),
    8: ([6, 7, 4, 5, 2, 3, 0, 1], [1, 0, 3, 2, 5, 4, 7, 6], [7, 6, 5, 4, 3, 2, 1, 0]),
}
"""By size in bytes: words reversed, bytes of each word exchanged, both."""


def swapped(states: States, aside: Bools, segments: Segments) -> Ints:
    """Indices of the readings set `aside` that are states of the register in another order of words or bytes."""
    if not len(states.value):
        return np.empty(0, np.int64)
    index, kept = np.flatnonzero(aside), np.flatnonzero(~aside)
    after = np.searchsorted(kept, index)
    bounded = (after > 0) & (after < len(kept))
    index, after = index[bounded], after[bounded]
    segment = states.segment[index]
    quantum = (segments.quantum / segments.ratio)[segment]
    low, high = states.quanta[kept[after - 1]] * quantum, states.quanta[kept[after]] * quantum
    step = np.where(segments.resolution > 0, segments.resolution, 1.0)[segment] * quantum
    slack = np.maximum(step, quantum)
    found = np.zeros(len(index), np.bool_)
    shown = states.value[index]
    with np.errstate(invalid="ignore", over="ignore"):  # bits in the wrong order may be any number
        for candidate in _put_right(shown, step):
            found |= (candidate != shown) & (candidate >= low - slack) & (candidate <= high + slack)
    return index[found]


def _put_right(shown: Floats, step: Floats) -> Iterator[Floats]:
    """What the readings would be in every other order: as u32 and u64 counts of steps, as float32 and float64."""
    counts, one = np.rint(shown / step), np.ones(len(shown))
    for unit, raw in (
        (step, _bits(counts, np.dtype(np.uint32))),
        (step, _bits(counts, np.dtype(np.uint64))),
        (one, shown.astype(np.float32)),
        (one, shown),
    ):
        octets = np.ascontiguousarray(raw).view(np.uint8).reshape(len(raw), raw.itemsize)
        for order in _ORDERS[raw.itemsize]:
            back = np.ascontiguousarray(octets[:, order]).view(raw.dtype).ravel()
            yield back.astype(np.float64) * unit


def _bits(counts: Floats, kind: np.dtype[Any]) -> NDArray[Any]:
    """Counts as unsigned integers; 0, which is nobody's swapped words, where they do not fit."""
    return np.where((counts >= 0) & (counts < 2.0 ** (8 * kind.itemsize)), counts, 0.0).astype(kind)
