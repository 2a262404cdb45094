"""One value of a meter that speaks Modbus, and the registers that it stands in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Literal

import msgspec

from collector.errors import RegisterError
from collector.profiles.value import Factor, Value
from collector.registers import DataType, Layout, Raw, WordOrder, decode, encode
from collector.registers.types import WORD_BITS

Address = Annotated[
    int,
    msgspec.Meta(
        ge=0,
        le=0x1_0000,
        description='of 300001 or 400001 in a manual the last five digits count, from one: addresses = "one-based"',
    ),
]
"""An address as it is written, counted from zero or from one."""
BIT_FUNCTIONS = (1, 2)
"""The function codes that read coils and discrete inputs."""
_EXPONENT = Layout(DataType.I16)
_NO_EXPONENT = -0x8000
"""SunSpec's "not implemented" of a scale factor."""
_MOST_EXPONENT = 10
"""SunSpec's scale factors run from -10 to 10."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The fraction of a value whose integer stands elsewhere: raw number = integer + fraction x scale.

    Attributes:
        address: of its first register.
        type: its type.
        order: its byte order.
        scale: what one step of it is, in steps of the integer.
    """

    address: Address
    type: DataType
    order: WordOrder = WordOrder.ABCD
    scale: Factor = 1.0

    def __post_init__(self) -> None:
        if not self.type.words:
            raise ValueError(f"a fraction cannot be of type {self.type}")

    @property
    def layout(self) -> Layout:
        """Its layout."""
        return Layout(self.type, self.order)


