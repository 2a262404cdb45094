"""What faults make of a meter's values: pure functions of data time and of the faults that hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulators.faults.kinds import MOMENTS, FaultKind
from simulators.faults.schedule import ValueFault

Level = Callable[[int], float]
"""Consumption since the counter's start, in the carrier's base unit, at data time (ms UTC)."""


def seen_at(at_ms: int, faults: Sequence[ValueFault]) -> int:
    """The moment (ms UTC) whose values a meter shows at `at_ms`: an earlier one where it is frozen, or drifts."""
    for fault in faults:
        if fault.kind is FaultKind.FROZEN and fault.since_ms <= at_ms:
            at_ms = int(fault.since_ms)
    return at_ms - int(sum(1000 * one.settings.seconds for one in faults if one.kind is FaultKind.CLOCK_DRIFT))


def shown(level: Level, start: float, end: float, at_ms: int, faults: Sequence[ValueFault]) -> float:
    """What a counter shows, in the base unit, primary side.

    The last reset, replacement or wrap decides what it counts from. A meter that will wrap, and was neither reset nor
    replaced before, stands just so that it reaches its end at that moment.

    Args:
        level: its consumption.
        start: what it showed when there was none.
        end: where it starts again from zero.
        at_ms: data time of the values, ms UTC.
        faults: those that hold.
    """
    moments = sorted((one for one in faults if one.kind in MOMENTS), key=lambda one: one.since_ms)
    past = [one for one in moments if one.since_ms <= at_ms]
    if past:
        last = past[-1]
        begin = last.settings.start if last.kind is FaultKind.REPLACEMENT else 0.0
        value = begin + level(at_ms) - level(int(last.since_ms))
    elif coming := next((one for one in moments if one.kind is FaultKind.WRAP), None):
        value = (level(at_ms) - level(int(coming.since_ms))) % end
    else:
        value = start + level(at_ms)
    return max(0.0, value - sum(one.settings.by for one in faults if one.kind is FaultKind.DIP))


def missing_registers(counter: str, faults: Sequence[ValueFault]) -> set[str]:
    """Names of the registers that have no value."""
    missing = [one.settings.registers or (counter,) for one in faults if one.kind is FaultKind.NOT_AVAILABLE]
    return {name for names in missing for name in names}


def words_are_swapped(faults: Sequence[ValueFault]) -> bool:
    """Whether the words of each value come in the opposite order."""
    return any(fault.kind is FaultKind.SWAPPED_WORDS for fault in faults)
