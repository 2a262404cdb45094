"""The answer to one read into the raw numbers of its registers, all at once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isfinite
from typing import cast

from collector.errors import RegisterError
from collector.profiles.register import Register
from collector.registers import Block, Raw, Slot

RawNumber = Raw | Fraction | None
"""A raw number before scale, text, or None where the device has no value."""
_Outcome = RawNumber | RegisterError


class RegisterBlock:
    """Registers that one read brings.

    Args:
        registers: of one function code; the outcomes have their order.
        start: address of the read's first register, coil or input.
    """

    __slots__ = ("_block", "_composed", "_count", "_floats", "_marked")

    def __init__(self, registers: Sequence[Register], start: int) -> None:
        plain = [(at, register) for at, register in enumerate(registers) if len(register.parts) == 1]
        self._floats = [at for at, register in plain if register.type.is_float]
        self._marked = [(at, frozenset(register.not_available)) for at, register in plain if register.not_available]
        slots = [Slot(register.address - start, register.layout) for register in registers]
        self._count = len(slots)
        # The further parts of composed values come last, so that a block of plain ones is what its slots are.
        self._composed: list[tuple[int, Register, slice]] = []
        for at, register in enumerate(registers):
            if more := register.parts[1:]:
                self._composed.append((at, register, slice(len(slots), len(slots) + len(more))))
                slots += [Slot(address - start, layout) for address, layout in more]
        self._block = Block(slots)

    def decode(self, data: bytes) -> list[RawNumber | RegisterError]:
        """The raw number of each register, in their order; what makes no sense is the error that says why.

        Args:
            data: the answer as it stood on the wire, see `Block.decode`.

        Raises:
            RegisterError: the answer is shorter than its registers.
        """
        raws = cast("list[_Outcome]", self._block.decode(data))
        # Where all are floats, as is usual, a finite sum says in one go that each of them is finite.
        if not (len(self._floats) == len(raws) and isfinite(sum(raws))):  # type: ignore[arg-type]  # all are floats
            for at in self._floats:
                if not isfinite(raws[at]):  # type: ignore[arg-type]  # a float, since its slot is one
                    raws[at] = None
        for at, markers in self._marked:
            if raws[at] in markers:
                raws[at] = None
        for at, register, more in self._composed:
            raws[at] = _join(register, [raws[at], *raws[more]])
        del raws[self._count :]
        return raws


def _join(register: Register, raws: Sequence[_Outcome]) -> _Outcome:
    for raw in raws:
        if isinstance(raw, RegisterError):
            return raw
    try:
        return register.join(cast("Sequence[Raw]", raws))
    except RegisterError as error:
        return error
