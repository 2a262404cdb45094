"""Three-valued logic and arithmetic over columns: what is not known stays so, unless it cannot matter.

Kleene's strong logic: `false and unknown` is false, `true or unknown` is true, everything else with an unknown part is
unknown. Numbers that are not finite (a division by zero, an overflow) are not known. Pure numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64] | np.float64 | float
"""A column, or one number for all rows; NaN is "not known"."""
Masks: TypeAlias = NDArray[np.bool_]
States: TypeAlias = NDArray[np.int8]
"""One of TRUE, FALSE and UNKNOWN per row."""

TRUE, FALSE, UNKNOWN = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Tri:
    """A truth per row, as two masks: where it is surely true, and where surely false; unknown is neither."""

    true: Masks
    false: Masks

    def __and__(self, other: Tri) -> Tri:
        return Tri(self.true & other.true, self.false | other.false)

    def __or__(self, other: Tri) -> Tri:
        return Tri(self.true | other.true, self.false & other.false)

    def __invert__(self) -> Tri:
        return Tri(self.false, self.true)

    def states(self, count: int) -> States:
        """TRUE, FALSE or UNKNOWN for each of `count` rows."""
        known = (self.true | self.false).astype(np.int8)
        states: States = np.broadcast_to(self.true, count).astype(np.int8) + known - np.int8(1)
        return states


def truth(value: Tri | Numbers) -> Tri:
    """A truth as it is; of a flag: true where it is not 0."""
    return value if isinstance(value, Tri) else ~equal(value, 0.0)


def finite(value: Any) -> Numbers:
    """The numbers, with NaN in place of whatever is not finite."""
    return np.where(np.isfinite(value), value, np.nan)


def less(left: Numbers, right: Numbers) -> Tri:
    """Whether `left` is below `right`."""
    return Tri(np.less(left, right), np.greater_equal(left, right))


def less_equal(left: Numbers, right: Numbers) -> Tri:
    """Whether `left` is at most `right`."""
    return Tri(np.less_equal(left, right), np.greater(left, right))


def greater(left: Numbers, right: Numbers) -> Tri:
    """Whether `left` is above `right`."""
    return less(right, left)


def greater_equal(left: Numbers, right: Numbers) -> Tri:
    """Whether `left` is at least `right`."""
    return less_equal(right, left)


def equal(left: Numbers, right: Numbers) -> Tri:
    """Whether both are the same number."""
    return Tri(np.equal(left, right), np.less(left, right) | np.greater(left, right))


def not_equal(left: Numbers, right: Numbers) -> Tri:
    """Whether they are two numbers."""
    return ~equal(left, right)


def known(value: Numbers) -> Tri:
    """Whether there is a number; the one question that is never unknown."""
    missing = np.isnan(value)
    return Tri(~missing, missing)


def coalesce(*values: Numbers) -> Numbers:
    """The first that is known."""
    return reduce(lambda left, right: np.where(np.isnan(left), right, left), values)


def lowest(*values: Numbers) -> Numbers:
    """The least; unknown where any is unknown."""
    return reduce(np.minimum, values)


def highest(*values: Numbers) -> Numbers:
    """The greatest; unknown where any is unknown."""
    return reduce(np.maximum, values)


def arithmetic(ufunc: Callable[[Numbers, Numbers], Any]) -> Callable[[Numbers, Numbers], Numbers]:
    """An operator of numpy whose results that are not finite are not known."""

    def operate(left: Numbers, right: Numbers) -> Numbers:
        with np.errstate(all="ignore"):
            return finite(ufunc(left, right))

    return operate
