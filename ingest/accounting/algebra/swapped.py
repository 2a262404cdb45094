"""Swapped words: a reading that is its neighbours' state with 16-bit words or bytes exchanged.

Modbus leaves the order of the words of a 32- or 64-bit value to the device, and gateways exchange bytes as well:
ABCD, CDAB, BADC, DCBA (facts 4.1, "driver-profile needs"; trap 3). Such a reading is found when, put right, it lies
between the states before and after it. The register's integer is the value over its resolution; a float is its bits.
What was multiplied on the way (a float in Wh taken as kWh) cannot be put right and is an excursion like any other.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ingest.accounting.algebra.columns import Bools, Floats, Ints, Series
from ingest.accounting.algebra.quanta import Segments, States

_ORDERS: dict[int, tuple[list[int], ...]] = {
    4: ([2, 3, 0, 1], [1, 0, 3, 2], [3, 2, 1, 0]),
    8: ([6, 7, 4, 5, 2, 3, 0, 1], [1, 0, 3, 2, 5, 4, 7, 6], [7, 6, 5, 4, 3, 2, 1, 0]),
}
"""By size in bytes: words reversed, bytes of each word exchanged, both."""


def swapped(states: States, aside: Bools, segments: Segments, series: Series) -> Ints:
    """Indices of the readings set `aside` that are states of the register in another order of words or bytes."""
    index, kept = np.flatnonzero(aside), np.flatnonzero(~aside)
    after = np.searchsorted(kept, index)
    bounded = (after > 0) & (after < len(kept))
    index, after = index[bounded], after[bounded]
    owner = segments.series[states.segment[index]]
    unit = series.quantum[owner] / segments.ratio[states.segment[index]]
    low, high = (states.quanta[kept[place]] * unit for place in (after - 1, after))
    slack = np.maximum(series.quantum, series.resolution)[owner]
    shown = states.quanta[index] * unit
    found = np.zeros(len(index), np.bool_)
    with np.errstate(invalid="ignore", over="ignore"):  # bits in the wrong order may be any number
        for candidate in _put_right(shown, np.where(series.resolution > 0, series.resolution, series.quantum)[owner]):
            found |= (candidate != shown) & (candidate >= low - slack) & (candidate <= high + slack)
    return index[found]


def _put_right(shown: Floats, resolution: Floats) -> Iterator[Floats]:
    """What the readings would be in every other order, as u32, u64, float32 and float64."""
    counts = np.rint(shown / resolution)
    whole: list[tuple[type, Floats, Floats]] = [(np.uint32, counts, resolution), (np.uint64, counts, resolution)]
    for kind, value, unit in [
        *whole,
        (np.float32, shown, np.ones(len(shown))),
        (np.float64, shown, np.ones(len(shown))),
    ]:
        most = 2.0 ** (8 * np.dtype(kind).itemsize) if np.dtype(kind).kind == "u" else np.inf
        fits = (value >= 0) & (value < most)
        raw = np.where(fits, value, 0.0).astype(kind)
        octets = raw.view(np.uint8).reshape(len(raw), -1)
        for order in _ORDERS[raw.itemsize]:
            back = np.ascontiguousarray(octets[:, order]).view(kind).ravel().astype(np.float64)
            yield np.where(fits, back * unit, np.nan)
