"""A cumulative register as a meter keeps it: start, CT x PT, unit of measure, step and wrap. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from collector.profiles import Register
from collector.registers import DataType
from energy import units
from energy.errors import RejectedError

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
        transformers = Fraction(1)
        for key, number in (("ct", ct), ("pt", pt)):
            transformers *= Fraction(str(number)) if key in register.ct_pt.ratios else 1
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

    def value(self, words: Mapping[int, int]) -> float:
        """The primary value, in the base unit, that the words, by address, show; raises RejectedError for none."""
        raw = self.register.decode(words)
        if raw is None or isinstance(raw, str):
            raise RejectedError(f"{self.register.name} shows no number")
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

    def words(self, consumed: float) -> dict[int, int]:
        """What the registers hold, by address, after `consumed` (base unit); raises RegisterError on overflow."""
        shown = (self._start + consumed) / self._per_unit
        return self._register.encode(shown if self._register.wrap is None else shown % self._register.wrap)
