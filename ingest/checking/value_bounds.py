"""What values points may show; points with the same bounds share them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_BOUNDS = (-math.inf, math.inf, math.inf)
"""The bounds of a point without any: class 0."""

ClassNumbers = NDArray[np.integer[Any]]
"""uint8, uint16 or int32."""


@dataclass(frozen=True, slots=True)
class ValueBounds:
    """Classes of bounds; arrays have one entry per class.

    Attributes:
        low, high: float64, least and greatest accepted value, infinite for no bound.
        max_rate: float64, greatest plausible change per hour, infinite for no bound.
        bounded: whether any class has a range.
        rated: whether any class has a rate.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    max_rate: NDArray[np.float64]
    bounded: bool
    rated: bool

    @classmethod
    def of(cls, classes: Sequence[tuple[float, float, float]]) -> ValueBounds:
        """From (low, high, max_rate) of each class."""
        low, high, max_rate = np.array(classes, np.float64).reshape(-1, 3).T.copy()
        bounded = bool((low > -math.inf).any() or (high < math.inf).any())
        return cls(low, high, max_rate, bounded, bool((max_rate < math.inf).any()))

    def classes(self) -> list[tuple[float, float, float]]:
        """(low, high, max_rate) of each class."""
        return list(zip(self.low.tolist(), self.high.tolist(), self.max_rate.tolist(), strict=True))


class BoundClasses:
    """Gives each combination of bounds its number, from 0 for no bounds."""

    def __init__(self, classes: Sequence[tuple[float, float, float]] = (NO_BOUNDS,)) -> None:
        self._numbers = {bounds: number for number, bounds in enumerate(classes)}

    def numbers(self, bounds: NDArray[np.float64]) -> NDArray[np.int32]:
        """The class of each row of `bounds`: low, high, max_rate, NaN where there is none; new ones are added."""
        found = np.zeros(len(bounds), np.int32)
        some = np.flatnonzero(~np.isnan(bounds).all(axis=1))
        if len(some):
            full = np.where(np.isnan(bounds[some]), NO_BOUNDS, bounds[some])
            distinct, which = np.unique(full, axis=0, return_inverse=True)
            own = [self._numbers.setdefault(tuple(row), len(self._numbers)) for row in distinct.tolist()]
            found[some] = np.array(own, np.int32)[which.reshape(-1)]
        return found

    def narrowed(self, numbers: ClassNumbers) -> ClassNumbers:
        """`numbers` in the smallest type that holds every class so far."""
        if len(self._numbers) <= np.iinfo(np.uint8).max + 1:
            return numbers.astype(np.uint8, copy=False)
        if len(self._numbers) <= np.iinfo(np.uint16).max + 1:
            return numbers.astype(np.uint16, copy=False)
        return numbers.astype(np.int32, copy=False)

    def bounds(self) -> ValueBounds:
        """All classes so far."""
        return ValueBounds.of(tuple(self._numbers))
