"""Which readings stand nearest the borders of the quarter hours, found while the readings pass by.

Consumption is the difference of a register at the borders of quarter hours; the reading nearest a border says it best.
Those are ordinary readings of the same points: where only they arrive, the platform derives the same energy within the
interval of a poll. Pure: no clock, no disk.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

from energy.readings import Quality, Reading

QUARTER_MS = 900_000
"""A quarter hour of data time; borders are its whole multiples since 1970-01-01 UTC."""

_NOT_AVAILABLE = int(Quality.NOT_AVAILABLE)


class Seen(msgspec.Struct, frozen=True, gc=False):
    """The last reading of an ascending run, and whether it is among the border readings already."""

    reading: Reading
    at_border: bool


class Trace(msgspec.Struct, frozen=True, gc=False):
    """What is remembered of a point.

    Attributes:
        newest: its reading of the latest time.
        late: the last of the run of earlier readings that is coming in now, None where none is.
    """

    newest: Seen
    late: Seen | None = None


class Split(msgspec.Struct, frozen=True):
    """Readings in two classes.

    Attributes:
        border: those nearest a border.
        rest: all others, in their order.
        copies: how many of `border` had been handed out as `rest` before: the same readings once more.
        traces: what is to be remembered once these readings are kept.
    """

    border: list[Reading]
    rest: list[Reading]
    copies: int
    traces: Mapping[str, Trace]


class BorderPicker:
    """Splits what comes, point by point.

    When a reading crosses one or more borders, it or the one before it is the nearest to each of them. The one before
    has been handed out as `rest` by then, so a copy of it follows as `border`. The first reading of a point counts as
    a border reading, since nobody knows what was before. A reading without a value never does.

    Readings that are older than the newest of their point come in ascending runs (a device tells its history); a run
    is treated like the readings of a point of its own, and its last reading is a border reading as soon as the run
    ends. So for any order of arrival, the nearest reading of each border crossed is among the border readings.
    """

    def __init__(self) -> None:
        self._traces: dict[str, Trace] = {}

    def split(self, readings: Iterable[Reading]) -> Split:
        """Split readings; nothing is remembered before `keep`, so that a failed append can be tried again."""
        border: list[Reading] = []
        rest: list[Reading] = []
        traces: dict[str, Trace] = {}
        copies = 0
        for reading in readings:
            if not _has_value(reading):
                rest.append(reading)
                continue
            trace = traces.get(reading.point) or self._traces.get(reading.point)
            if trace is not None and _follows_in_its_quarter(trace, reading):
                # The way of nearly every reading, and so without the steps below.
                traces[reading.point] = Trace(Seen(reading, at_border=False))
                rest.append(reading)
                continue
            traces[reading.point], copied, at_border = _step(trace, reading)
            copies += len(copied)
            border.extend(copied)
            (border if at_border else rest).append(reading)
        return Split(border, rest, copies, traces)

    def keep(self, split: Split) -> None:
        """Remember what was split: the readings are on the disk."""
        self._traces.update(split.traces)


def _has_value(reading: Reading) -> bool:
    value = reading.value
    return value is not None and math.isfinite(value) and reading.quality != _NOT_AVAILABLE


def _follows_in_its_quarter(trace: Trace, reading: Reading) -> bool:
    before = trace.newest.reading.at
    return before < reading.at and before // QUARTER_MS == reading.at // QUARTER_MS and trace.late is None


def _step(trace: Trace | None, reading: Reading) -> tuple[Trace, list[Reading], bool]:
    """What is remembered after a reading, which earlier ones are border readings now, and whether it is one."""
    if trace is None:
        return Trace(Seen(reading, at_border=True)), [], True
    if reading.at > trace.newest.reading.at:
        copied, at_border = _cross(trace.newest, reading)
        return Trace(Seen(reading, at_border)), [*_end(trace.late), *copied], at_border
    late = trace.late
    if late is not None and reading.at > late.reading.at:
        copied, at_border = _cross(late, reading)
        return Trace(trace.newest, Seen(reading, at_border)), copied, at_border
    return Trace(trace.newest, Seen(reading, at_border=True)), _end(late), True


def _cross(before: Seen, reading: Reading) -> tuple[list[Reading], bool]:
    """Which of two neighbours, in order of time, are nearest to the borders between them."""
    first = (before.reading.at // QUARTER_MS + 1) * QUARTER_MS
    last = reading.at // QUARTER_MS * QUARTER_MS
    if first > last:
        return [], False
    # At the same distance the later one: it needs no copy.
    before_is_nearest = first - before.reading.at < reading.at - first
    copied = [before.reading] if before_is_nearest and not before.at_border else []
    return copied, reading.at - last <= last - before.reading.at


def _end(late: Seen | None) -> list[Reading]:
    """The last reading of a run of earlier ones: nobody knows how near its border the next one is."""
    return [late.reading] if late is not None and not late.at_border else []
