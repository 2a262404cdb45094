"""Checks of single amounts: range, spike, difference between neighbours; in whole quanta, so that bounds are exact."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from energy.consumption import IntervalQuality, Method
from ingest.accounting.algebra.columns import Bools, Floats, Ints
from ingest.accounting.validation.day import HOURS, Day, Finding, runs, slots_of

_PUT_IN = (Method.CHECK_METER, Method.LIKE_DAYS, Method.EDIT)
"""Methods by which an amount is put in where no reading gives one."""
_RANK = 3
_ROUNDING = 1e-6
"""Quanta: how far a bound that is meant to be whole may fall short of it."""


def out_of_range(day: Day) -> Iterator[Finding]:
    """Amounts below zero where nothing may fall, or above the greatest rate x hours covered x factor.

    A slot may hold one step and one quantum more: a coarse register shows at once what flowed before.
    """
    points, quanta = day.points, day.own(day.quanta)
    # What nobody measured covers no seconds, but stands for the whole slot; by its method too, for it may be suspect.
    put_in = (day.own(day.quality) == IntervalQuality.SUBSTITUTED) | np.isin(day.own(day.method), _PUT_IN)
    hours = np.where(put_in, HOURS, day.own(day.covered_s) / 3600)
    rate = points.most_per_hour * points.given("range", "factor") / points.quantum
    slack = day.step() / points.quantum + 1
    most = np.floor(rate[:, None] * hours + slack[:, None] + _ROUNDING)
    above = quanta > most  # never where the bound is not known, which is NaN
    below = (quanta < 0) & ~points.may_fall[:, None]
    for point, begin, end in runs((above | below) & day.own(day.known()) & points.on("range")[:, None]):
        size = points.quantum[point]
        figures = {
            "lowest": quanta[point, begin:end].min() * size,
            "highest": quanta[point, begin:end].max() * size,
            "most": most[point, begin:end].max() * size,
        }
        yield day.finding("range", point, day.context + begin, day.context + end, **figures)


def spikes(day: Day) -> Iterator[Finding]:
    """Slots that stand above the third highest of the local day by more than `over` of it; at most two.

    Of a point that is read less often than each quarter hour, each of its own intervals is so many slots alike: the
    third highest is that beyond two of them. Nothing is said where it is 0: everything is infinitely more than that.
    """
    points, known = day.points, day.own(day.known())
    ranked = np.where(known, day.own(day.quanta), -np.inf)
    third, enough = _third(ranked, slots_of(points), points.given("spike", "least_slots"))
    judged = points.on("spike") & enough & (third > 0)
    if not judged.any():
        return
    third = np.where(judged, third, 0.0)
    excess = ranked - third[:, None]
    over = excess > points.given("spike", "over")[:, None] * third[:, None]
    over &= excess > (points.given("spike", "steps") * day.step() / points.quantum)[:, None]
    for point, begin, end in runs(over & judged[:, None]):
        highest, size = ranked[point, begin:end].max(), points.quantum[point]
        figures = {"highest": highest * size, "third": third[point] * size}
        yield day.finding("spike", point, day.context + begin, day.context + end, **figures)


def _third(ranked: Floats, width: Ints, least: Floats) -> tuple[Floats, Bools]:
    """The third highest interval of each point, whose intervals are `width` slots; and where enough of them are known.

    What is not known is -inf in `ranked`.
    """
    third, enough = np.zeros(len(ranked)), np.zeros(len(ranked), np.bool_)
    known = np.isfinite(ranked).sum(axis=1)
    for one in np.unique(width):
        rank = (_RANK - 1) * int(one) + 1
        which = (width == one) & (known >= np.maximum(least, rank))
        enough |= which
        if which.any():
            third[which] = np.partition(ranked[which], -rank, axis=1)[:, -rank]
    return third, enough


def differences(day: Day) -> Iterator[Finding]:
    """Slots that differ from the one before by more than `over` of that one; the one before must not be 0."""
    points = day.points
    on = points.on("difference")
    if not on.any():
        return
    known, before = day.known(), np.roll(day.quanta, 1, axis=1)
    change = np.abs(day.quanta - before)
    over = (change > points.given("difference", "over")[:, None] * np.abs(before)) & (before != 0)
    over &= change > (points.given("difference", "steps") * day.step() / points.quantum)[:, None]
    over &= known & np.roll(known, 1, axis=1) & on[:, None]
    over[:, : max(day.context, 1)] = False  # of the day before, or with nothing before it
    for point, begin, end in runs(over):
        figures = {"amount": day.quanta[point, begin], "before": before[point, begin]}
        size = points.quantum[point]
        yield day.finding("difference", point, begin, end, **{name: one * size for name, one in figures.items()})
