"""Words of a device into raw values and back. Pure.

A word is one 16-bit register, 0 to 65 535. A raw value is what stands in the registers, before scale: a number, or text
for a `string`. Simulators use `encode`, which is the inverse of `decode`; `collector.registers.block` decodes many
values at once with the same `Packing`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from collector.errors import RegisterError
from collector.registers.types import DataType, Layout

Raw = int | float | str
"""What stands in registers: a number before scale, or text."""

_PLAIN = {
    DataType.U16: "H",
    DataType.I16: "h",
    DataType.U32: "I",
    DataType.I32: "i",
    DataType.U64: "Q",
    DataType.I64: "q",
    DataType.F32: "f",
    DataType.F64: "d",
}


class Packing(NamedTuple):
    """How the bytes of a layout, the most significant first, become the raw value and back.

    Attributes:
        format: of `struct`, for big-endian bytes.
        finish: makes the raw value of what `struct` gives, raises RegisterError; None where that is it.
        begin: the inverse of `finish`.
    """

    format: str
    finish: Callable[[Any], Raw] | None = None
    begin: Callable[[Any], Any] | None = None


def decode(words: Sequence[int], layout: Layout) -> Raw:
    """The raw value in `words`, lowest address first; a float may be NaN or infinite.

    The one "word" of a `bit` is the coil or input, 0 or 1.

    Raises:
        RegisterError: not as many words as the layout takes, a BCD digit above 9, a mod-10k word above 9 999, or a
            string that is no ASCII.
    """
    if len(words) != (layout.words or 1):
        raise RegisterError(f"{layout.type} takes {layout.words or 1} registers, got {len(words)}")
    if layout.type is DataType.BIT:
        return words[0] & 1
    wire = b"".join(word.to_bytes(2, "big") for word in words)
    packing = packing_of(layout)
    raw = struct.unpack(f">{packing.format}", bytes(wire[at] for at in layout.order.positions(layout.words)))[0]
    value: Raw = packing.finish(raw) if packing.finish else raw
    return value


def encode(value: Raw, layout: Layout) -> tuple[int, ...]:
    """The words that hold `value`, lowest address first; a float is rounded to the nearest of the type.

    Raises:
        RegisterError: the value does not fit, or an integer type is given a fraction.
    """
    whole = _checked(value, layout)
    if layout.type is DataType.BIT:
        return (int(whole),)
    packing = packing_of(layout)
    try:
        raw = struct.pack(f">{packing.format}", packing.begin(whole) if packing.begin else whole)
    except (OverflowError, struct.error) as error:
        raise RegisterError(f"{value!r} does not fit {layout.type}") from error
    wire = bytearray(len(raw))
    for at, byte in zip(layout.order.positions(layout.words), raw, strict=True):
        wire[at] = byte
    return struct.unpack(f">{layout.words}H", wire)


@cache
def packing_of(layout: Layout) -> Packing:
    """How a layout's bytes are read; not for a `bit`, which has none of its own."""
    kind, words = layout.type, layout.words
    if kind in _PLAIN:
        return Packing(_PLAIN[kind])
    if kind is DataType.BITS:
        mask = (1 << layout.bits) - 1
        return Packing("HI"[words - 1], lambda raw: raw >> layout.bit & mask, lambda value: value << layout.bit)
    if kind is DataType.STRING:
        return Packing(f"{2 * words}s", _text, lambda text: text.encode("ascii"))
    if kind in (DataType.SM16, DataType.SM32):
        sign = 1 << (16 * words - 1)
        # The same subtraction takes the sign off and puts it on.
        return Packing(
            "HI"[words - 1],
            lambda raw: sign - raw if raw & sign else raw,
            lambda value: sign - value if value < 0 else value,
        )
    if kind.value.startswith("bcd"):
        return Packing(f"{2 * words}s", _from_bcd, lambda value: bytes.fromhex(f"{value:0{4 * words}d}"))
    return Packing(f"{2 * words}s", _from_mod10k, lambda value: _to_mod10k(value, words))


def _checked(value: Raw, layout: Layout) -> Raw:
    """`value` as the layout takes it: text that fits, a whole number within bounds, or any float."""
    if layout.type is DataType.STRING:
        if not isinstance(value, str) or not value.isascii() or len(value) > 2 * layout.words:
            raise RegisterError(f"{value!r} is no ASCII text of at most {2 * layout.words} characters")
        return value
    if isinstance(value, str):
        raise RegisterError(f"{layout.type} holds numbers, not {value!r}")
    if layout.type.is_float:
        return value
    if not math.isfinite(value) or value != int(value):
        raise RegisterError(f"{layout.type} holds whole numbers, not {value!r}")
    low, high = layout.type.bounds or (0, (1 << layout.bits) - 1)
    if not low <= value <= high:
        raise RegisterError(f"{int(value)} does not fit {layout.type} ({low} to {high})")
    return int(value)


def _from_bcd(raw: bytes) -> int:
    digits = raw.hex()
    if not digits.isdecimal():
        raise RegisterError(f"{digits} is no binary coded decimal")
    return int(digits)


def _from_mod10k(raw: bytes) -> int:
    total = 0
    for at in range(0, len(raw), 2):
        word = raw[at] << 8 | raw[at + 1]
        if word > 9_999:  # noqa: PLR2004 - four decimal digits
            raise RegisterError(f"{word} is more than the four digits of a mod-10k word")
        total = total * 10_000 + word
    return total


def _to_mod10k(value: int, words: int) -> bytes:
    digits = f"{value:0{4 * words}d}"
    return b"".join(int(digits[at : at + 4]).to_bytes(2, "big") for at in range(0, len(digits), 4))


def _text(raw: bytes) -> str:
    try:
        return raw.rstrip(b"\0 ").decode("ascii")
    except UnicodeDecodeError as error:
        raise RegisterError(f"{raw!r} is no ASCII text") from error
