"""Pairs become consumption per quarter hour, exactly: borders are rounded, intervals are their differences.

What a quarter hour says:

- quanta: the sum of its known parts. What is conserved: the intervals of each known pair of a register or interval
  meter add up to its advance, to the quantum; so do those of any stretch between two readings.
- quality: the worst of the known parts; a part that is not known makes it MISSING only where nothing is known, else
  `Flag.GAP` (and suspect, where a fall that nothing explains is that part). What estimation puts in is SUBSTITUTED.
- method: the greatest of the known parts. flags: those of all parts. covered_s: seconds of the known, measured parts.
- `Flag.COARSE`: the register's own step is not small against the amount: that is at most four steps; an amount of zero
  only where the step is at least a twentieth of what `max_rate` gives in a quarter hour. Source: facts 4.1, trap 1;
  5, "stuck: allow float32 quantum".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from energy.consumption import Flag, IntervalQuality, Method
from ingest.accounting.algebra.columns import (
    INTERVAL_MS,
    Bools,
    Consumption,
    Courses,
    Floats,
    Ints,
    Kind,
    Pairs,
    Series,
)
from ingest.accounting.algebra.courses import FINE_BITS, even, straight, weighted

_FEW = 4
"""An amount of so many steps of the register is not large against a step."""
_STANDSTILL = 20
"""A standstill means nothing where a step is one of so many parts of what the greatest rate gives."""
_QUARTER_H = 0.25
_GATHERING: tuple[np.ufunc, np.ufunc, np.ufunc] = (np.maximum, np.maximum, np.bitwise_or)
"""How quality, method and flags of several pieces become a row's."""


@dataclass(frozen=True, slots=True)
class _Pieces:
    """What borders cut pairs into, sorted by (series, start).

    Attributes:
        pair: index of the pair.
        start: of the quarter hour.
        begin, end: of the piece.
        quanta: counted in it; of rates in fine parts.
        first: where a new row begins.
    """

    pair: Ints
    start: Ints
    begin: Ints
    end: Ints
    quanta: Ints
    first: Ints


def spread(pairs: Pairs, series: Series, courses: Courses) -> Consumption:
    """The consumption of every quarter hour in the stretch of its series that a pair touches.

    Raises ValueError where a course does not have one weight per quarter hour that its pair touches.
    """
    rated = series.kind == Kind.RATE
    pieces = _cut(pairs, series, rated)
    if len(courses.pair):
        _follow(courses, pairs, pieces, rated)
        pairs_now = _estimated(pairs, courses)
    else:
        pairs_now = pairs
    first = pieces.first
    last = np.append(first[1:], len(pieces.pair))[: len(first)] - 1
    owner = pairs.series[pieces.pair[first]]
    quanta = _sums(pieces.quanta, first, last)
    if rated.any():
        whole = (quanta + (1 << (FINE_BITS - 1))) >> FINE_BITS
        quanta = np.where(rated[owner], whole, quanta)
    span = pieces.end - pieces.begin
    if not pairs.known.all():
        span = np.where(pairs.known[pieces.pair], span, 0)
    quality, method, flags = _said(pairs_now, pieces)
    missing = quality == IntervalQuality.MISSING
    if pairs.step.any():
        coarse = ~missing & _coarse(pairs.step[pieces.pair[last]], quanta, owner, series)
        flags = np.where(coarse, flags | Flag.COARSE, flags)
    return Consumption(
        series=owner,
        start=pieces.start[first],
        quanta=np.where(missing, 0, quanta),
        quality=quality,
        method=method,
        flags=flags,
        covered_s=_sums(span, first, last) // 1000,
        ready=pairs.ended[pieces.pair[last]],  # pairs do not overlap: the last one ends last
    )


def _cut(pairs: Pairs, series: Series, rated: Bools) -> _Pieces:
    pair, start = _pieces(pairs, series)
    begin, end = np.maximum(start, pairs.began[pair]), np.minimum(start + INTERVAL_MS, pairs.ended[pair])
    if rated.all():
        quanta = _between(straight, pairs, pair, begin, end)
    else:
        quanta = _between(even, pairs, pair, begin, end)
        if rated.any():
            own = np.flatnonzero(rated[pairs.series[pair]])
            quanta[own] = _between(straight, pairs, pair[own], begin[own], end[own])
    return _Pieces(pair, start, begin, end, quanta, _changes(pairs.series[pair], start))


