"""The cells of a meter's registers, coils and inputs: which value stands where, in the profile's own layouts. Pure."""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Iterator
from fractions import Fraction

from collector.profiles import Profile, Register
from collector.registers import DataType, encode
from energy.errors import RejectedError
from simulators.meters.counter import CounterScale
from simulators.meters.values import Standing, exponent_of, plausible

Cells = dict[int, int]
"""Word, or bit, by address."""


class NoValueError(RejectedError):
    """A register has no value and no way to say so."""


class Image:
    """What stands in the registers of one meter.

    Args:
        profile: their layouts.
        scale: of the counter.
    """

    def __init__(self, profile: Profile, scale: CounterScale) -> None:
        self._profile = profile
        self._scale = scale
        self._text = f"{profile.maker} {profile.model}".encode("ascii", "replace").decode()
        self._by_function: dict[int, list[Register]] = {}
        for register in profile.registers:
            self._by_function.setdefault(register.function_code, []).append(register)
        self._bounds = {
            function: (min(one.start for one in registers), max(one.end for one in registers))
            for function, registers in self._by_function.items()
        }

    def bounds(self, function: int) -> tuple[int, int] | None:
        """Lowest address of a function code, and the one after the highest; None where it has none."""
        return self._bounds.get(function)

    def cells(
        self,
        function: int,
        span: range,
        standing: Standing,
        *,
        missing: Collection[str] = (),
        swapped: bool = False,
    ) -> Cells:
        """The cells of all registers that a read touches, and maybe more; those that nobody has are left out.

        Args:
            function: function code.
            span: addresses of the read.
            standing: the meter at that moment.
            missing: names of registers that have no value.
            swapped: whether the words of each value come in the opposite order.

        Raises:
            NoValueError: a register of `missing` cannot say so.
            RejectedError: the counter has outgrown its register.
        """
        cells: Cells = {}
        for register in self._touched(function, span):
            words = _no_value(register) if register.name in missing else self._words(register, standing)
            if swapped:
                _swap(register, words)
            for address, word in words.items():
                # Fields of bits share a register.
                cells[address] = word | (cells.get(address, 0) if register.type is DataType.BITS else 0)
        return cells

    def _touched(self, function: int, span: range) -> Iterator[Register]:
        for register in self._by_function.get(function, ()):
            if register.start < span.stop and span.start < register.end:
                yield register

    def _words(self, register: Register, standing: Standing) -> Cells:
        if register.name == self._profile.counter:
            return self._scale.encode(standing.amount)
        if register.type is DataType.STRING:
            return _text_words(register, self._text)
        if register.type in (DataType.BIT, DataType.BITS):
            return register.encode(Fraction(zlib.crc32(register.name.encode()) & (1 << register.bits) - 1))
        value = plausible(register, standing)
        for key, number in (("ct", standing.ct), ("pt", standing.pt)):
            value /= number if key in register.ct_pt.ratios else 1.0
        return _saturated(register, value)


def _saturated(register: Register, value: float) -> Cells:
    """The cells of a value, or of the largest one that fits: a display that cannot show more stays at its end."""
    exponent = exponent_of(register) if register.exponent is not None else 0
    try:
        if register.fraction is None and register.exponent is None:
            # Nobody compares these to the last step: without exact fractions it takes a third of the time.
            raw = (value - register.offset) / register.scale
            words = encode(raw if register.type.is_float else math.floor(raw), register.layout)
            return dict(enumerate(words, register.address))
        return register.encode(value, exponent)
    except RejectedError:
        bounds = register.type.bounds
        if bounds is None:
            raise
        # One less than the end, which may be the marker of "no value".
        most = bounds[0] if value < 0 else bounds[1] - 1
        return register.encode(most * Fraction(10) ** exponent * register.exact_scale + register.exact_offset, exponent)


def _text_words(register: Register, text: str) -> Cells:
    return dict(enumerate(encode(text[: 2 * register.words], register.layout), register.address))


def _no_value(register: Register) -> Cells:
    cells = register.encode_not_available()
    if cells is None:
        raise NoValueError(f"{register.name} has no way to say that it has no value")
    return cells


def _swap(register: Register, cells: Cells) -> None:
    """Turn the words of each part of a value round."""
    for address, layout in register.parts:
        places = range(address, address + layout.words)
        words = [cells[at] for at in places]
        cells.update(zip(places, reversed(words), strict=True))
