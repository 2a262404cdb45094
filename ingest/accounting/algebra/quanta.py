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

from dataclasses import dataclass, fields, replace

import numpy as np

from energy.consumption import Flag
from ingest.accounting.algebra.columns import MOST_QUANTA, Bools, Changes, Floats, Ints, Kind, Readings, Series, Spans

_HOUR_MS = 3_600_000
MOST_RATE = 2**44
"""A rate of this many quanta per hour is not usable: its integral must stay exact in parts of a quantum."""


@dataclass(frozen=True, slots=True)
class Segments:
    """Stretches of a series between changes on record, sorted by (series, time); without changes one per series.

    Attributes:
        series: whose.
        ratio: what readings are multiplied by; `wrap` and `resolution` are multiplied already.
        quantum: as of the series.
        kind, gap_ms, interval_ms, float32: likewise.
        wrap: quanta at which the register starts again; 0 where it does not.
        fastest: greatest plausible quanta per ms; infinite where not known.
        resolution: the register's own smallest step in quanta; 0 where not known.
    """

    series: Ints
    ratio: Floats
    quantum: Floats
    kind: Ints
    gap_ms: Ints
    interval_ms: Ints
    float32: Bools
    wrap: Ints
    fastest: Floats
    resolution: Floats


@dataclass(frozen=True, slots=True)
class States:
    """Usable readings, sorted by (segment, at).

    Attributes:
        segment: index into `Segments`.
        quanta: state of a register or consumption of an interval; meaningless for rates.
        rate: quanta per hour of rates; empty where no series is one.
        quality: `energy.readings.Quality` as a number.
        noted: flags of what was left out since the state before; empty where nothing was.
        value: what the reading showed, for its bits; empty where no readings stand behind the states.
    """

    segment: Ints
    at: Ints
    quanta: Ints
    rate: Floats
    quality: Ints
    noted: Ints
    value: Floats

    def __len__(self) -> int:
        """The number of states."""
        return len(self.at)

    def chosen(self, which: Bools | Ints) -> States:
        """Some of them, by mask or by index; what the others had noted is lost."""
        columns = (getattr(self, one.name) for one in fields(self))
        return States(*(column[which] if len(column) else column for column in columns))

    def without(self, aside: Bools, flags: Ints, segments: Segments) -> States:
        """Those not `aside`; the next one of the same series notes the `flags` of each that is left out."""
        left_out, kept = np.flatnonzero(aside), np.flatnonzero(~aside)
        noted = self.noted.copy() if len(self.noted) else np.zeros(len(self), np.int64)
        after = np.searchsorted(kept, left_out)
        owner = segments.series[self.segment]
        within = after < len(kept)
        within[within] = owner[left_out[within]] == owner[kept[after[within]]]
        np.bitwise_or.at(noted, kept[after[within]], flags[left_out[within]] | noted[left_out[within]])
        return replace(self, noted=noted).chosen(kept)


def quantised(readings: Readings, series: Series, changes: Changes, excluded: Spans) -> tuple[States, Segments]:
    """The usable ones of `readings` in quanta, and the segments that `changes` cut their series into."""
    segments = segmented(series, changes)
    segment, between = _placed(readings, changes)
    scaled = _scaled(readings.value, segment, segments, series)
    usable = np.abs(scaled) < np.where(segments.kind == Kind.RATE, MOST_RATE, MOST_QUANTA)[segment]  # false for NaN
    usable[between] = False
    struck = _struck(readings, excluded) & usable if len(excluded.series) else np.empty(0, np.bool_)
    everything = bool(usable.all())
    states = States(
        segment=segment,
        at=readings.at,
        quanta=np.rint(scaled if everything else np.where(usable, scaled, 0.0)).astype(np.int64),
        rate=scaled if (segments.kind == Kind.RATE).any() else np.empty(0),
        quality=readings.quality,
        noted=np.empty(0, np.int64),
        value=readings.value,
    )
    if not everything:
        states = states.chosen(usable)
        struck = struck[usable] if len(struck) else struck
    return (
        states.without(struck, np.where(struck, int(Flag.EXCLUDED), 0), segments) if struck.any() else states
    ), segments


def segmented(series: Series, changes: Changes) -> Segments:
    """The segments that `changes` cut `series` into, with all that is known of them in quanta."""
    count = len(series.kind)
    owner = np.repeat(np.arange(count), 1 + np.bincount(changes.series, minlength=count))
    ratio = np.ones(len(owner))
    ratio[changes.series + 1 + np.arange(len(changes.series))] = changes.ratio
    quantum = series.quantum[owner]
    with np.errstate(over="ignore"):
        wrap = np.rint(series.wrap[owner] * ratio / quantum)
    fastest = series.max_rate[owner] / quantum / _HOUR_MS
    return Segments(
        series=owner,
        ratio=ratio,
        quantum=quantum,
        kind=series.kind[owner],
        gap_ms=series.gap_ms[owner],
        interval_ms=series.interval_ms[owner],
        float32=series.float32[owner],
        wrap=np.where(np.abs(wrap) < MOST_QUANTA, wrap, 0.0).astype(np.int64),
        fastest=np.where(np.isnan(fastest), np.inf, fastest),
        resolution=series.resolution[owner] * ratio / quantum,
    )


def quanta_of(raw: float, ratio: float) -> int | None:
    """A state on record, given over the quantum but not by its ratio, in quanta; None where it is not usable."""
    scaled = raw * ratio
    return round(scaled) if abs(scaled) < MOST_QUANTA else None


def _scaled(value: Floats, segment: Ints, segments: Segments, series: Series) -> Floats:
    """Values over quanta. Where nothing is multiplied it is one division: a factor would round once more."""
    scale = series.scale[segments.series]
    plain = (scale == 1.0) & (segments.ratio == 1.0)
    with np.errstate(over="ignore"):  # what overflows is not usable
        divided = value / segments.quantum[segment]
        if plain.all():
            return divided
        return np.where(plain[segment], divided, value * (scale / segments.quantum * segments.ratio)[segment])


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


def _struck(readings: Readings, excluded: Spans) -> Bools:
    struck = np.zeros(len(readings.at), np.bool_)
    for owner, since, until in zip(excluded.series, excluded.since, excluded.until, strict=True):
        low, high = np.searchsorted(readings.series, (owner, owner + 1))
        first, beyond = low + np.searchsorted(readings.at[low:high], (since, until))
        struck[first:beyond] = True
    return struck
