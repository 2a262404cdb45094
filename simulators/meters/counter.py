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
_DISPLAYED = 10**6
"""Where a counter that nothing bounds starts again: six digits before the point, as many displays have."""


class CounterScale:
    """How a counter's own number and the unit of measure in which its consumption is kept relate.

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
        self.base_unit = base_unit
        self.ct = ct
        self.pt = pt
        self.per_unit = units.ratio(register.unit, base_unit) * transformers
        """Base units in one `register.unit` on the display."""

    @property
    def wrap(self) -> float | None:
        """The primary value, in the base unit, at which the register starts again from zero."""
        return None if self.register.wrap is None else float(Fraction(str(self.register.wrap)) * self.per_unit)

    @property
    def end(self) -> float:
        """`wrap` where it is known, else where the register's type or six digits end."""
        if self.wrap is not None:
            return self.wrap
        bounds = self.register.type.bounds
        steps = Fraction(bounds[1] + 1) * self.register.exact_scale if bounds else Fraction(_DISPLAYED)
        return float(steps * self.per_unit)

    def quantum(self, value: float) -> float:
        """Size of the register's smallest step, in the base unit, where it shows `value` (base unit).

        A float32 counter's step grows with its value: 2^(exponent - 23) of the number it holds.
        """
        step = self.register.exact_scale * self.per_unit
        raw = float(Fraction(value) / step)
        kind, part = self.register.type, self.register.fraction
        if part is not None:
            # The fraction's own step, and where it is a float32, a float's of a number below one.
            step *= Fraction(str(part.scale))
            kind, raw = part.type, 1.0
        if kind is DataType.F32:
            return float(step) * 2.0 ** (math.frexp(raw)[1] - 1 - _F32_FRACTION_BITS)
        return float(step) * (math.ulp(raw) if kind.is_float else 1.0)

    def value(self, words: Mapping[int, int]) -> float:
        """The primary value, in the base unit, that the words, by address, show; raises RejectedError for none."""
        raw = self.register.decode(words)
        if raw is None or isinstance(raw, str):
            raise RejectedError(f"{self.register.name} shows no number")
        return float((Fraction(raw) * self.register.exact_scale + self.register.exact_offset) * self.per_unit)

    def encode(self, value: float) -> dict[int, int]:
        """What the registers hold, by address, when the counter stands at `value` (base unit, primary side).

        Raises RegisterError where it overflows.
        """
        shown = value / float(self.per_unit)
        return self.register.encode(shown if self.register.wrap is None else shown % self.register.wrap)


class Counter:
    """A register that counts up from a start value.

    Args:
        scale: its layout and units of measure.
        start: primary value at consumption zero, in the base unit.

    Raises RegisterError where the start does not fit the register.
    """

    def __init__(self, scale: CounterScale, start: float) -> None:
        self.scale = scale
        self.start = start
        self.words(0.0)

    def words(self, consumed: float) -> dict[int, int]:
        """What the registers hold, by address, after `consumed` (base unit).

        Raises RegisterError where it overflows.
        """
        return self.scale.encode(self.start + consumed)
