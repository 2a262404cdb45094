"""Real interval data turned into registers, with wraps, resets and a replacement, and the truth to hold them against.

A gap in the data is not zero use: inside it an invented even load runs on the register, so that the jump after it is
real. The register is read at both borders of every slot that the file has, and nowhere inside a gap.
"""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise

QUANTUM = Decimal("0.0000001")
"""Fine enough for every figure of the three files to be whole."""
_PER_UNIT = int(1 / QUANTUM)


@dataclass(frozen=True)
class Spoiling:
    """What befalls a register, in numbers of the file's slots from its beginning.

    Attributes:
        ratio: CT x PT; the file is what the secondary side counts.
        wrap: primary value at which the register starts again from zero; None when it does not.
        start: what the register shows at the beginning, primary.
        resets: slots before which it starts again from zero.
        replaced: slot before which the meter is replaced; the new one starts at `new_start` (primary).
    """

    ratio: int = 1
    wrap: int | None = None
    start: int = 0
    resets: tuple[int, ...] = ()
    replaced: int | None = None
    new_start: int = 0


@dataclass
class RealMeter:
    """A register's readings, and what flowed through the meter.

    Attributes:
        step_s: length of a slot.
        readings: (ms UTC, value), duplicates among them, in the order in which they came.
        truth: quanta per slot that the file has, by the slot's start (ms UTC).
        changes: (ms UTC, last state of the old register, first of the new) of replacements on record.
        started_anew: ms UTC of the readings from which the register counts from zero.
        flowed: all quanta between the first reading and the last one, invented load in gaps included.
    """

    step_s: int
    readings: list[tuple[int, float]] = field(default_factory=list)
    truth: dict[int, int] = field(default_factory=dict)
    changes: list[tuple[int, float, float]] = field(default_factory=list)
    started_anew: list[int] = field(default_factory=list)
    flowed: int = 0


def real_meter(name: str, step_s: int, spoiling: Spoiling, slots: int | None = None) -> RealMeter:
    """The meter that measured file `name` of the shipped data, or its first `slots` lines."""
    lines = _lines(name)[:slots]
    meter = RealMeter(step_s)
    step_ms = step_s * 1000
    values = {at: round(Decimal(value) * spoiling.ratio * _PER_UNIT) for at, value in lines}
    mean = sum(values.values()) // len(values)
    stamps = sorted(values)
    state, wrap = spoiling.start * _PER_UNIT, spoiling.wrap and spoiling.wrap * _PER_UNIT
    meter.readings.append((stamps[0], float(state * QUANTUM)))
    for slot, (at, after) in enumerate(pairwise([*stamps, stamps[-1] + step_ms])):
        if slot in spoiling.resets:
            state = 0
            meter.started_anew.append(at + step_ms)
        if slot == spoiling.replaced:
            new = spoiling.new_start * _PER_UNIT
            meter.changes.append((at, float(state * QUANTUM), float(new * QUANTUM)))
            meter.readings[-1] = (at, float(new * QUANTUM))
            state = new
        state = _advance(meter, at + step_ms, state + values[at], wrap)
        meter.truth[at] = values[at]
        meter.flowed += values[at]
        if after > at + step_ms:
            load = mean * (after - at - step_ms) // step_ms
            state = _advance(meter, after, state + load, wrap)
            meter.flowed += load
    twice = {at + step_ms for at, count in _counts(lines).items() if count > 1}
    meter.readings += [(at, value) for at, value in meter.readings if at in twice]
    return meter


def _advance(meter: RealMeter, at: int, state: int, wrap: int | None) -> int:
    state = state % wrap if wrap else state
    meter.readings.append((at, float(state * QUANTUM)))
    return state


def _counts(lines: list[tuple[int, str]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for at, _ in lines:
        found[at] = found.get(at, 0) + 1
    return found


def _lines(name: str) -> list[tuple[int, str]]:
    content = gzip.decompress(data_file(name))
    rows = csv.DictReader(io.StringIO(content.decode()))
    return [(_milliseconds(row["start"]), row["value"]) for row in rows]


def data_file(name: str) -> bytes:
    """The shipped file as it is, gzipped CSV."""
    return files("simulators.data").joinpath(f"{name}.csv.gz").read_bytes()


def _milliseconds(stamp: str) -> int:
    at = datetime.fromisoformat(stamp)
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
