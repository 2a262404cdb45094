"""The fewest legal reads that bring the wanted values of one meter. Pure.

A read is legal when it carries no more than the device allows, touches nothing forbidden, crosses no break that was
learned from the device, spans no hole wider than the profile's cap, and splits no value: a 32-bit counter whose halves
come from two requests is torn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from collector.errors import PlanError
from collector.planning.limits import Limits
from collector.profiles import Register
from collector.profiles.register import BIT_FUNCTIONS


class Read(msgspec.Struct, frozen=True):
    """One request.

    Attributes:
        function_code: 1 to 4.
        address: first register, coil or input, zero-based.
        count: how many.
        registers: the values that it brings, by address.
    """

    function_code: int
    address: int
    count: int
    registers: tuple[Register, ...]

    def __str__(self) -> str:
        what = {1: "coil", 2: "discrete input", 3: "holding register", 4: "input register"}[self.function_code]
        return f"{self.count} {what}{'s' * (self.count != 1)} from {self.address} (function code {self.function_code})"

    @property
    def end(self) -> int:
        """Address after the last."""
        return self.address + self.count

    @property
    def data_bytes(self) -> int:
        """How many bytes of data its answer carries."""
        return (self.count + 7) // 8 if self.function_code in BIT_FUNCTIONS else 2 * self.count

    @property
    def wasted(self) -> int:
        """How many registers, coils or inputs it brings that belong to none of the values."""
        return self.count - len({at for register in self.registers for at in register.addresses})


def read_of(registers: Sequence[Register]) -> Read:
    """The read that brings just these values, of one function code and sorted by address; its limits are not asked."""
    start, end = registers[0].start, max(register.end for register in registers)
    return Read(registers[0].function_code, start, end - start, tuple(registers))


def plan(wanted: Iterable[Register], limits: Limits) -> tuple[Read, ...]:
    """The fewest legal reads that cover each of `wanted` wholly, by function code and address.

    The value that begins first has to be in some read. Whatever that read is, one that begins where the value begins
    and goes as far as is legal brings all of its values and perhaps more, since each part of a legal read that begins
    and ends with a value is legal too. So no other plan has got further with as many reads.

    Raises:
        PlanError: a value alone is larger than a read may be, or lies in a forbidden range.
    """
    ordered = sorted(wanted, key=_position)
    return tuple(
        read
        for function_code, values in groupby(ordered, key=lambda register: register.function_code)
        for read in _reads(list(values), limits, function_code)
    )


def _position(register: Register) -> tuple[int, int, int]:
    return register.function_code, register.start, register.end


def _reads(ordered: list[Register], limits: Limits, function_code: int) -> Iterable[Read]:
    """The reads of one function code."""
    runs = _runs(ordered, limits.hole(function_code))
    rest = ordered
    while rest:
        first = rest[0]
        run_end = next(end for start, end in runs if start <= first.start < end)
        reach = min(run_end, limits.reach(function_code, first.start))
        group = [register for register in rest if register.end <= reach]
        # Of values that begin together the shorter ones come first; none of them may be out of reach.
        stuck = [register for register in rest if register.start == first.start and register.end > reach]
        if stuck:
            raise PlanError(f"{stuck[0].name} at {stuck[0].address}: no legal read covers it")
        yield read_of(group)
        rest = [register for register in rest if register.end > reach]


def _runs(ordered: Sequence[Register], cap: int) -> list[tuple[int, int]]:
    """Where the values stand, joined over holes of at most `cap`: the spans that no read may leave."""
    runs: list[tuple[int, int]] = []
    for register in ordered:
        if runs and register.start - runs[-1][1] <= cap:
            runs[-1] = runs[-1][0], max(runs[-1][1], register.end)
        else:
            runs.append((register.start, register.end))
    return runs
