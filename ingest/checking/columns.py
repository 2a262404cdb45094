"""The readings of many deliveries as columns: from here to COPY there is no object per reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy.readings import Reading
from ingest.checking.points import PointTable

_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings in the order of arrival; all arrays have one entry per reading.

    Attributes:
        position: int32, the point's position in the `PointTable`, `UNKNOWN` for none.
        at: int64, ms UTC.
        value: float64, NaN for no value; never minus zero, which is no other value than zero.
        quality: int64, as sent.
        delivery: int32, which of the deliveries it came in.
        starts: int64, one entry per delivery: the row of its first reading.
    """

    position: NDArray[np.int32]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int64]
    delivery: NDArray[np.int32]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at)

    def index_of(self, row: int) -> int:
        """The reading's index within its delivery."""
        return int(row - self.starts[self.delivery[row]])


def columns_of(deliveries: Sequence[Sequence[Reading]], points: PointTable) -> Columns:
    """Lay the readings of each of `deliveries` out as columns, points looked up in `points`."""
    readings = [reading for delivery in deliveries for reading in delivery]
    counts = np.array([len(delivery) for delivery in deliveries], np.int64)
    return Columns(
        position=points.positions([[reading.point for reading in delivery] for delivery in deliveries]),
        at=_int64([reading.at for reading in readings]),
        value=_float64(readings),
        quality=_quality([reading.quality for reading in readings]),
        delivery=np.repeat(np.arange(len(counts), dtype=np.int32), counts),
        starts=np.cumsum(counts) - counts,
    )


def _float64(readings: list[Reading]) -> NDArray[np.float64]:
    """None becomes NaN, as numpy has it; every NaN the same one, so that equal readings are equal bit by bit."""
    value = np.array([reading.value for reading in readings], np.float64)
    value += 0.0  # minus zero becomes zero
    value[np.isnan(value)] = np.nan
    return value


def _quality(codes: list[int]) -> NDArray[np.int64]:
    """By way of bytes, four times faster, as long as no code is beyond them."""
    try:
        return np.frombuffer(bytes(codes), np.uint8).astype(np.int64)
    except ValueError:
        return _int64(codes)


def _int64(numbers: list[int]) -> NDArray[np.int64]:
    """Numbers that JSON may hold and int64 may not are set to the nearest bound, which every check refuses."""
    try:
        return np.array(numbers, np.int64)
    except OverflowError:
        return np.array([min(max(number, _INT64.min), _INT64.max) for number in numbers], np.int64)
