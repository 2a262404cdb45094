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
from ingest.accounting.algebra.columns import INTERVAL_MS, Bools, Changes, Ints, Kind, Pairs, Series
from ingest.accounting.algebra.excursions import without_excursions
from ingest.accounting.algebra.quanta import Segments, States
from ingest.accounting.algebra.records import Recorded, with_records

_HOUR_MS = 3_600_000


def register_pairs(states: States, segments: Segments, series: Series, changes: Changes) -> Pairs:
    """The pairs of all registers among `states`."""
    recorded = with_records(without_excursions(states, segments, series), segments, series, changes)
    states = recorded.states
    plain = _plain(recorded, segments, series)
    kept = _thinned(states, plain)
    old, new = kept[:-1], kept[1:]
    owner = segments.series[states.segment[old]] if len(old) else old
    plain = plain[new - 1]
    joined = plain | ((owner == segments.series[states.segment[new]]) & (states.at[old] < states.at[new]))
    if not joined.all():
        old, new, owner, plain = old[joined], new[joined], owner[joined], plain[joined]
    count = len(old)
    pairs = Pairs(
        series=owner,
        began=states.at[old],
        ended=states.at[new],
        delta=states.quanta[new] - states.quanta[old],
        known=np.ones(count, np.bool_),
        quality=np.zeros(count, np.int64),
        method=np.zeros(count, np.int64),
        flags=np.zeros(count, np.int64),
        first=np.zeros(count),
        last=np.zeros(count),
    )
    _judge(pairs, np.flatnonzero(~plain), old, new, recorded, segments, series)
    return pairs


def _plain(recorded: Recorded, segments: Segments, series: Series) -> Bools:
    """Which pairs of consecutive states need no judgement."""
    states = recorded.states
    rise, span = np.diff(states.quanta), np.diff(states.at)
    segment = states.segment[1:]
    plain = segment == states.segment[:-1]
    plain &= rise >= 0
    plain &= span <= series.gap_ms[segments.series][segment]
    if states.quality.any():
        plain &= (states.quality[1:] | states.quality[:-1]) == 0
    if len(states.noted):
        plain &= states.noted[1:] == 0
    if not np.isnan(series.max_rate).all():
        fastest = (series.max_rate / series.quantum / _HOUR_MS)[segments.series]
        plain &= ~(rise > fastest[segment] * span)  # a rate that is not known allows everything
    wrapping = (series.kind == Kind.NET_REGISTER) & ~np.isnan(series.wrap)
    if wrapping.any():
        plain &= ~wrapping[segments.series][segment]
    if len(recorded.flag):
        plain &= (recorded.flag[1:] | recorded.flag[:-1]) == 0
    return plain


def _thinned(states: States, plain: Bools) -> Ints:
    """States less those that lie inside a quarter hour between plain pairs."""
    quarter = states.at // INTERVAL_MS
    inner = plain & (quarter[1:] == quarter[:-1])
    kept = np.ones(len(states), np.bool_)
    if len(states):
        kept[1:-1] = ~(inner[1:] & inner[:-1])
    return np.flatnonzero(kept)


def _judge(
    pairs: Pairs, which: Ints, old: Ints, new: Ints, recorded: Recorded, segments: Segments, series: Series
) -> None:
    """Write into `pairs` what is to be said of those that are not plain; `old` and `new` index the states."""
    if not len(which):
        return
    states, old, new = recorded.states, old[which], new[which]
    owner = pairs.series[which]
    span = pairs.ended[which] - pairs.began[which]
    delta, known, flags = advances(states.segment[old], states.quanta[old], states.quanta[new], span, segments, series)
    if len(recorded.flag):
        known &= (states.segment[old] == states.segment[new]) & ~recorded.unknown[old] & ~recorded.unknown[new]
        on_record = recorded.flag[old] | recorded.flag[new]
        flags = np.where(known, flags, 0) | on_record
    if len(states.noted):
        flags |= states.noted[new]
    doubt = np.maximum(states.quality[old], states.quality[new])
    uncertain = (states.quality[old] == Quality.UNCERTAIN) | (states.quality[new] == Quality.UNCERTAIN)
    flags |= np.where(uncertain, int(Flag.UNCERTAIN), 0)
    by_hand = (states.quality[old] == Quality.MANUAL) | (states.quality[new] == Quality.MANUAL)
    flags |= np.where(by_hand, int(Flag.BY_HAND), 0)
    gap = span > series.gap_ms[owner]
    flags |= np.where(gap | ~known, int(Flag.GAP), 0)
    plain_kind = series.kind[owner] == Kind.REGISTER
    suspect = (flags & (Flag.RANGE | Flag.UNEXPLAINED)) > 0
    suspect |= plain_kind & ((flags & Flag.REVERSED) > 0)
    estimated = gap | (doubt > 0) | ((flags & Flag.RESET) > 0)
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
