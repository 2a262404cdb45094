"""A whole block of registers into raw values at once: one `struct.Struct` for all of them. Pure.

    block = Block([Slot(0, Layout(DataType.F32)), Slot(2, Layout(DataType.U64, WordOrder.CDAB))])
    values = block.decode(answer)

The bytes are put into another order only where the values' order of bytes or place asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from struct import Struct
from typing import Any, NamedTuple, cast

from collector.errors import RegisterError
from collector.registers.codec import Raw, packing_of
from collector.registers.types import DataType, Layout, WordOrder


class Slot(NamedTuple):
    """Where a value stands in a block.

    Attributes:
        offset: registers, or for a `bit` coils or inputs, from the block's beginning to the value's.
        layout: how it is laid out.
    """

    offset: int
    layout: Layout


class Block:
    """The values of one block; those of the type `bit` stand in blocks of their own, read by functions of their own.

    Args:
        slots: the values, in whatever order; they may overlap.
    """

    __slots__ = ("_bits", "_finish", "_gather", "_size", "_struct")

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._bits = [(slot.offset >> 3, slot.offset & 7) for slot in slots if slot.layout.type is DataType.BIT]
        if self._bits and len(self._bits) < len(slots):
            raise ValueError("coils or inputs and registers do not come in one block")
        self._size = max((_end(slot) for slot in slots), default=0)
        in_place = not self._bits and _in_place(slots)
        packings = [] if self._bits else [packing_of(slot.layout) for slot in slots]
        self._finish = [(at, packing.finish) for at, packing in enumerate(packings) if packing.finish]
        self._gather = None if in_place or self._bits or not slots else _gather(slots)
        holes = _holes(slots) if in_place else [0] * len(packings)
        parts = (f"{hole}x{packing.format}" for hole, packing in zip(holes, packings, strict=True))
        self._struct = Struct(f">{''.join(parts)}" if packings else ">")

    def decode(self, data: bytes) -> list[Raw | RegisterError]:
        """The raw value of each slot, in the order of the slots; what makes no sense is the error that says why.

        Args:
            data: the block as it stood on the wire: two bytes a register, the high one first; of coils and inputs
                eight to a byte, the lowest bit first.

        Raises:
            RegisterError: the block is shorter than its values.
        """
        if len(data) < self._size:
            raise RegisterError(f"{len(data)} bytes for values that take {self._size}")
        if self._bits:
            return [data[byte] >> bit & 1 for byte, bit in self._bits]
        if self._gather is not None:
            data = bytes(self._gather(data))
        values: list[Raw | RegisterError] = list(self._struct.unpack_from(data))
        for at, finish in self._finish:
            try:
                values[at] = finish(values[at])
            except RegisterError as error:
                values[at] = error
        return values


def _end(slot: Slot) -> int:
    """How many bytes of the block a value needs."""
    if slot.layout.type is DataType.BIT:
        return (slot.offset >> 3) + 1
    return 2 * (slot.offset + slot.layout.words)


def _in_place(slots: Sequence[Slot]) -> bool:
    """Whether the values can be taken from where they stand: one behind the other, most significant byte first."""
    end = 0
    for slot in slots:
        natural = slot.layout.order is WordOrder.ABCD or (
            slot.layout.words == 1 and slot.layout.order is WordOrder.CDAB
        )
        if not natural or slot.offset < end:
            return False
        end = slot.offset + slot.layout.words
    return True


def _holes(slots: Sequence[Slot]) -> Iterator[int]:
    """Bytes to skip before each value."""
    end = 0
    for slot in slots:
        yield 2 * (slot.offset - end)
        end = slot.offset + slot.layout.words


def _gather(slots: Sequence[Slot]) -> Callable[[bytes], tuple[int, ...]]:
    """Takes the bytes of all values out of a block, value by value, the most significant byte first."""
    places = [2 * slot.offset + place for slot in slots for place in slot.layout.order.positions(slot.layout.words)]
    return cast("Callable[[Any], tuple[int, ...]]", itemgetter(*places))
