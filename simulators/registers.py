"""A cumulative register as a meter keeps it: start, CT x PT, unit of measure, step and wrap. Pure."""

from __future__ import annotations

import math
from fractions import Fraction

from collector.profiles import CtPt, Register
from collector.registers import DataType, decode
from energy import units

_F32_FRACTION_BITS = 23


class CounterScale:
    """How a counter's own number and the carrier's base unit of measure relate.

    Args:
        register: the counter's layout.
        base_unit: base unit of measure of the meter's carrier.
        ct: ratio of the current transformers, 1 for none.
        pt: ratio of the voltage transformers, 1 for none.

    Raises UnitError where the register's unit does not convert into the base unit.
    """

    def __init__(self, register: Register, base_unit: str, ct: float = 1.0, pt: float = 1.0) -> None:
        transformers = Fraction(str(ct)) * Fraction(str(pt)) if register.ct_pt is CtPt.MULTIPLY else Fraction(1)
        self.register = register
        self.per_unit = units.ratio(register.unit, base_unit) * transformers
        """Base units in one `register.unit` on the display."""

    @property
    def wrap(self) -> float | None:
        """The primary value, in the base unit, at which the register starts again from zero."""
        return None if self.register.wrap is None else float(Fraction(str(self.register.wrap)) * self.per_unit)

    def quantum(self, value: float) -> float:
        """Size of the register's smallest step, in the base unit, where it shows `value` (base unit).

        A float32 counter's step grows with its value: 2^(exponent - 23) of the number it holds.
        """
        step = self.register.exact_scale * self.per_unit
        raw = float(Fraction(value) / step)
        if self.register.type is DataType.F32:
            return float(step) * 2.0 ** (math.frexp(raw)[1] - 1 - _F32_FRACTION_BITS)
        return float(step) * (math.ulp(raw) if self.register.type.is_float else 1.0)

    def value(self, words: tuple[int, ...]) -> float:
        """The primary value, in the base unit, that `words` show."""
        raw = decode(words, self.register.type, self.register.order)
        return float(Fraction(raw) * self.register.exact_scale * self.per_unit)


class Counter:
    """A register that counts up from a start value.

    Args:
        scale: its layout and units of measure.
        start: primary value at consumption zero, in the base unit.

    Raises RegisterError where the start does not fit the register.
    """

    def __init__(self, scale: CounterScale, start: float) -> None:
        self._register = scale.register
        self._per_unit = float(scale.per_unit)
        self._start = start
        self.words(0.0)

    def words(self, consumed: float) -> tuple[int, ...]:
        """What the register holds after `consumed` (base unit); raises RegisterError where it overflows."""
        shown = (self._start + consumed) / self._per_unit
        return self._register.encode(shown if self._register.wrap is None else shown % self._register.wrap)
