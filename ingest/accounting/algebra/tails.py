"""Calm registers go on from where they stand: the fast path of what simply goes forward.

A register is calm when its last REACH usable readings, and all of its open quarter hour, are plain: measured, as close
as they are meant to be, never falling, no faster than `max_rate`; and no change, exclusion or other edit concerns them.
What then follows, plain again and later than the last reading, changes nothing before it, and the rows from the open
quarter hour on follow from how much that one has counted so far (`Tails.counted`) and from the last state alone:
exactly what everything would give, to the last bit of every column.

When the fast path is allowed, exactly:

1. `tails()` of the readings that the slow path used said so, or `forward()` did, and all readings of the point
   committed since were given to `forward()`.
2. No edit, change or exclusion of the point, and no change of its registry, has been recorded since.
3. The new readings are effective, sorted by (series, at), each key once, and all later than `Tails.at`.

`forward` says of which series this yields rows; all others must be derived from their readings, as if there were no
tail. Only plain registers have tails: net registers, rates and interval meters do not.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from ingest.accounting.algebra.columns import (
    INTERVAL_MS,
    Bools,
    Changes,
    Ints,
    Kind,
    Pairs,
    Readings,
    Series,
    Spans,
)
from ingest.accounting.algebra.excursions import REACH
from ingest.accounting.algebra.pairing import paired
from ingest.accounting.algebra.quanta import Segments, States, quantised
from ingest.accounting.algebra.rates import joined
from ingest.accounting.algebra.registers import plain_pairs


@dataclass(frozen=True, slots=True)
class Tails:
    """Where registers stand; one element per series of a call.

    Attributes:
        began: start of the open quarter hour, in which the last reading lies, or at whose beginning it lies; the first
            reading of all, where that is later.
        counted: quanta from `began` to `at`.
        at: the last usable reading.
        quanta: its state.
    """

    began: Ints
    counted: Ints
    at: Ints
    quanta: Ints

    def chosen(self, which: Bools | Ints) -> Tails:
        """Those of some of the series, by mask or by index."""
        return Tails(*(getattr(self, one.name)[which] for one in fields(self)))


def tails(readings: Readings, series: Series) -> tuple[Tails, Bools]:
    """Where each series stands after `readings`, and whether it is calm there; the tail of others means nothing.

    `readings` must hold the last REACH usable ones, all of the open quarter hour and the one before that. A series that
    any edit concerns is not calm, whatever this says: the caller knows.
    """
    states, segments = quantised(readings, series, Changes.none(), Spans.none())
    first, beyond = _bounds(states, len(series.kind))
    calm = (segments.kind == Kind.REGISTER) & (beyond - first >= REACH)
    last, start = _ends(first, beyond, calm)
    nothing = np.zeros(len(calm), np.int64)
    if not calm.any():
        return Tails(nothing, nothing, nothing, nothing), calm
    opened = states.at[last] // INTERVAL_MS * INTERVAL_MS
    within = _first_within(states, opened, start, last)
    window = np.maximum(np.minimum(within, beyond - REACH + 1), first + 1)
    calm &= _plain_from(states, segments, np.where(calm, window, 0), np.where(calm, beyond, 0))
    return _standing(states, start, last, Tails(states.at[start], nothing, nothing, nothing)), calm


def forward(tails: Tails, readings: Readings, series: Series) -> tuple[Pairs, Tails, Bools]:
    """What calm registers counted since their quarter hours opened, where they stand now, and which are still calm.

    `tails` has one element per series, all calm. Of a series that is calm no more there are no pairs, and its tail is
    the old one. A series with no usable new reading has none either, and stays as it was.
    """
    new, segments = quantised(readings, series, Changes.none(), Spans.none())
    some = np.bincount(new.segment, minlength=len(series.kind)) > 0
    states = _continued(tails, new, np.flatnonzero(some))
    first, beyond = _bounds(states, len(some))
    calm = ~some | _plain_from(states, segments, np.minimum(first + 1, beyond), beyond)
    went = calm & some
    pairs = joined(_opening(tails, went), paired(states.chosen(went[states.segment]), segments, Changes.none()))
    if not went.any():
        return pairs, tails, calm
    last, start = _ends(first, beyond, went)
    standing = _standing(states, start, last, tails)
    columns = {f.name: np.where(went, getattr(standing, f.name), getattr(tails, f.name)) for f in fields(Tails)}
    return pairs, Tails(**columns), calm


def _bounds(states: States, count: int) -> tuple[Ints, Ints]:
    """The index of the first state of each series, and the one beyond its last."""
    number = np.arange(count)
    return np.searchsorted(states.segment, number), np.searchsorted(states.segment, number, "right")


def _ends(first: Ints, beyond: Ints, which: Bools) -> tuple[Ints, Ints]:
    """Index of the last and of the first state of each series; 0 for those not in `which`."""
    return np.where(which, beyond - 1, 0), np.where(which, first, 0)


def _first_within(states: States, opened: Ints, start: Ints, last: Ints) -> Ints:
    """The index of the first state of each series at or after the time `opened`; `last` is one."""
    low, high = start.copy(), last.copy()
    while (low < high).any():
        middle = (low + high) // 2
        late = states.at[middle] >= opened
        low, high = np.where(late, low, middle + 1), np.where(late, middle, high)
    return low


def _plain_from(states: States, segments: Segments, low: Ints, high: Ints) -> Bools:
    """Whether all pairs that end at the states from `low` to before `high` are plain."""
    if not len(states):
        return np.ones(len(low), np.bool_)
    plain = plain_pairs(states, segments) & (np.diff(states.at) > 0)
    doubts = np.concatenate([[0, 0], np.cumsum(~plain)])
    clean: Bools = doubts[high] == doubts[low]
    return clean


def _standing(states: States, start: Ints, last: Ints, before: Tails) -> Tails:
    """Where series stand at the states `last`; `before` is where they stood at the states `start`."""
    opened = states.at[last] // INTERVAL_MS * INTERVAL_MS
    within = _first_within(states, opened, start, last)
    same, on_border = within == start, states.at[within] == opened
    crossing = np.where(same, within, within - 1)
    share = (opened - states.at[crossing]) / np.maximum(states.at[within] - states.at[crossing], 1)
    rise = states.quanta[within] - states.quanta[crossing]
    border = states.quanta[crossing] + np.rint(rise * share).astype(np.int64)  # as `courses.even`
    border = np.where(on_border, states.quanta[within], border)
    return Tails(
        began=np.where(same, before.began, opened),
        counted=states.quanta[last] - np.where(same, states.quanta[start] - before.counted, border),
        at=states.at[last],
        quanta=states.quanta[last],
    )


def _continued(tails: Tails, new: States, which: Ints) -> States:
    """The `new` states, those of each series in `which` after its tail's."""
    place = np.searchsorted(new.segment, which)
    return replace(
        new,
        segment=np.insert(new.segment, place, which),
        at=np.insert(new.at, place, tails.at[which]),
        quanta=np.insert(new.quanta, place, tails.quanta[which]),
        quality=np.insert(new.quality, place, 0),
        value=np.empty(0),
    )


def _opening(tails: Tails, went: Bools) -> Pairs:
    """What the open quarter hours of the series that went on had counted, as one pair each."""
    own = np.flatnonzero(went & (tails.began < tails.at))
    nothing = np.zeros(len(own), np.int64)
    return Pairs(
        series=own,
        began=tails.began[own],
        ended=tails.at[own],
        delta=tails.counted[own],
        known=np.ones(len(own), np.bool_),
        quality=nothing,
        method=nothing,
        flags=nothing,
        first=np.zeros(len(own)),
        last=np.zeros(len(own)),
        step=np.zeros(len(own)),  # a quarter hour's last pair says it, and that is a new one
    )