def _between(course: Callable[[Pairs, Ints, Ints], Ints], pairs: Pairs, pair: Ints, begin: Ints, end: Ints) -> Ints:
    """What each piece counts: its pair's `course` at its end, less that at its begin, where the piece before ends."""
    counted = course(pairs, pair, end)
    before = np.zeros(len(pair), np.int64)
    follows = np.zeros(len(pair), np.bool_)
    follows[1:] = pair[1:] == pair[:-1]
    before[1:] = np.where(follows[1:], counted[:-1], 0)
    late = np.flatnonzero(~follows & (begin > pairs.began[pair]))  # cut off by the stretch
    before[late] = course(pairs, pair[late], begin[late])
    return counted - before


def _follow(courses: Courses, pairs: Pairs, pieces: _Pieces, rated: Bools) -> None:
    """Let the pieces of pairs with a course follow it."""
    for number, pair in enumerate(courses.pair.tolist()):
        low, high = np.searchsorted(pieces.pair, (pair, pair + 1))
        if low == high:
            continue
        delta = int(pairs.delta[pair] if pairs.known[pair] else courses.delta[number])
        weights = courses.weight[courses.offset[number] : courses.offset[number + 1]]
        borders = np.append(pieces.begin[low:high], pieces.end[high - 1])
        counted = weighted(weights, int(pairs.began[pair]), int(pairs.ended[pair]), delta, borders)
        pieces.quanta[low:high] = np.diff(counted) << (FINE_BITS if rated[pairs.series[pair]] else 0)


def _estimated(pairs: Pairs, courses: Courses) -> Pairs:
    """What is said of pairs when estimation has found their course, and the advance of those not known."""
    known, quality, method = pairs.known.copy(), pairs.quality.copy(), pairs.method.copy()
    unknown = courses.pair[~known[courses.pair]]
    quality[unknown] = np.maximum(
        np.where(quality[unknown] == IntervalQuality.MISSING, 0, quality[unknown]), int(IntervalQuality.SUBSTITUTED)
    )
    known[courses.pair], method[courses.pair] = True, courses.method
    return replace(pairs, known=known, quality=quality, method=method)


def _said(pairs: Pairs, pieces: _Pieces) -> tuple[Ints, Ints, Ints]:
    """Quality, method and flags of each row; looks only at pieces of which there is something to say."""
    pair, count = pieces.pair, len(pieces.first)
    new = np.zeros(len(pair), np.int64)
    new[pieces.first] = 1
    row = np.cumsum(new) - 1
    if pairs.known.all():
        columns = pairs.quality, pairs.method, pairs.flags
        worst, greatest, flags = (
            _gathered(f, part[pair], row, count) for f, part in zip(_GATHERING, columns, strict=True)
        )
        return worst, greatest, flags
    known = pairs.known[pair]
    quality = np.where(~known & (pairs.quality[pair] == IntervalQuality.MISSING), 0, pairs.quality[pair])
    method = np.where(known, pairs.method[pair], 0)
    flags = np.where(known, pairs.flags[pair], pairs.flags[pair] | Flag.GAP)
    worst, greatest, all_flags = (
        _gathered(f, part, row, count) for f, part in zip(_GATHERING, (quality, method, flags), strict=True)
    )
    some = np.zeros(count, np.bool_)
    some[row[known]] = True
    return (
        np.where(some, worst, int(IntervalQuality.MISSING)),
        np.where(some, greatest, int(Method.NONE)),
        all_flags,
    )


def _gathered(operation: np.ufunc, content: Ints, row: Ints, count: int) -> Ints:
    """`operation` over what the pieces of each row say; 0 where none says anything."""
    gathered = np.zeros(count, np.int64)
    some = np.flatnonzero(content)
    operation.at(gathered, row[some], content[some])
    return gathered


def _sums(content: Ints, first: Ints, last: Ints) -> Ints:
    """The sum over each run of `content`, both ends included; int64 passes its top and comes back, exactly."""
    total = np.concatenate([np.zeros(1, np.int64), np.cumsum(content)])
    sums: Ints = total[last + 1] - total[first]
    return sums


def _coarse(step: Floats, quanta: Ints, owner: Ints, series: Series) -> Bools:
    """Where a register's `step` is not small against what a row counts."""
    little = (quanta != 0) & (np.abs(quanta) <= _FEW * step)
    most = (series.max_rate / series.quantum)[owner] * _QUARTER_H  # NaN where not known: then a standstill says nothing
    coarse: Bools = little | ((quanta == 0) & (step > 0) & (step * _STANDSTILL >= most))
    return coarse


def _pieces(pairs: Pairs, series: Series) -> tuple[Ints, Ints]:
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
