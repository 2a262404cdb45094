"""Profiles of meters that speak DL/T 645-2007: data items, alone or in a block that one request brings. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated

import msgspec

from collector.errors import RegisterError
from collector.profiles.checks import value_faults
from collector.profiles.model import ProfileBase
from collector.profiles.value import Value
from energy.toml_lines import Path

DataId = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9A-F]{8}\Z", description="eight hexadecimal digits, 0 to 9 and A to F")
]
"""A data identifier, eight hexadecimal digits as the standard prints them, DI3 first."""

_SIGN = 0x80
_NO_VALUE = 0xFF


class DataItem(Value, frozen=True, kw_only=True):
    """One value: BCD digits, the last two first, and a sign in the top bit where the standard has one.

    Attributes:
        data_id: what to ask for; None where only a block brings it.
        length: bytes, two digits each: XXXXXX.XX is of length 4 with a scale of 0.01.
        signed: whether the top bit is a sign and no digit.
        block: data identifier of a block that brings it beside others; None where there is none.
        block_at: its first byte within the block's data.
    """

    data_id: DataId | None = None
    length: Annotated[int, msgspec.Meta(ge=1, le=8)]
    signed: bool = False
    block: DataId | None = None
    block_at: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0

    def __post_init__(self) -> None:
        if not self.data_id and not self.block:
            raise ValueError("give data_id, or the block that brings it")
        if self.block_at and not self.block:
            raise ValueError("block_at says where in a block: give block")

    @property
    def block_end(self) -> int:
        """First byte after it within the block's data."""
        return self.block_at + self.length

    def within(self, block: bytes) -> bytes:
        """Its bytes in the data of its block; raises RegisterError where that ends before it."""
        if len(block) < self.block_end:
            raise RegisterError(f"{self.name}: the meter's block {self.block} ends before it")
        return block[self.block_at : self.block_end]

    def decode(self, data: bytes) -> int | None:
        """The raw number in its bytes, before `scale`; None when the meter has no value, which it says by FF.

        Raises:
            RegisterError: the bytes are no digits.
        """
        if all(byte == _NO_VALUE for byte in data):
            return None
        negative = self.signed and data[-1] & _SIGN
        digits = (bytes([data[-1] & ~_SIGN]) if negative else data[-1:]) + data[-2::-1]
        if not (text := digits.hex()).isdecimal():
            raise RegisterError(f"{self.name}: {data[::-1].hex(' ').upper()} holds no decimal digits")
        return -int(text) if negative else int(text)

    def encode(self, value: float | Fraction) -> bytes:
        """The bytes that show `value`, in `unit`, cut to whole steps as a counter does.

        Raises:
            RegisterError: the value does not fit.
        """
        raw = math.floor(abs((Fraction(value) - self.exact_offset) / self.exact_scale))
        top = 8 * 10 ** (2 * self.length - 1) if self.signed else 100**self.length
        if raw >= top or (value < 0 and not self.signed):
            raise RegisterError(f"{self.name}: {float(value):g} does not fit into {2 * self.length} digits")
        data = bytearray(bytes.fromhex(f"{raw:0{2 * self.length}}")[::-1])
        if value < 0 and raw:
            data[-1] |= _SIGN
        return bytes(data)

    def encode_not_available(self) -> bytes:
        """The bytes by which a meter says that it has no value."""
        return bytes([_NO_VALUE]) * self.length


class Dlt645Profile(ProfileBase, frozen=True, kw_only=True, tag="dlt645"):
    """What is known of one model, or one kind of model, that speaks DL/T 645-2007.

    Attributes:
        items: the values.
    """

    items: Annotated[tuple[DataItem, ...], msgspec.Meta(min_length=1)]

    @property
    def values(self) -> tuple[DataItem, ...]:
        """All values of the model."""
        return self.items

    def item(self, name: str) -> DataItem:
        """The item of that name; raises KeyError."""
        for item in self.items:
            if item.name == name:
                return item
        raise KeyError(name)


def dlt645_faults(profile: Dlt645Profile) -> Iterator[tuple[Path, str]]:
    """Every fault of a DL/T 645 profile that no single key shows, as (place, message)."""
    yield from value_faults(profile, "items")
    places: dict[tuple[str, int], str] = {}
    for at, item in enumerate(profile.items):
        if item.block is None:
            continue
        owners = {places.setdefault((item.block, byte), item.name) for byte in range(item.block_at, item.block_end)}
        if others := owners - {item.name}:
            yield ("items", at, "block_at"), f"its place in block {item.block} belongs to {', '.join(others)} already"
