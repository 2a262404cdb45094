"""How a value is laid out in registers: its data type and its byte order. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

WORD_RANGE = 0x1_0000
"""Number of values of one word."""
WORD_BITS = 16
"""Bits of one word."""


class DataType(StrEnum):
    """The type of a value."""

    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U64 = "u64"
    I64 = "i64"
    F32 = "f32"
    F64 = "f64"
    SM16 = "sm16"
    """Sign and magnitude: the top bit is the sign, the rest the amount."""
    SM32 = "sm32"
    BCD16 = "bcd16"
    """Decimal digits, four to a word."""
    BCD32 = "bcd32"
    BCD48 = "bcd48"
    BCD64 = "bcd64"
    MOD10K_2 = "mod10k_2"
    """Each word holds four decimal digits as a number of 0 to 9 999: two words up to 99 999 999."""
    MOD10K_3 = "mod10k_3"
    MOD10K_4 = "mod10k_4"
    STRING = "string"
    """ASCII text, two characters to a word, filled up with NUL or spaces."""
    BITS = "bits"
    """A whole number in some bits of one or two words."""
    BIT = "bit"
    """One coil or discrete input (function codes 1 and 2)."""

    @property
    def words(self) -> int:
        """How many registers a value takes; 0 where that is no matter of the type: `string`, `bits` and `bit`."""
        return _WORDS.get(self, 0)

    @property
    def is_float(self) -> bool:
        """Whether the raw number is an IEEE 754 one."""
        return self in (DataType.F32, DataType.F64)

    @property
    def bounds(self) -> tuple[int, int] | None:
        """Smallest and largest raw number of an integer type of fixed size; None for all others."""
        if self is DataType.BIT:
            return 0, 1
        if self.is_float or not self.words:
            return None
        if self.value.startswith(("bcd", "mod10k")):
            return 0, 10_000**self.words - 1
        bits = WORD_BITS * self.words
        if self.value.startswith("u"):
            return 0, 2**bits - 1
        least = 1 if self.value.startswith("sm") else 0
        return least - 2 ** (bits - 1), 2 ** (bits - 1) - 1


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

    def positions(self, words: int) -> tuple[int, ...]:
        """Where the bytes of a value of so many words stand on the wire, the most significant byte's place first."""
        order = range(words - 1, -1, -1) if self.low_word_first else range(words)
        return tuple(2 * word + (byte ^ self.swapped_bytes) for word in order for byte in (0, 1))


class Layout(NamedTuple):
    """How one value is laid out, wherever it stands.

    Attributes:
        type: its type.
        order: its byte order.
        length: words of a `string`; the other types know theirs.
        bit: lowest bit of a field of `bits`, 0 the least significant one of the value's word or words.
        bits: how many bits a field of `bits` has.
    """

    type: DataType
    order: WordOrder = WordOrder.ABCD
    length: int = 0
    bit: int = 0
    bits: int = 1

    @property
    def words(self) -> int:
        """How many registers the value takes; 0 for a `bit`, which takes none."""
        if self.type is DataType.STRING:
            return self.length
        if self.type is DataType.BITS:
            return 1 if self.bit + self.bits <= WORD_BITS else 2
        return self.type.words


_WORDS = {
    DataType.U16: 1,
    DataType.I16: 1,
    DataType.U32: 2,
    DataType.I32: 2,
    DataType.U64: 4,
    DataType.I64: 4,
    DataType.F32: 2,
    DataType.F64: 4,
    DataType.SM16: 1,
    DataType.SM32: 2,
    DataType.BCD16: 1,
    DataType.BCD32: 2,
    DataType.BCD48: 3,
    DataType.BCD64: 4,
    DataType.MOD10K_2: 2,
    DataType.MOD10K_3: 3,
    DataType.MOD10K_4: 4,
}
