"""From a raw number to the unit of measure in which a value is kept, exactly. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from fractions import Fraction

import msgspec

from collector.errors import RatioError, RegisterError
from collector.profiles.value import DISPLAY, RATIOS, Value
from energy.carriers import carriers
from energy.errors import UnitError
from energy.units import canonical_unit, ratio, unit_of_measure


class Conversion(msgspec.Struct, frozen=True):
    """From raw number to value in one fraction: (raw x numerator + offset) / denominator.

    Attributes:
        numerator: scale, CT x PT and unit of measure, over `denominator`.
        denominator: of both.
        offset: what the raw number 0 means, over `denominator`.
    """

    numerator: int
    denominator: int
    offset: int = 0

    @property
    def is_identity(self) -> bool:
        """Whether a value is its raw number."""
        return self.numerator == self.denominator and not self.offset

    def apply(self, raw: float | Fraction) -> float:
        """The value, rounded once, to the nearest float.

        Python divides two integers correctly rounded, so that no step in between costs a digit.

        Raises:
            RegisterError: no float is as large.
        """
        try:
            if type(raw) is int:
                return (raw * self.numerator + self.offset) / self.denominator
            if type(raw) is float and self.is_identity:
                return raw
            top, bottom = raw.as_integer_ratio()
            return (top * self.numerator + bottom * self.offset) / (bottom * self.denominator)
        except OverflowError as error:
            raise RegisterError(f"{float(raw):g} in the register is beyond all numbers in the base unit") from error


def ratio_faults(values: Iterable[Value], given: Collection[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with giving just these of `RATIOS` for a meter of which these values are sent: (key, message).

    A ratio left out never means 1: a meter behind 1000/5 A and 10/0.1 kV would count 20 000 times too little.
    """
    sent = list(values)
    names = ", ".join(value.name for value in sent)
    for key in RATIOS:
        needing = [value.name for value in sent if key in value.ct_pt.ratios]
        if needing and key not in given:
            message = f"{', '.join(needing)}: shows the secondary side: give {key}, the transformers' ratio"
            yield key, f"{message}, 1 where connected directly"
        if not needing and key in given:
            yield key, f"{names}: no value that is sent takes it, or it shows the primary side already: no {key} here"


def target_unit(carrier: str, unit: str) -> str:
    """The unit of measure in which a value in `unit` is kept, at a meter of that carrier.

    The carrier's base unit where it is of the same dimension, such as GJ of heat; else the dimension's usual one.

    Raises:
        UnitError: no such unit.
    """
    known = carriers().get(carrier)
    if known is not None and unit_of_measure(known.unit).dimension is unit_of_measure(unit).dimension:
        return known.unit
    return canonical_unit(unit)


def conversion(
    value: Value, target: str, *, ct: float | None = None, pt: float | None = None, unit: str = ""
) -> Conversion:
    """How a value's raw number becomes the unit of measure `target`.

    Args:
        value: whose raw numbers.
        target: unit of measure in which it is kept; see `target_unit`.
        ct: ratio of the current transformers; left out of account where the value does not take it.
        pt: ratio of the voltage transformers, likewise.
        unit: unit of measure as set in the meter's menu; empty for the profile's.

    Raises:
        RatioError: a ratio that the value takes is missing.
        UnitError: the units of measure do not convert into each other, none is known, or the value is text.
    """
    if value.is_text:
        raise UnitError(f"{value.name} is text: it has no unit of measure")
    ratios = {key: number for key, number in zip(RATIOS, (ct, pt), strict=True) if number is not None}
    if missing := [key for key in value.ct_pt.ratios if key not in ratios]:
        faults = dict(ratio_faults([value], ratios))
        raise RatioError("; ".join(faults[key] for key in missing))
    shown = unit or value.unit
    if shown == DISPLAY:
        raise UnitError(f"{value.name}: the meter's menu decides the unit of measure: give it as unit")
    factor = ratio(shown, target)
    for key in value.ct_pt.ratios:
        # The shortest decimal notation is what the person wrote: 0.1 is a tenth.
        factor *= Fraction(str(ratios[key]))
    scale, offset = factor * value.exact_scale, factor * value.exact_offset
    denominator = math.lcm(scale.denominator, offset.denominator)
    return Conversion(int(scale * denominator), denominator, int(offset * denominator))
