"""What a device stands: what its profile declares, and what was learned from its refusals. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from collector.profiles import MOST_BITS, MOST_WORDS, Profile, Register
from collector.profiles.register import BIT_FUNCTIONS

_BITS_TO_A_REGISTER = 16


class Barriers(msgspec.Struct, frozen=True, kw_only=True):
    """What no read of one function code may touch or cross.

    Attributes:
        forbidden: first and last address of ranges that no read may touch.
        breaks: addresses b such that no read may cover both b - 1 and b.
    """

    forbidden: tuple[tuple[int, int], ...] = ()
    breaks: tuple[int, ...] = ()


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """What the refusals of one meter taught.

    Attributes:
        barriers: by function code.
        unreadable: values that the device refuses even alone: name → data time of the latest refusal, ms UTC.
    """

    barriers: dict[int, Barriers] = {}
    unreadable: dict[str, int] = {}

    def with_barrier(self, function_code: int, first: int, after: int) -> Learned:
        """The same and a range from `first` to before `after` that no read may touch; a break where it is empty."""
        old = self.barriers.get(function_code, Barriers())
        forbidden, breaks = {*old.forbidden}, {*old.breaks}
        if first < after:
            forbidden.add((first, after - 1))
        else:
            breaks.add(first)
        new = Barriers(forbidden=tuple(sorted(forbidden)), breaks=tuple(sorted(breaks)))
        return msgspec.structs.replace(self, barriers={**self.barriers, function_code: new})

    def with_unreadable(self, register: Register, at_ms: int) -> Learned:
        """The same and a value that the device refused by itself at that data time."""
        walled = self.with_barrier(register.function_code, register.start, register.end)
        return msgspec.structs.replace(walled, unreadable={**self.unreadable, register.name: at_ms})

    def with_readable(self, names: Iterable[str]) -> Learned:
        """The same, and values that the device gave after all."""
        given = set(names)
        if not given & self.unreadable.keys():
            return self
        return msgspec.structs.replace(self, unreadable={k: v for k, v in self.unreadable.items() if k not in given})

    def worth_asking(self, wanted: Iterable[Register], now_ms: int, retry_ms: int) -> tuple[Register, ...]:
        """Those of `wanted` that the device has not refused within the `retry_ms` before `now_ms`, data time.

        A refusal that lies in the future was stamped by a clock that ran ahead: it counts no longer.
        """
        return tuple(
            register
            for register in wanted
            if not 0 <= now_ms - self.unreadable.get(register.name, now_ms + 1) < retry_ms
        )


class Limits(msgspec.Struct, frozen=True):
    """What a device stands.

    Attributes:
        max_words: most registers of one read.
        max_hole: most unwanted registers between two wanted ones; of coils and inputs, which are smaller, 16 times as
            many.
        forbidden: first and last address of ranges that no read may touch, of whatever function code.
        max_bits: most coils or inputs of one read.
        barriers: what was learned, by function code.
    """

    max_words: int = MOST_WORDS
    max_hole: int = 0
    forbidden: tuple[tuple[int, int], ...] = ()
    max_bits: int = MOST_BITS
    barriers: Mapping[int, Barriers] = {}

    def hole(self, function_code: int) -> int:
        """Most unwanted addresses between two wanted ones."""
        return self.max_hole * (_BITS_TO_A_REGISTER if function_code in BIT_FUNCTIONS else 1)

    def reach(self, function_code: int, start: int) -> int:
        """Before which address a read that begins at `start` has to end, holes aside; `start` where none may begin."""
        barriers = self.barriers.get(function_code, Barriers())
        size = self.max_bits if function_code in BIT_FUNCTIONS else self.max_words
        walls = [max(first, start) for first, last in (*self.forbidden, *barriers.forbidden) if last >= start]
        return min([start + size, *walls, *(at for at in barriers.breaks if at > start)])

    def with_learned(self, learned: Learned, wanted: Iterable[Register]) -> Limits:
        """The same and what was learned, as far as it leaves each of `wanted` readable by itself.

        What was a hole may be wanted now, and what was refused may be worth another try.
        """
        spans: dict[int, list[tuple[int, int]]] = {}
        for register in wanted:
            spans.setdefault(register.function_code, []).append((register.start, register.end))
        barriers = {
            function_code: Barriers(
                forbidden=tuple(part for wall in old.forbidden for part in _around(wall, spans.get(function_code, []))),
                breaks=tuple(
                    at for at in old.breaks if not any(start < at < end for start, end in spans.get(function_code, []))
                ),
            )
            for function_code, old in learned.barriers.items()
        }
        return msgspec.structs.replace(self, barriers=barriers)


def limits_of(profile: Profile) -> Limits:
    """The limits that a profile declares."""
    return Limits(profile.max_words, profile.max_hole, profile.forbidden, profile.max_bits)


def _around(wall: tuple[int, int], spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is left of a range, first and last address, where spans (exclusive end) are taken out of it."""
    parts = [wall]
    for start, end in spans:
        parts = [
            part
            for first, last in parts
            for part in ((first, min(last, start - 1)), (max(first, end), last))
            if part[0] <= part[1]
        ]
    return parts
