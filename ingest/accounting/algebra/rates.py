"""Gauges and interval meters: pairs of readings that are no registers.

Rates (a power, a flow; `Method.RATE`): between two readings the rate runs in a straight line, and the pair counts the
trapezoid under it. Apart by more than `gap_ms` but by two hours at most: likewise, estimated, `Method.LINEAR`,
`Flag.GAP`. Longer: not known; nothing counted on meanwhile as a register does. A reading beyond
`max_rate` x 1.2 is kept: suspect, `Flag.RANGE`. A negative rate counts negative (`Flag.REVERSED`).

Interval meters (`Method.INTERVAL`): a reading is what was consumed in the `interval_ms` that end with it. It reaches
back to the reading before where that leaves a hole, or an overlap, of less than half an interval (jitter). A longer
hole is not known (`Flag.GAP`). More than `max_rate` x 1.2 allows in the interval: suspect, RANGE; below zero: suspect,
REVERSED.

Sources: facts 5, estimation "<= 2 h gap linear interpolation" (California DASMMD), "range", "negative only on
bidirectional".
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from energy.consumption import Flag, IntervalQuality, Method
from energy.readings import Quality
from ingest.accounting.algebra.columns import Bools, Ints, Pairs
from ingest.accounting.algebra.limits import MARGIN, limits
from ingest.accounting.algebra.quanta import Segments, States

LINEAR_MS = 7_200_000
"""The longest gap across which a rate is taken to run straight."""
_HOUR_MS = 3_600_000


def rate_pairs(states: States, segments: Segments) -> Pairs:
    """The pairs of rates among `states`."""
    owner = segments.series[states.segment]
    old = np.flatnonzero(owner[1:] == owner[:-1])
    new, owner, segment = old + 1, owner[old], states.segment[old]
    span = states.at[new] - states.at[old]
    first, last = states.rate[old], states.rate[new]
    gap = span > segments.gap_ms[segment]
    known = ~gap | (span <= LINEAR_MS)
    beyond = known & (np.maximum(np.abs(first), np.abs(last)) > MARGIN * _HOUR_MS * segments.fastest[segment])
    flags = _doubts(states, old, new) | _where(gap, Flag.GAP) | _where(beyond, Flag.RANGE)
    flags |= _where(known & ((first < 0) | (last < 0)), Flag.REVERSED)
    return _rated(
        Pairs(
            series=owner,
            began=states.at[old],
            ended=states.at[new],
            delta=np.where(known, np.rint((first + last) / 2 * (span / _HOUR_MS)), 0.0).astype(np.int64),
            known=known,
            quality=_where(beyond, IntervalQuality.SUSPECT),
            method=np.where(gap, int(Method.LINEAR), int(Method.RATE)),
            flags=flags,
            first=np.where(known, first, 0.0),
            last=np.where(known, last, 0.0),
            step=np.zeros(len(owner)),
        )
    )


def interval_pairs(states: States, segments: Segments) -> Pairs:
    """The pairs of interval meters among `states`: one per reading, and one per hole before a reading."""
    owner, count = segments.series[states.segment], len(states)
    length, follows = segments.interval_ms[states.segment], np.zeros(count, np.bool_)
    follows[1:] = owner[1:] == owner[:-1]
    before = np.where(follows, np.roll(states.at, 1), states.at - length)
    hole = states.at - length - before
    open_ = hole * 2 >= length
    here = np.arange(count)
    beyond = np.abs(states.quanta) > limits(states.segment, states.quanta, length, segments)
    below = states.quanta < 0
    doubts = np.where(open_, _doubts(states, here, here) & ~int(Flag.EXCLUDED), _doubts(states, here, here))
    own = Pairs(
        series=owner,
        began=np.where(open_, states.at - length, before),
        ended=states.at,
        delta=states.quanta,
        known=np.ones(count, np.bool_),
        quality=_where(beyond | below, IntervalQuality.SUSPECT),
        method=np.full(count, int(Method.INTERVAL)),
        flags=doubts | _where(beyond, Flag.RANGE) | _where(below, Flag.REVERSED),
        first=np.zeros(count),
        last=np.zeros(count),
        step=segments.resolution[states.segment],
    )
    empty = np.zeros(int(open_.sum()), np.int64)
    holes = Pairs(
        series=owner[open_],
        began=before[open_],
        ended=own.began[open_],
        delta=empty,
        known=empty > 0,
        quality=empty,
        method=empty,
        flags=(states.noted[open_] if len(states.noted) else empty) | Flag.GAP,
        first=np.zeros(len(empty)),
        last=np.zeros(len(empty)),
        step=np.zeros(len(empty)),
    )
    return joined(_rated(own), _rated(holes))


def joined(*parts: Pairs) -> Pairs:
    """Pairs of several parts as one, in order."""
    parts = tuple(one for one in parts if len(one.series)) or parts[:1]
    if len(parts) == 1:
        return parts[0]
    columns = {f.name: np.concatenate([getattr(one, f.name) for one in parts]) for f in fields(Pairs)}
    order = np.lexsort((columns["began"], columns["series"]))
    return Pairs(**{name: column[order] for name, column in columns.items()})


def _rated(pairs: Pairs) -> Pairs:
    """Pairs with their quality, where it is not suspect already, and the method of those that are not known."""
    estimated = (pairs.flags & (Flag.GAP | Flag.UNCERTAIN | Flag.BY_HAND)) > 0
    quality = np.maximum(pairs.quality, _where(estimated, IntervalQuality.ESTIMATED))
    return replace(
        pairs,
        quality=np.where(pairs.known, quality, int(IntervalQuality.MISSING)),
        method=np.where(pairs.known, pairs.method, int(Method.NONE)),
    )


def _doubts(states: States, old: Ints, new: Ints) -> Ints:
    flags = states.noted[new] if len(states.noted) else np.zeros(len(new), np.int64)
    for quality, flag in ((Quality.UNCERTAIN, Flag.UNCERTAIN), (Quality.MANUAL, Flag.BY_HAND)):
        flags = flags | _where((states.quality[old] == quality) | (states.quality[new] == quality), flag)
    return flags


def _where(which: Bools, number: int) -> Ints:
    return np.where(which, int(number), 0)
