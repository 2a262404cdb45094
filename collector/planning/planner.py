"""The fewest legal reads that bring the wanted registers of one meter. Pure.

A read is legal when it carries no more registers than the device allows, touches no forbidden one, spans no hole wider
than the profile's cap, and splits no value: a 32-bit counter whose halves come from two requests is torn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from collector.errors import PlanError
from collector.profiles import MOST_WORDS, Profile, Register


class Read(msgspec.Struct, frozen=True):
    """One request.

    Attributes:
        function_code: 3 or 4.
        address: first register, zero-based.
        count: how many registers.
        registers: the values that it brings, by address.
    """

    function_code: int
    address: int
    count: int
    registers: tuple[Register, ...]

    def words_of(self, register: Register, words: Sequence[int]) -> tuple[int, ...]:
        """Cut the words of one value out of the answer's."""
        return tuple(words[register.start - self.address : register.end - self.address])


class Limits(msgspec.Struct, frozen=True):
    """What a device stands.

    Attributes:
        max_words: most registers of one read.
        max_hole: most unwanted registers between two wanted ones.
        forbidden: first and last address of ranges that no read may touch.
    """

    max_words: int = MOST_WORDS
    max_hole: int = 0
    forbidden: tuple[tuple[int, int], ...] = ()

    def allow(self, start: int, end: int) -> bool:
        """Whether a read of registers `start` to `end` (exclusive) is within size and forbidden ranges."""
        return end - start <= self.max_words and not any(
            first < end and start <= last for first, last in self.forbidden
        )


def limits_of(profile: Profile) -> Limits:
    """The limits that a profile declares."""
    return Limits(profile.max_words, profile.max_hole, profile.forbidden)


def plan(wanted: Iterable[Register], limits: Limits) -> tuple[Read, ...]:
    """The fewest legal reads that cover each of `wanted` wholly, by function code and address.

    Going up the addresses and extending each read as far as is legal is optimal, because every part of a legal read is
    legal too: no other plan can have got further with as many reads.

    Raises:
        PlanError: a value alone is larger than a read may be, or lies in a forbidden range.
    """
    reads: list[Read] = []
    group: list[Register] = []
    for register in sorted(wanted, key=_position):
        if not limits.allow(register.start, register.end):
            raise PlanError(f"{register.name} at {register.address}: no legal read covers it")
        if group and not _joins(register, group, limits):
            reads.append(_read(group))
            group = []
        group.append(register)
    return (*reads, _read(group)) if group else ()


def _position(register: Register) -> tuple[int, int, int]:
    return register.function_code, register.start, register.end


def _joins(register: Register, group: Sequence[Register], limits: Limits) -> bool:
    end = max(other.end for other in group)
    return (
        register.function_code == group[0].function_code
        and register.start - end <= limits.max_hole
        and limits.allow(group[0].start, max(end, register.end))
    )


def _read(group: Sequence[Register]) -> Read:
    start, end = group[0].start, max(register.end for register in group)
    return Read(group[0].function_code, start, end - start, tuple(group))
