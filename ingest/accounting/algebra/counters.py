"""Counter algebra: readings of cumulative registers become consumption per quarter hour, in whole quanta.

Each usable reading is rounded to quanta once; two consecutive ones make a pair, and the pair's difference is spread
over the quarter hours between them by the register's course at their borders. Borders are rounded and intervals are
their differences, so the intervals of a pair add up to its difference exactly. An interval depends on the pairs that
touch it and on nothing else: computing a stretch again gives what computing everything gives.

One numpy pass serves any number of series. A series is a point, or one stretch of a point's time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

INTERVAL_MS = 900_000
"""A quarter hour."""
MOST_QUANTA = 2**52
"""A register that shows more quanta than this is not usable: a float64 does not hold single quanta up there."""


class IntervalQuality(IntEnum):
    """How an interval's consumption was found; of several pairs the worst counts.

    2 and 4 are kept for substituted and missing, which come with validation (VEE).
    """

    MEASURED = 0
    """Readings stand as close as they are meant to; only the border is interpolated."""
    ESTIMATED = 1
    """Spread over a gap, counted from zero after a reset, or from a reading in doubt."""
    SUSPECT = 3
    """The register fell, and neither a wrap nor a reset explains it."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is known of each series; all arrays have one element per series.

    Attributes:
        quantum: size of a quantum, in the unit of measure of the readings.
        wrap: value at which the register starts again from zero; NaN when it does not.
        gap_ms: readings further apart than this leave a gap, which is estimated.
        since, until: the stretch to compute, on borders of quarter hours, ms since 1970 UTC.
    """

    quantum: Floats
    wrap: Floats
    gap_ms: Ints
    since: Ints
    until: Ints


@dataclass(frozen=True, slots=True)
class Readings:
    """Effective readings, sorted by (series, at), each key once.

    Attributes:
        series: index into `Series`.
        at: ms since 1970 UTC.
        value: state of the register; NaN has no value.
        quality: `energy.readings.Quality` as a number.
    """

    series: Ints
    at: Ints
    value: Floats
    quality: Ints


@dataclass(frozen=True, slots=True)
class Consumption:
    """One row per series and quarter hour that a pair of readings touches, sorted by (series, start).

    Attributes:
        start: of the quarter hour, ms since 1970 UTC.
        quanta: consumption; below zero only where a register fell a little (quality SUSPECT).
        quality: an `IntervalQuality`.
        covered_s: whole seconds of the quarter hour that lie between readings, 0 to 900.
        ready: time of the latest reading used, ms since 1970 UTC.
    """

    series: Ints
    start: Ints
    quanta: Ints
    quality: Ints
    covered_s: Ints
    ready: Ints

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.start)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Consecutive usable readings: from `began` to `ended` the register advanced by `delta` quanta."""

    series: Ints
    began: Ints
    ended: Ints
    delta: Ints
    quality: Ints

    def advanced(self, pair: Ints, at: Ints) -> Ints:
        """Quanta that `pair` had advanced at time `at`: nothing at its beginning, all of `delta` at its end.

        A product of float64 is exact at both ends (delta < 2**53) and never falls in between.
        """
        share = (at - self.began[pair]) / (self.ended[pair] - self.began[pair])
        return np.rint(self.delta[pair] * share).astype(np.int64)


def consumption(readings: Readings, series: Series) -> Consumption:
    """The consumption of every quarter hour of each series' stretch.

    To be complete, the readings of a series must reach from the last usable one at or before `since` to the first
    one at or after `until`, where there are such.
    """
    pairs = _pairs(readings, series)
    pair, start = _pieces(pairs, series)
    begin, end = np.maximum(start, pairs.began[pair]), np.minimum(start + INTERVAL_MS, pairs.ended[pair])
    owner = pairs.series[pair]
    first = _changes(owner, start)
    return Consumption(
        series=owner[first],
        start=start[first],
        quanta=_reduced(np.add, pairs.advanced(pair, end) - pairs.advanced(pair, begin), first),
        quality=_reduced(np.maximum, pairs.quality[pair], first),
        covered_s=_reduced(np.add, end - begin, first) // 1000,
        ready=_reduced(np.maximum, pairs.ended[pair], first),
    )


