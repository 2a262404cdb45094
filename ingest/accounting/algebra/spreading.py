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

import numpy as np

from energy.consumption import Flag, IntervalQuality, Method
from ingest.accounting.algebra.columns import INTERVAL_MS, Consumption, Courses, Ints, Kind, Pairs, Series
from ingest.accounting.algebra.courses import FINE_BITS, even, straight, weighted


def spread(pairs: Pairs, series: Series, courses: Courses) -> Consumption:
    """The consumption of every quarter hour in the stretch of its series that a pair touches."""
    pair, start = _pieces(pairs, series)
    begin, end = np.maximum(start, pairs.began[pair]), np.minimum(start + INTERVAL_MS, pairs.ended[pair])
    quanta = even(pairs, pair, end) - even(pairs, pair, begin)
    known, quality, method = pairs.known, pairs.quality, pairs.method
    rated = series.kind == Kind.RATE
    if rated.any():
        quanta = _fine(pairs, pair, begin, end, quanta, rated[pairs.series][pair])
    if len(courses.pair):
        known, quality, method = known.copy(), quality.copy(), method.copy()
        for number, index in enumerate(courses.pair.tolist()):
            low, high = np.searchsorted(pair, (index, index + 1))
            given = bool(pairs.known[index])
            delta = int(pairs.delta[index] if given else courses.delta[number])
            times = np.append(begin[low:high], end[high - 1 : high])
            got = weighted(courses, number, int(pairs.began[index]), int(pairs.ended[index]), delta, times)
            fine = FINE_BITS if rated[pairs.series[index]] else 0
            quanta[low:high] = np.diff(got) << fine
            known[index], method[index] = True, courses.method[number]
            if not given:
                quality[index] = IntervalQuality.SUBSTITUTED
    owner = pairs.series[pair]
    first = _changes(owner, start)
    seconds = np.where(pairs.known[pair], end - begin, 0)
    total = _reduced(np.add, quanta, first)
    if rated.any():
        whole = rated[owner[first]]
        total = np.where(whole, (total + (1 << (FINE_BITS - 1))) >> FINE_BITS, total)
    partly = ~known[pair]
    flags = _reduced(np.bitwise_or, pairs.flags[pair], first)
    if not partly.any():
        worst, how = quality[pair], method[pair]
        return Consumption(
            series=owner[first],
            start=start[first],
            quanta=total,
            quality=_reduced(np.maximum, worst, first),
            method=_reduced(np.maximum, how, first),
            flags=flags,
            covered_s=_reduced(np.add, seconds, first) // 1000,
            ready=_reduced(np.maximum, pairs.ended[pair], first),
        )
    some = _reduced(np.maximum, (~partly).astype(np.int64), first) > 0
    worst = np.where(partly & (quality[pair] == IntervalQuality.MISSING), 0, quality[pair])
    how = np.where(partly, 0, method[pair])
    return Consumption(
        series=owner[first],
        start=start[first],
        quanta=np.where(some, total, 0),
        quality=np.where(some, _reduced(np.maximum, worst, first), int(IntervalQuality.MISSING)),
        method=np.where(some, _reduced(np.maximum, how, first), int(Method.NONE)),
        flags=flags | np.where(_reduced(np.maximum, partly.astype(np.int64), first) > 0, int(Flag.GAP), 0),
        covered_s=_reduced(np.add, seconds, first) // 1000,
        ready=_reduced(np.maximum, pairs.ended[pair], first),
    )


def _fine(pairs: Pairs, pair: Ints, begin: Ints, end: Ints, quanta: Ints, rated: Ints) -> Ints:
    """Of rates the fine parts of each piece."""
    quanta = quanta.copy()
    own = pair[rated]
    quanta[rated] = straight(pairs, own, end[rated]) - straight(pairs, own, begin[rated])
    return quanta


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


def _reduced(operation: np.ufunc, content: Ints, first: Ints) -> Ints:
    """`operation` over each run of `content` that begins at an index of `first`."""
    return operation.reduceat(content, first) if len(first) else np.empty(0, np.int64)
