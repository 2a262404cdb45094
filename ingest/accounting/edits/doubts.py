"""Whether the states of a replacement fit the readings beside it. Pure.

A record is taken as it stands, since only people saw the meter; but a slip of the pen in a state is counted as energy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from energy.quantities import Derived
from ingest.accounting.edits.model import Edit

_HOUR_MS = 3_600_000
_HALF = 0.5
"""Of the way round a register: a fall that would have to be more is none over the top."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The readings beside a replacement, and what is plausible at its point.

    Attributes:
        before: the last one before `since` as (ms since 1970, value); None for none.
        after: the first one from `until` on, likewise.
        max_rate: greatest plausible change per hour, None for no bound.
        wrap: value at which the register starts again, None when it does not.
        resolution: smallest step of the register.
    """

    before: tuple[int, float] | None
    after: tuple[int, float] | None
    max_rate: float | None
    wrap: float | None
    resolution: float


def doubts(edit: Edit, beside: Beside) -> Iterator[str]:
    """Why states of `edit` are hardly right: they fall, or lie further away than `max_rate` allows."""
    both_ways = edit.point.quantity == Derived.NET_REGISTER
    if edit.old_end is not None and beside.before is not None:
        at, value = beside.before
        if why := _doubt(edit.old_end - value, edit.since - at, beside, both_ways=both_ways):
            yield f"old_end {edit.old_end:.15g} {why} the last reading before, {value:.15g}"
    if edit.new_start is not None and beside.after is not None:
        at, value = beside.after
        if why := _doubt(value - edit.new_start, at - edit.until, beside, both_ways=both_ways):
            side = "lies above" if why == _BELOW else why
            yield f"new_start {edit.new_start:.15g} {side} the first reading after, {value:.15g}"


_BELOW = "lies below"


def _doubt(advance: float, elapsed_ms: int, beside: Beside, *, both_ways: bool) -> str:
    """What is wrong with an advance from the earlier to the later of two values; empty for nothing."""
    most = None if beside.max_rate is None else beside.max_rate * elapsed_ms / _HOUR_MS + beside.resolution
    if both_ways:
        return "" if most is None or abs(advance) <= most else _far(most)
    if advance < -beside.resolution:
        over_the_top = None if beside.wrap is None else advance + beside.wrap
        if over_the_top is None or over_the_top > (most if most is not None else _HALF * (beside.wrap or 0)):
            return _BELOW
        return ""
    return "" if most is None or advance <= most else _far(most)


def _far(most: float) -> str:
    return f"is further than max_rate allows ({most:.6g}) from"
