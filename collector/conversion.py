"""From a raw number to the carrier's base unit of measure, exactly. Pure."""

from __future__ import annotations

from fractions import Fraction

import msgspec

from collector.errors import RegisterError
from collector.profiles import CtPt, Register
from energy.units import ratio


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


def conversion(register: Register, target: str, *, ct: float = 1.0, pt: float = 1.0, unit: str = "") -> Conversion:
    """How a register's raw number becomes the unit of measure `target`.

    Args:
        register: whose raw numbers.
        target: base unit of measure of the carrier.
        ct: ratio of the current transformers, applied where the register shows the secondary side.
        pt: ratio of the voltage transformers, likewise.
        unit: unit of measure as set in the meter's menu; empty for the profile's.

    Raises:
        UnitError: the units of measure do not convert into each other.
    """
    factor = register.exact_scale * ratio(unit or register.unit, target)
    if register.ct_pt is CtPt.MULTIPLY:
        # The shortest decimal notation is what the person wrote: 0.1 is a tenth.
        factor *= Fraction(str(ct)) * Fraction(str(pt))
    return Conversion(factor.numerator, factor.denominator)