class Register(Value, frozen=True, kw_only=True):
    """One value of a meter.

    Attributes:
        function_code: 1 (coils), 2 (discrete inputs), 3 (holding registers) or 4 (input registers).
        address: of its first register, coil or input.
        type: layout.
        order: byte order.
        words: registers of a `string`.
        bit: lowest bit of a field of `bits`, 0 the least significant.
        bits: how many bits a field of `bits` has.
        not_available: raw numbers that mean "no value"; NaN and infinities always do.
        fraction: the rest, where registers hold the integer and the fraction apart.
        exponent: address of an i16 register n, where the value has to be multiplied by 10^n (SunSpec's `sunssf`).
    """

    function_code: Literal[1, 2, 3, 4]
    address: Address
    type: DataType
    order: WordOrder = WordOrder.ABCD
    words: Annotated[int, msgspec.Meta(ge=0, le=125)] = 0
    bit: Annotated[int, msgspec.Meta(ge=0, le=31)] = 0
    bits: Annotated[int, msgspec.Meta(ge=1, le=32)] = 1
    not_available: tuple[int, ...] = ()
    fraction: Part | None = None
    exponent: Address | None = None

    def __post_init__(self) -> None:
        if faults := list(_contradictions(self)):
            raise ValueError("; ".join(faults))

    @property
    def layout(self) -> Layout:
        """Layout of the value, or of its integer part."""
        return Layout(self.type, self.order, self.words, self.bit, self.bits)

    @property
    def parts(self) -> tuple[tuple[int, Layout], ...]:
        """Address and layout of all that belongs to the value: the value itself, its fraction, its exponent."""
        parts = [(self.address, self.layout)]
        if self.fraction is not None:
            parts.append((self.fraction.address, self.fraction.layout))
        if self.exponent is not None:
            parts.append((self.exponent, _EXPONENT))
        return tuple(parts)

    @property
    def addresses(self) -> tuple[int, ...]:
        """The addresses of all its parts."""
        return tuple(at for part in self.parts for at in _span(*part))

    @property
    def start(self) -> int:
        """Lowest address of all its parts, which one read has to bring."""
        return min(address for address, _ in self.parts)

    @property
    def end(self) -> int:
        """Address after the highest one of all its parts."""
        return max(address + (layout.words or 1) for address, layout in self.parts)

    @property
    def is_text(self) -> bool:
        """Whether it is text, which has no unit of measure and is never sent as a reading."""
        return self.type is DataType.STRING

    @property
    def of_bits(self) -> bool:
        """Whether its addresses are those of coils or inputs."""
        return self.function_code in BIT_FUNCTIONS

    def moved(self, by: int) -> Register:
        """The same `by` addresses further up."""
        fraction = self.fraction and msgspec.structs.replace(self.fraction, address=self.fraction.address + by)
        exponent = None if self.exponent is None else self.exponent + by
        return msgspec.structs.replace(self, address=self.address + by, fraction=fraction, exponent=exponent)

    def decode(self, cells: Mapping[int, int]) -> Raw | Fraction | None:
        """The raw number in its registers, before `scale`; None when the device has no value.

        Args:
            cells: word by address, of all parts; of a coil or an input 0 or 1.

        Raises:
            RegisterError: the words hold no number of the type.
        """
        return self.join([decode([cells[at] for at in _span(*part)], part[1]) for part in self.parts])

    def join(self, raws: Sequence[Raw]) -> Raw | Fraction | None:
        """The raw number that the raw values of its `parts` make, exactly; None when the device has no value.

        Raises:
            RegisterError: the exponent is none that SunSpec allows.
        """
        first = raws[0]
        if isinstance(first, str):
            return first
        if first in self.not_available or not all(math.isfinite(raw) for raw in raws if not isinstance(raw, str)):
            return None
        if len(raws) == 1:
            return first
        rest = iter(raws[1:])
        number = Fraction(first)
        if self.fraction is not None:
            number += Fraction(next(rest)) * Fraction(str(self.fraction.scale))
        if self.exponent is None:
            return number
        power = int(next(rest))
        if power == _NO_EXPONENT:
            return None
        if abs(power) > _MOST_EXPONENT:
            raise RegisterError(f"{self.name}: the exponent {power} is beyond -10 to 10")
        return number * Fraction(10) ** power

    def encode(self, value: float | Fraction, exponent: int = 0) -> dict[int, int]:
        """The words, by address, that show `value`, in `unit`, cut to whole steps as a counter does.

        Args:
            value: what is shown.
            exponent: what stands in the register `exponent`, where there is one.

        Raises:
            RegisterError: the value does not fit.
        """
        raw = (Fraction(value) - self.exact_offset) / self.exact_scale / Fraction(10) ** exponent
        numbers: list[Fraction | int] = [raw]
        if self.fraction is not None:
            whole = Fraction(math.floor(raw))
            numbers = [whole, (raw - whole) / Fraction(str(self.fraction.scale))]
        if self.exponent is not None:
            numbers.append(exponent)
        return self._cells(numbers)

    def encode_not_available(self) -> dict[int, int] | None:
        """The words, by address, by which the device says "no value"; None where it has no way to say so."""
        if self.exponent is not None:
            return self._cells([0] * (len(self.parts) - 1) + [_NO_EXPONENT])
        if self.type.is_float:
            return self._cells([math.nan] + [0] * (len(self.parts) - 1))
        return self._cells([self.not_available[0], *[0] * (len(self.parts) - 1)]) if self.not_available else None

    def _cells(self, numbers: Sequence[float | Fraction]) -> dict[int, int]:
        cells: dict[int, int] = {}
        for (address, layout), number in zip(self.parts, numbers, strict=True):
            words = encode(float(number) if layout.type.is_float else math.floor(number), layout)
            cells.update(enumerate(words, address))
        return cells


def _span(address: int, layout: Layout) -> range:
    return range(address, address + (layout.words or 1))


def _contradictions(register: Register) -> Iterator[str]:
    kind, parts = register.type, register.fraction is not None or register.exponent is not None
    if register.of_bits != (kind is DataType.BIT):
        yield "function codes 1 and 2 go with the type bit, 3 and 4 with all others"
    if (kind is DataType.STRING) != (register.words > 0):
        yield "words belongs to the type string, and only there"
    if kind is not DataType.BITS and (register.bit, register.bits) != (0, 1):
        yield "bit and bits belong to the type bits"
    if register.bit + register.bits > 2 * WORD_BITS:
        yield "a field of bits lies within two registers"
    if parts and kind in (DataType.STRING, DataType.BIT, DataType.BITS):
        yield f"a value of type {kind} has neither fraction nor exponent"
    # A marker that the register cannot hold never matches, and what it stands for would pass for a value.
    for marker in register.not_available:
        try:
            encode(marker, register.layout)
        except RegisterError as error:
            yield f"not_available: {error}"
    if kind is DataType.STRING and (register.scale, register.offset) != (1.0, 0.0):
        yield "a string has neither scale nor offset"
