"""Words of a device into numbers and back: data types and byte orders of Modbus registers. Pure.

A word is one 16-bit register, 0 to 65 535. `decode` gives the raw number that stands in the registers, before scale;
simulators use `encode`, which is its inverse.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from collector.errors import RegisterError

WORD_RANGE = 0x1_0000
"""Number of values of one word."""


class DataType(StrEnum):
    """How a value is laid out in registers."""

    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U64 = "u64"
    I64 = "i64"
    F32 = "f32"
    F64 = "f64"
    BCD48 = "bcd48"
    """Twelve decimal digits, four to a word."""

    @property
    def words(self) -> int:
        """How many registers a value takes."""
        return _WORDS[self]

    @property
    def is_float(self) -> bool:
        """Whether the raw number is an IEEE 754 one."""
        return self in (DataType.F32, DataType.F64)

    @property
    def bounds(self) -> tuple[int, int] | None:
        """Smallest and largest raw number of an integer type; None for floats."""
        if self.is_float:
            return None
        if self is DataType.BCD48:
            return 0, 10**12 - 1
        bits = 16 * self.words
        return (0, 2**bits - 1) if self.value.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


class WordOrder(StrEnum):
    """Order of the bytes on the wire, written as manuals do for a 32-bit value ABCD, A the most significant."""

    ABCD = "abcd"
    """High word first, high byte first: the standard's order."""
    CDAB = "cdab"
    """Low word first."""
    BADC = "badc"
    """High word first, the bytes of each word swapped."""
    DCBA = "dcba"
    """Low word first and the bytes of each word swapped: little-endian throughout."""

    @property
    def low_word_first(self) -> bool:
        """Whether the least significant word has the lowest address."""
        return self in (WordOrder.CDAB, WordOrder.DCBA)

    @property
    def swapped_bytes(self) -> bool:
        """Whether the low byte of a word comes first."""
        return self in (WordOrder.BADC, WordOrder.DCBA)


_WORDS = {
    DataType.U16: 1,
    DataType.I16: 1,
    DataType.U32: 2,
    DataType.I32: 2,
    DataType.U64: 4,
    DataType.I64: 4,
    DataType.F32: 2,
    DataType.F64: 4,
    DataType.BCD48: 3,
}
_STRUCTS = {
    DataType.U16: struct.Struct(">H"),
    DataType.I16: struct.Struct(">h"),
    DataType.U32: struct.Struct(">I"),
    DataType.I32: struct.Struct(">i"),
    DataType.U64: struct.Struct(">Q"),
    DataType.I64: struct.Struct(">q"),
    DataType.F32: struct.Struct(">f"),
    DataType.F64: struct.Struct(">d"),
}


def decode(words: Sequence[int], data_type: DataType, order: WordOrder = WordOrder.ABCD) -> int | float:
    """The raw number in `words`, lowest address first; a float may be NaN or infinite.

    Raises:
        RegisterError: not as many words as the type takes, or a BCD digit above 9.
    """
    if len(words) != data_type.words:
        raise RegisterError(f"{data_type} takes {data_type.words} registers, got {len(words)}")
    raw = _to_bytes(words, order)
    if data_type is DataType.BCD48:
        return _from_bcd(raw)
    number: int | float = _STRUCTS[data_type].unpack(raw)[0]
    return number


def encode(number: float, data_type: DataType, order: WordOrder = WordOrder.ABCD) -> tuple[int, ...]:
    """The words that hold `number`, lowest address first; a float is rounded to the nearest of the type.

    Raises:
        RegisterError: the number does not fit, or an integer type is given a fraction.
    """
    if data_type.is_float:
        return _to_words(_pack_float(number, data_type), order)
    if not math.isfinite(number) or number != int(number):
        raise RegisterError(f"{data_type} holds whole numbers, not {number!r}")
    whole = int(number)
    low, high = data_type.bounds or (0, 0)
    if not low <= whole <= high:
        raise RegisterError(f"{whole} does not fit {data_type} ({low} to {high})")
    if data_type is DataType.BCD48:
        return _to_words(bytes.fromhex(f"{whole:012d}"), order)
    return _to_words(_STRUCTS[data_type].pack(whole), order)


def _pack_float(number: float, data_type: DataType) -> bytes:
    try:
        return _STRUCTS[data_type].pack(number)
    except OverflowError as error:
        raise RegisterError(f"{number!r} does not fit {data_type}") from error


def _to_bytes(words: Sequence[int], order: WordOrder) -> bytes:
    """Most significant byte first."""
    ordered = reversed(words) if order.low_word_first else words
    return b"".join(word.to_bytes(2, "little" if order.swapped_bytes else "big") for word in ordered)


def _to_words(raw: bytes, order: WordOrder) -> tuple[int, ...]:
    byte_order: Literal["little", "big"] = "little" if order.swapped_bytes else "big"
    words = tuple(int.from_bytes(raw[at : at + 2], byte_order) for at in range(0, len(raw), 2))
    return words[::-1] if order.low_word_first else words


def _from_bcd(raw: bytes) -> int:
    digits = raw.hex()
    if not digits.isdecimal():
        raise RegisterError(f"{digits} is no binary coded decimal")
    return int(digits)
