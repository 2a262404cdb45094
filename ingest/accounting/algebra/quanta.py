"""Readings become states in whole quanta: the only place where a value is rounded, and where readings are left out.

Rules (each reading alone, so that neither order nor neighbours matter):

- A value is multiplied by the ratio of its time, divided by the quantum and rounded half to even, once.
- Unusable, and passed over as though it had never come: no value (NaN), 2^52 quanta or more (a float64 no longer
  holds single quanta), a rate beyond 2^44 quanta per hour, a reading inside a span that a person excluded, a reading
  between the removal of the old meter and the start of the new one.
- A change on record begins a new segment: another register, or the same one under another ratio. Nothing is compared
  across a segment's end but by the states on record.

Source: facts of the meter side, 4.1 "counter traps" (4) and (6): the ratio is changed on site, a replacement has a new
start value. Not-available markers are no values: 4.1 (ABB: all bits set).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from energy.consumption import Flag
from ingest.accounting.algebra.columns import MOST_QUANTA, Bools, Changes, Floats, Ints, Kind, Readings, Series, Spans

MOST_RATE = 2**44
"""A rate of this many quanta per hour is not usable: its integral must stay exact in parts of a quantum."""


@dataclass(frozen=True, slots=True)
class Segments:
    """Stretches of a series between changes on record, sorted by (series, time); without changes one per series.

    Attributes:
        series: whose.
        ratio: what readings are multiplied by; so are `wrap` and `resolution` of the series.
    """

    series: Ints
    ratio: Floats


@dataclass(frozen=True, slots=True)
class States:
    """Usable readings, sorted by (segment, at).

    Attributes:
        segment: index into `Segments`.
        quanta: state of a register or consumption of an interval; 0 for rates.
        rate: quanta per hour; empty where no series is a rate.
        quality: `energy.readings.Quality` as a number.
        noted: flags of what was left out since the state before; empty where nothing was.
    """

    segment: Ints
    at: Ints
    quanta: Ints
    rate: Floats
    quality: Ints
    noted: Ints

    def __len__(self) -> int:
        """The number of states."""
        return len(self.at)

    def chosen(self, which: Bools | Ints) -> States:
        """Some of them, by mask or by index; what the others had noted is lost."""
        return States(
            self.segment[which],
            self.at[which],
            self.quanta[which],
            self.rate[which] if len(self.rate) else self.rate,
            self.quality[which],
            self.noted[which] if len(self.noted) else self.noted,
        )

    def without(self, aside: Bools, flags: Ints) -> States:
        """Those not `aside`; the next one notes the `flags` of each that is left out."""
        left_out, kept = np.flatnonzero(aside), np.flatnonzero(~aside)
        noted = self.noted.copy() if len(self.noted) else np.zeros(len(self), np.int64)
        after = np.searchsorted(kept, left_out)
        within = after < len(kept)
        np.bitwise_or.at(noted, kept[after[within]], flags[left_out[within]] | noted[left_out[within]])
        return replace(self, noted=noted).chosen(kept)


def quantised(readings: Readings, series: Series, changes: Changes, excluded: Spans) -> tuple[States, Segments]:
    """The usable ones of `readings` in quanta, and the segments that `changes` cut their series into."""
    segments = _segments(series, changes)
    segment, between = _placed(readings, changes)
    factor = (series.scale / series.quantum)[segments.series] * segments.ratio
    plain = (series.scale == 1.0)[segments.series] & (segments.ratio == 1.0)
    if plain.all():
        scaled = _divided(readings.value, series.quantum, segment)
    else:
        # One operation per reading wherever nothing is multiplied: a factor would round twice.
        single = plain[segment]
        scaled = np.where(
            single,
            _divided(readings.value, series.quantum, segments.series[segment]),
            readings.value * factor[segment],
        )
    return _usable(readings, series, segments, segment, scaled, between, excluded), segments


def quanta_of(value: float, ratio: float, quantum: float) -> int | None:
    """One state on record in quanta, as `quantised` finds those of readings; None where it is not usable."""
    scaled = value / quantum if ratio == 1.0 else value * (1.0 / quantum * ratio)
    return round(scaled) if abs(scaled) < MOST_QUANTA else None


def _divided(value: Floats, quantum: Floats, owner: Ints) -> Floats:
    with np.errstate(over="ignore"):  # what overflows is not usable
        return value / quantum[owner]


def _segments(series: Series, changes: Changes) -> Segments:
    count = len(series.kind)
    owner = np.repeat(np.arange(count), 1 + np.bincount(changes.series, minlength=count)[:count])
    ratio = np.ones(len(owner))
    ratio[changes.series + 1 + np.arange(len(changes.series))] = changes.ratio
    return Segments(owner, ratio)


def _placed(readings: Readings, changes: Changes) -> tuple[Ints, Ints]:
    """The segment of each reading, and which ones lie between an old register's end and the new one's start."""
    if not len(changes.series):
        return readings.series, np.empty(0, np.int64)
    before = np.searchsorted(changes.series, readings.series)  # changes of earlier series
    segment = readings.series + before
    between: list[Ints] = []
    for owner, since, until in zip(changes.series, changes.since, changes.until, strict=True):
        low, high = np.searchsorted(readings.series, (owner, owner + 1))
        times = readings.at[low:high]
        start = low + np.searchsorted(times, until)
        segment[start:high] += 1
        if since < until:
            between.append(np.arange(low + np.searchsorted(times, since, "right"), start))
    return segment, np.concatenate([np.empty(0, np.int64), *between])


def _usable(
    readings: Readings,
    series: Series,
    segments: Segments,
    segment: Ints,
    scaled: Floats,
    between: Ints,
    excluded: Spans,
) -> States:
    is_rate = series.kind == Kind.RATE
    usable = np.abs(scaled) < MOST_QUANTA  # false for NaN
    rate = np.empty(0)
    if is_rate.any():
        rated = is_rate[readings.series]
        usable &= ~rated | (np.abs(scaled) < MOST_RATE)
        rate = np.where(rated & usable, scaled, 0.0)
        scaled = np.where(rated, 0.0, scaled)
    usable[between] = False
    struck = _struck(readings, excluded) & usable if len(excluded.series) else None
    if usable.all():
        quanta = np.rint(scaled).astype(np.int64)
    else:
        quanta = np.rint(np.where(usable, scaled, 0.0)).astype(np.int64)
    states = States(segment, readings.at, quanta, rate, readings.quality, np.empty(0, np.int64))
    if not usable.all():
        states = states.chosen(usable)
    if struck is None or not struck.any():
        return states
    struck = struck[usable]
    return states.without(struck, np.where(struck, int(Flag.EXCLUDED), 0))


def _struck(readings: Readings, excluded: Spans) -> Bools:
    struck = np.zeros(len(readings.at), np.bool_)
    for owner, since, until in zip(excluded.series, excluded.since, excluded.until, strict=True):
        low, high = np.searchsorted(readings.series, (owner, owner + 1))
        first, beyond = low + np.searchsorted(readings.at[low:high], (since, until))
        struck[first:beyond] = True
    return struck
