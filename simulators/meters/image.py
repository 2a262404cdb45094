"""The cells of a meter's registers, coils and inputs: which value stands where, in the profile's own layouts. Pure."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Collection
from fractions import Fraction

from collector.profiles import Profile, Register
from collector.registers import DataType, encode
from energy.errors import RejectedError
from simulators.meters.counter import CounterScale
from simulators.meters.values import Nameplate, Show, Standing, exponent_of, plausible

Cells = dict[int, int]
"""Word, or bit, by address."""


class NoValueError(RejectedError):
    """A register has no value and no way to say so."""


Write = Callable[[Standing], Cells]
"""What stands in the cells of one register when the meter stands so."""


class Image:
    """What stands in the registers of one meter.

    Args:
        profile: their layouts.
        scale: of the counter.
        plate: what stays the same of the meter.
    """

    def __init__(self, profile: Profile, scale: CounterScale, plate: Nameplate) -> None:
        self._by_function: dict[int, list[tuple[Register, Write]]] = {}
        for register in profile.registers:
            write = _writer(register, profile, scale, plate)
            self._by_function.setdefault(register.function_code, []).append((register, write))
        self._bounds = {
            function: (min(one.start for one, _ in registers), max(one.end for one, _ in registers))
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
        for register, write in self._by_function.get(function, ()):
            if not (register.start < span.stop and span.start < register.end):
                continue
            words = _no_value(register) if register.name in missing else write(standing)
            if swapped:
                _swap(register, words)
            for address, word in words.items():
                # Fields of bits share a register.
                cells[address] = word | (cells.get(address, 0) if register.type is DataType.BITS else 0)
        return cells


def _writer(register: Register, profile: Profile, scale: CounterScale, plate: Nameplate) -> Write:
    if register.name == profile.counter:
        return lambda standing: scale.encode(standing.amount)
    if register.type is DataType.STRING:
        text = f"{profile.maker} {profile.model}".encode("ascii", "replace").decode()[: 2 * register.words]
        return _always(dict(enumerate(encode(text, register.layout), register.address)))
    if register.type in (DataType.BIT, DataType.BITS):
        return _always(register.encode(Fraction(zlib.crc32(register.name.encode()) & (1 << register.bits) - 1)))
    show = plausible(register, plate)
    ratios = {"ct": plate.ct, "pt": plate.pt}
    transformed = math.prod(ratios[key] for key in register.ct_pt.ratios)
    if register.fraction is not None or register.exponent is not None:
        return lambda standing: _saturated(register, show(standing) / transformed)
    return _plain(register, lambda standing: show(standing) / transformed)


def _always(cells: Cells) -> Write:
    """A copy each time: whoever gets it may turn its words round."""
    return lambda _: dict(cells)


def _plain(register: Register, show: Show) -> Write:
    """One value in one piece, without exact fractions, which take thrice the time: nobody compares the last step."""
    layout, scale, offset, floats = register.layout, register.scale, register.offset, register.type.is_float

    def write(standing: Standing) -> Cells:
        value = show(standing)
        raw = (value - offset) / scale
        try:
            return dict(enumerate(encode(raw if floats else math.floor(raw), layout), register.address))
        except RejectedError:
            return _saturated(register, value)

    return write


def _saturated(register: Register, value: float) -> Cells:
    """The cells of a value, or of the largest one that fits: a display that cannot show more stays at its end."""
    exponent = exponent_of(register) if register.exponent is not None else 0
    try:
        return register.encode(value, exponent)
    except RejectedError:
        bounds = register.type.bounds
        if bounds is None:
            raise
        # One less than the end, which may be the marker of "no value".
        most = bounds[0] if value < 0 else bounds[1] - 1
        return register.encode(most * Fraction(10) ** exponent * register.exact_scale + register.exact_offset, exponent)


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
