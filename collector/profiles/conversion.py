"""From a raw number to the carrier's base unit of measure, exactly. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction
from typing import Annotated

import msgspec

from collector.errors import RatioError, RegisterError
from collector.profiles import CtPt, Register
from energy.units import ratio

Ratio = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]
"""Ratio of a current or a voltage transformer, e.g. 200 for 1000/5 A; no installation comes near the bound."""
RATIOS = ("ct", "pt")
"""The keys of a meter's table that hold one."""


class Conversion(msgspec.Struct, frozen=True):
    """A fixed factor from the raw number to the base unit: scale, CT x PT and unit of measure in one fraction."""

    numerator: int
    denominator: int

    def apply(self, raw: float) -> float:
        """The value in the base unit, rounded once, to the nearest float.

        Python divides two integers correctly rounded, so that no step in between costs a digit.

        Raises:
            RegisterError: no float is as large.
        """
        top, bottom = raw.as_integer_ratio()
        try:
            return top * self.numerator / (bottom * self.denominator)
        except OverflowError as error:
            raise RegisterError(f"{raw:g} in the register is beyond all numbers in the base unit") from error


def ratio_faults(register: Register, given: Collection[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with giving just these of `RATIOS` for a register: (key, message).

    A ratio left out never means 1: a meter behind 1000/5 A and 10/0.1 kV would count 20 000 times too little.
    """
    needed = register.ct_pt is CtPt.MULTIPLY
    for key in RATIOS:
        if needed and key not in given:
            yield key, f"shows the secondary side: give {key}, the transformers' ratio, 1 where connected directly"
        if not needed and key in given:
            yield key, f"shows the primary side already: no {key} belongs here"


def conversion(
    register: Register, target: str, *, ct: float | None = None, pt: float | None = None, unit: str = ""
) -> Conversion:
    """How a register's raw number becomes the unit of measure `target`.

    Args:
        register: whose raw numbers.
        target: base unit of measure of the carrier.
        ct: ratio of the current transformers, where and only where the register shows the secondary side.
        pt: ratio of the voltage transformers, likewise.
        unit: unit of measure as set in the meter's menu; empty for the profile's.

    Raises:
        RatioError: a ratio is missing, or does not belong here.
        UnitError: the units of measure do not convert into each other.
    """
    ratios = {key: value for key, value in zip(RATIOS, (ct, pt), strict=True) if value is not None}
    if faults := [message for _, message in ratio_faults(register, ratios)]:
        raise RatioError(f"{register.name} {'; '.join(faults)}")
    factor = register.exact_scale * ratio(unit or register.unit, target)
    for value in ratios.values():
        # The shortest decimal notation is what the person wrote: 0.1 is a tenth.
        factor *= Fraction(str(value))
    return Conversion(factor.numerator, factor.denominator)
