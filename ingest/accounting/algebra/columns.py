"""The columns that the counter algebra takes and gives. Times are ms since 1970 UTC; amounts are whole quanta.

`series` is an index into `Series` everywhere: a point, or one stretch of a point's time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

INTERVAL_MS = 900_000
"""A quarter hour."""
MOST_QUANTA = 2**52
"""A register that shows more quanta than this is not usable: a float64 does not hold single quanta up there."""

_NONE: Ints = np.empty(0, np.int64)


class Kind(IntEnum):
    """How consumption follows from a series' readings (`energy.quantities.Derived`, as a number)."""

    REGISTER = 0
    NET_REGISTER = 1
    INTERVAL = 2
    RATE = 3


@dataclass(frozen=True, slots=True)
class Series:
    """What is known of each series; one element per series.

    Attributes:
        kind: a `Kind`.
        quantum: size of a quantum in the unit of measure of consumption (the carrier's base unit).
        scale: consumption per reading: 1 for registers and interval values; for rates, consumption per unit of the
            reading and hour (kWh per W and h: 0.001).
        wrap: value at which a register starts again from zero; NaN when it does not.
        max_rate: greatest plausible consumption per hour, in the unit of measure of consumption; NaN when not known.
        resolution: the register's own smallest step, in the same unit; 0 when not known.
        float32: the register is a float32: its step grows with its value.
        interval_ms: how far apart readings are meant to lie.
        gap_ms: readings further apart than this leave a gap.
        since, until: the stretch to compute, on borders of quarter hours.
    """

    kind: Ints
    quantum: Floats
    scale: Floats
    wrap: Floats
    max_rate: Floats
    resolution: Floats
    float32: Bools
    interval_ms: Ints
    gap_ms: Ints
    since: Ints
    until: Ints


@dataclass(frozen=True, slots=True)
class Readings:
    """Effective readings, sorted by (series, at), each key once.

    Attributes:
        value: state of the register, rate, or consumption of the interval that ends at `at`; NaN has no value.
        quality: `energy.readings.Quality` as a number.
    """

    series: Ints
    at: Ints
    value: Floats
    quality: Ints


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of the meter that are on record (换表, 变比变更), sorted by (series, since).

    Readings at or before `since` are of the old register, those at or after `until` of the new one; where
    `since` < `until` those in between are not used. A change at one moment has both equal, and a reading at that very
    time is of the new one.

    Attributes:
        old_end: last state of the old register; NaN when not known: a change of ratio alone interpolates it, a
            replacement leaves what flowed since the last reading unknown.
        new_start: first state of the new register; NaN likewise.
        continues: the register itself goes on (only its ratio changed).
        ratio: what readings from `until` on are multiplied by, until the next change (1 before the first).
    """

    series: Ints
    since: Ints
    until: Ints
    old_end: Floats
    new_start: Floats
    continues: Bools
    ratio: Floats

    @classmethod
    def none(cls) -> Changes:
        """No change on record."""
        return cls(_NONE, _NONE, _NONE, np.empty(0), np.empty(0), np.empty(0, np.bool_), np.empty(0))


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans of time, each [since, until), sorted by (series, since): readings to leave out, or amounts to accept."""

    series: Ints
    since: Ints
    until: Ints

    @classmethod
    def none(cls) -> Spans:
        """No span."""
        return cls(_NONE, _NONE, _NONE)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Consumption that a person set for a span of whole quarter hours, sorted by (series, since)."""

    series: Ints
    since: Ints
    until: Ints
    quanta: Ints

    @classmethod
    def none(cls) -> Amounts:
        """No amount."""
        return cls(_NONE, _NONE, _NONE, _NONE)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Consecutive usable readings: between `began` and `ended` the meter counted `delta` quanta.

    Sorted by (series, began); they do not overlap. Pairs of a register inside one quarter hour of which nothing is to
    be said are joined into one.

    Attributes:
        delta: the advance; 0 where `known` is false.
        known: false where nothing says how much it was (a gap of a rate or of an interval meter, a replacement
            whose end states nobody wrote down).
        quality, method, flags: of `energy.consumption`, as numbers.
        first, last: value at both ends for rates (quanta per hour), which run linearly in between; 0 for others.
        step: the register's own step, in quanta, at the end of the pair; 0 where not known; empty where of no pair.
    """

    series: Ints
    began: Ints
    ended: Ints
    delta: Ints
    known: Bools
    quality: Ints
    method: Ints
    flags: Ints
    first: Floats
    last: Floats
    step: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True)
class Courses:
    """How some pairs ran, where that is not evenly: what estimation finds for long gaps.

    Attributes:
        pair: index into `Pairs`, ascending.
        offset: where each pair's weights begin; one element more than `pair`.
        weight: one per quarter hour that the pair touches, in order: relative consumption of that whole quarter
            hour, at least 0. Within a quarter hour consumption runs evenly.
        method: a `Method`.
        delta: for pairs whose advance is not known, what estimation puts there; ignored for the others.
    """

    pair: Ints
    offset: Ints
    weight: Floats
    method: Ints
    delta: Ints

    @classmethod
    def none(cls) -> Courses:
        """Every pair runs evenly."""
        return cls(_NONE, np.zeros(1, np.int64), np.empty(0), _NONE, _NONE)


@dataclass(frozen=True, slots=True)
class Consumption:
    """One row per series and quarter hour that a pair of readings touches, sorted by (series, start).

    Attributes:
        start: of the quarter hour.
        quanta: consumption; 0 where `missing`.
        quality, method, flags: of `energy.consumption`, as numbers; of several pairs the worst, the greatest, all.
        covered_s: whole seconds of the quarter hour that lie between readings whose advance is known, 0 to 900.
        ready: time of the latest reading used.
    """

    series: Ints
    start: Ints
    quanta: Ints
    quality: Ints
    method: Ints
    flags: Ints
    covered_s: Ints
    ready: Ints

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.start)
