"""Readings become pairs: what the meter counted between consecutive usable readings, with what is said of it.

What is conserved, in whole quanta, exactly (a state is rounded once, and all that follows are differences):

    sum of a register's quarter hours = last state - first state
        + top of the range         for each wrap
        + state before the fall    for each restart from zero: what it shows afterwards counts in full
        - rise or fall             for each pair that is not known: an unexplained fall, a return from zero
        + old end - new start      for each change on record, each side by its ratio

over all its quarter hours, or over those of any stretch between two states that are used. An end that nobody wrote
down, and the time between two meters, is not known. Dips, spikes, swapped words, excluded and unusable readings are not
used and so do not show in it; gaps, however long, change nothing in it, nor does the course that estimation gives them.
Each term but the first has its flag on the quarter hours that it touches. An interval meter's quarter hours add up to
its values. A rate's are its integral, each rounded once.
"""

from __future__ import annotations

from ingest.accounting.algebra.columns import Changes, Kind, Pairs, Readings, Series, Spans
from ingest.accounting.algebra.quanta import Segments, States, quantised
from ingest.accounting.algebra.rates import interval_pairs, joined, rate_pairs
from ingest.accounting.algebra.registers import register_pairs


def pairs(readings: Readings, series: Series, changes: Changes, excluded: Spans) -> Pairs:
    """The pairs of every series.

    For a stretch to be what the whole would give, `readings` must hold those in it and REACH usable ones on each side
    (`excursions.REACH`), fewer only where there are no more; `changes` all of the series up to its last reading.
    """
    return paired(*quantised(readings, series, changes, excluded), changes)


def paired(states: States, segments: Segments, changes: Changes) -> Pairs:
    """The pairs of states in quanta: `pairs` without the quantising."""
    if (segments.kind <= Kind.NET_REGISTER).all():
        return register_pairs(states, segments, changes)
    kind = segments.kind[states.segment]
    parts = [
        register_pairs(states.chosen(kind <= Kind.NET_REGISTER), segments, changes),
        interval_pairs(states.chosen(kind == Kind.INTERVAL), segments),
        rate_pairs(states.chosen(kind == Kind.RATE), segments),
    ]
    return joined(*parts)
