"""Pairs of registers: what stands between consecutive states, judged only where something is not plain.

A pair is plain when both states were measured, lie as close as they are meant to, nothing was left out between them,
the register did not fall, and it rose no faster than `max_rate`. Plain pairs within one quarter hour become one: their
sum is the same, and so is everything that is derived from them.

- gap (`Flag.GAP`): readings further apart than `gap_ms`; what the register counted is kept, spread, and estimated.
- a reading in doubt (`Flag.UNCERTAIN`) or filled in by hand (`Flag.BY_HAND`) makes its pairs estimated.

Sources: facts 5, "missing", estimation "linear up to two hours"; 4.1 trap (8).
"""

from __future__ import annotations

import numpy as np

from energy.consumption import Flag, IntervalQuality, Method
from energy.readings import Quality
from ingest.accounting.algebra.advances import advances
from ingest.accounting.algebra.columns import INTERVAL_MS, Bools, Changes, Ints, Kind, Pairs
from ingest.accounting.algebra.excursions import without_excursions
from ingest.accounting.algebra.limits import steps
from ingest.accounting.algebra.quanta import Segments, States
from ingest.accounting.algebra.records import Recorded, with_records

_NO_RATE = 1e200
"""Quanta per ms that nothing passes."""


def register_pairs(states: States, segments: Segments, changes: Changes) -> Pairs:
    """The pairs of all registers among `states`."""
    recorded = with_records(without_excursions(states, segments), segments, changes)
    states = recorded.states
    plain = plain_pairs(states, segments)
    if len(recorded.flag):
        plain &= (recorded.flag[1:] | recorded.flag[:-1]) == 0
    kept = _thinned(states, plain)
    old, new = kept[:-1], kept[1:]
    plain = plain[new - 1]
    owner = segments.series[states.segment[old]]
    joined = plain | ((owner == segments.series[states.segment[new]]) & (states.at[old] < states.at[new]))
    old, new, owner = old[joined], new[joined], owner[joined]
    pairs = Pairs(
        series=owner,
        began=states.at[old],
        ended=states.at[new],
        delta=states.quanta[new] - states.quanta[old],
        known=np.ones(len(old), np.bool_),
        quality=np.zeros(len(old), np.int64),
        method=np.zeros(len(old), np.int64),
        flags=np.zeros(len(old), np.int64),
        first=np.zeros(len(old)),
        last=np.zeros(len(old)),
        step=steps(states.segment[new], states.quanta[new], segments),
    )
    judged = np.flatnonzero(~plain[joined])
    if len(judged):
        _judge(pairs, judged, recorded, (old[judged], new[judged]), segments)
    return pairs


def plain_pairs(states: States, segments: Segments) -> Bools:
    """Which pairs of consecutive states need no judgement; one element less than there are states."""
    rise, span = np.diff(states.quanta), np.diff(states.at)
    segment = states.segment[1:]
    plain: Bools = segment == states.segment[:-1]
    plain &= rise >= 0
    plain &= span <= segments.gap_ms[segment]
    if states.quality.any():
        plain &= (states.quality[1:] | states.quality[:-1]) == 0
    if len(states.noted):
        plain &= states.noted[1:] == 0
    if np.isfinite(segments.fastest).any():
        # Not infinite: two series may stand side by side at one time, and infinite x 0 is no number.
        plain &= rise <= np.minimum(segments.fastest, _NO_RATE)[segment] * span
    wrapping = (segments.kind == Kind.NET_REGISTER) & (segments.wrap > 0)
    if wrapping.any():
        plain &= ~wrapping[segment]
    return plain


def _thinned(states: States, plain: Bools) -> Ints:
    """States less those that lie inside a quarter hour between plain pairs."""
    quarter = states.at // INTERVAL_MS
    inner = plain & (quarter[1:] == quarter[:-1])
    kept = np.ones(len(states), np.bool_)
    kept[1:-1] = ~(inner[1:] & inner[:-1])
    return np.flatnonzero(kept)


def _judge(pairs: Pairs, which: Ints, recorded: Recorded, ends: tuple[Ints, Ints], segments: Segments) -> None:
    """Write into `pairs` what is to be said of `which`, whose `ends` are states."""
    states, (old, new) = recorded.states, ends
    segment, span = states.segment[old], states.at[new] - states.at[old]
    delta, known, flags = advances(segment, (states.quanta[old], states.quanta[new]), span, segments)
    if len(recorded.flag):
        told = (segment == states.segment[new]) & ~recorded.unknown[old] & ~recorded.unknown[new]
        known &= told
        flags = np.where(told, flags, 0) | recorded.flag[old] | recorded.flag[new]
    if len(states.noted):
        flags |= states.noted[new]
    for quality, flag in ((Quality.UNCERTAIN, Flag.UNCERTAIN), (Quality.MANUAL, Flag.BY_HAND)):
        flags |= np.where((states.quality[old] == quality) | (states.quality[new] == quality), int(flag), 0)
    gap = span > segments.gap_ms[segment]
    flags |= np.where(gap | ~known, int(Flag.GAP), 0)
    reversed_ = (segments.kind[segment] == Kind.REGISTER) & ((flags & Flag.REVERSED) > 0)
    suspect = reversed_ | ((flags & (Flag.RANGE | Flag.UNEXPLAINED)) > 0)
    estimated = (flags & (Flag.GAP | Flag.RESET | Flag.UNCERTAIN | Flag.BY_HAND)) > 0
    pairs.delta[which] = np.where(known, delta, 0)
    pairs.known[which] = known
    pairs.flags[which] = flags
    pairs.quality[which] = np.select(
        [suspect, ~known, estimated],
        [int(IntervalQuality.SUSPECT), int(IntervalQuality.MISSING), int(IntervalQuality.ESTIMATED)],
        int(IntervalQuality.MEASURED),
    )
    pairs.method[which] = np.select(
        [~known, gap, (flags & Flag.RESET) > 0, (flags & (Flag.REPLACED | Flag.RATIO)) > 0],
        [int(Method.NONE), int(Method.LINEAR), int(Method.RESTART), int(Method.RECORD)],
        int(Method.REGISTER),
    )
