"""Readings become pairs: what the meter counted between consecutive usable readings, with what is said of it."""

from __future__ import annotations

import numpy as np

from ingest.accounting.algebra.columns import Changes, Kind, Pairs, Readings, Series, Spans
from ingest.accounting.algebra.quanta import Segments, States, quantised
from ingest.accounting.algebra.rates import interval_pairs, joined, rate_pairs
from ingest.accounting.algebra.registers import register_pairs


def pairs(readings: Readings, series: Series, changes: Changes, excluded: Spans) -> Pairs:
    """The pairs of every series.

    For a stretch to be what the whole would give, `readings` must hold those in it and REACH usable ones on each side
    (`excursions.REACH`), fewer only where there are no more; `changes` all of the series up to its last reading.
    """
    return paired(*quantised(readings, series, changes, excluded), series, changes)


def paired(states: States, segments: Segments, series: Series, changes: Changes) -> Pairs:
    """The pairs of states in quanta: `pairs` without the quantising."""
    kinds = np.unique(series.kind)
    if not np.isin(kinds, (Kind.INTERVAL, Kind.RATE)).any():
        return register_pairs(states, segments, series, changes)
    kind = series.kind[segments.series[states.segment]]
    parts = [
        register_pairs(states.chosen(kind <= Kind.NET_REGISTER), segments, series, changes),
        interval_pairs(states.chosen(kind == Kind.INTERVAL), segments, series),
        rate_pairs(states.chosen(kind == Kind.RATE), segments, series),
    ]
    return joined(*parts)