def _pairs(readings: Readings, series: Series) -> _Pairs:
    quanta, usable = _quanta(readings.value, series.quantum[readings.series])
    owner, at, quality, quanta = (part[usable] for part in (readings.series, readings.at, readings.quality, quanta))
    first = np.flatnonzero(owner[:-1] == owner[1:])
    second = first + 1
    owner, span = owner[first], at[second] - at[first]
    wrap, has_wrap = _quanta(series.wrap, series.quantum)
    delta, verdict = _advance(quanta[first], quanta[second], np.where(has_wrap, wrap, 0)[owner])
    doubtful = (span > series.gap_ms[owner]) | (np.maximum(quality[first], quality[second]) > 0)
    verdict = np.maximum(verdict, np.where(doubtful, IntervalQuality.ESTIMATED, IntervalQuality.MEASURED))
    return _Pairs(owner, at[first], at[second], delta, verdict)


def _quanta(value: Floats, quantum: Floats) -> tuple[Ints, NDArray[np.bool_]]:
    """`value` in whole quanta, and where that is usable; elsewhere the quanta are 0."""
    with np.errstate(over="ignore"):  # what overflows is not usable
        scaled = np.rint(value / quantum)
    usable = np.abs(scaled) < MOST_QUANTA  # false for NaN
    return np.where(usable, scaled, 0.0).astype(np.int64), usable


def _advance(old: Ints, new: Ints, wrap: Ints) -> tuple[Ints, Ints]:
    """By how much each register advanced from `old` to `new`, all in quanta, and the quality of that.

    `wrap` is 0 where the register does not wrap. Rules for a register that fell, the first that fits:
    wrap: from the last tenth of its range into the first; the way over the top counts, and is measured.
    dip: by no more than a tenth; counts as it is, below zero, so that the recovery is not counted twice. Suspect.
    reset: to less than a tenth; what it shows counts from zero, and is estimated.
    anything else, such as a replacement that nobody recorded: counts nothing, and is suspect.
    """
    delta = new - old
    fell = delta < 0
    wrapped = fell & (old <= wrap) & (old * 10 > wrap * 9) & (new * 10 < wrap) & (new >= 0)
    dipped = fell & ~wrapped & (new * 10 >= old * 9)
    restarted = fell & ~wrapped & ~dipped & (new * 10 < old) & (new >= 0)
    delta = np.select([wrapped, dipped, restarted, fell], [delta + wrap, delta, new, np.zeros_like(delta)], delta)
    quality = np.select([wrapped, restarted, fell], [0, IntervalQuality.ESTIMATED, IntervalQuality.SUSPECT], 0)
    return delta, quality.astype(np.int64)


def _pieces(pairs: _Pairs, series: Series) -> tuple[Ints, Ints]:
    """The pieces into which borders cut the pairs: index of the pair, and start of the quarter hour."""
    lowest = np.maximum(pairs.began // INTERVAL_MS, series.since[pairs.series] // INTERVAL_MS)
    beyond = np.minimum(-(-pairs.ended // INTERVAL_MS), series.until[pairs.series] // INTERVAL_MS)
    count = np.maximum(beyond - lowest, 0)
    pair = np.repeat(np.arange(len(count)), count)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
    return pair, (lowest[pair] + within) * INTERVAL_MS


def _changes(owner: Ints, start: Ints) -> Ints:
    """Where a new row begins among pieces, which come sorted by (series, start)."""
    new = np.ones(len(start), np.bool_)
    new[1:] = (owner[1:] != owner[:-1]) | (start[1:] != start[:-1])
    return np.flatnonzero(new)


def _reduced(operation: np.ufunc, content: Ints, first: Ints) -> Ints:
    """`operation` over each run of `content` that begins at an index of `first`."""
    return operation.reduceat(content, first) if len(first) else np.empty(0, np.int64)
