"""Checks of single amounts: range, spike, difference between neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from energy.consumption import IntervalQuality
from ingest.accounting.validation.day import HOURS, Day, Finding, runs

_RANK = 3


def out_of_range(day: Day) -> Iterator[Finding]:
    """Amounts below zero where nothing may fall, or above the greatest rate x hours covered x factor.

    A slot may hold one step and one quantum more: a coarse register shows at once what flowed before.
    """
    points, amount = day.points, day.own(day.amount())
    # What nobody measured covers no seconds, but stands for the whole slot.
    put_in = day.own(day.quality) == IntervalQuality.SUBSTITUTED
    hours = np.where(put_in, HOURS, day.own(day.covered_s) / 3600)
    slack = (day.step() + points.quantum)[:, None]
    most = (points.most_per_hour * points.given("range", "factor"))[:, None] * hours + slack
    above = amount > most  # never where the bound is not known, which is NaN
    below = (amount < 0) & ~points.may_fall[:, None]
    bad = (above | below) & day.own(day.known()) & points.on("range")[:, None]
    for point, begin, end in runs(bad):
        figures = {
            "lowest": amount[point, begin:end].min(),
            "highest": amount[point, begin:end].max(),
            "most": most[point, begin:end].max(),
        }
        yield day.finding("range", point, day.context + begin, day.context + end, **figures)


def spikes(day: Day) -> Iterator[Finding]:
    """Slots that stand above the third highest of the local day by more than `over` of it; at most two.

    Nothing is said where the third highest is 0, since everything is infinitely more than that.
    """
    points, amount, known = day.points, day.own(day.amount()), day.own(day.known())
    judged = points.on("spike") & (known.sum(axis=1) >= np.maximum(points.given("spike", "least_slots"), _RANK))
    if not judged.any():
        return
    ranked = np.where(known, amount, -np.inf)
    third = np.partition(ranked, -_RANK, axis=1)[:, -_RANK]
    judged &= third > 0
    third = np.where(judged, third, 0.0)
    excess = ranked - third[:, None]
    over = excess > points.given("spike", "over")[:, None] * third[:, None]
    over &= excess > (points.given("spike", "steps") * day.step())[:, None]
    for point, begin, end in runs(over & judged[:, None]):
        highest = amount[point, begin:end].max()
        yield day.finding("spike", point, day.context + begin, day.context + end, highest=highest, third=third[point])


def differences(day: Day) -> Iterator[Finding]:
    """Slots that differ from the one before by more than `over` of that one; the one before must not be 0."""
    points = day.points
    on = points.on("difference")
    if not on.any():
        return
    amount, known = day.amount(), day.known()
    before = np.roll(amount, 1, axis=1)
    change = np.abs(amount - before)
    over = (change > points.given("difference", "over")[:, None] * np.abs(before)) & (before != 0)
    over &= change > (points.given("difference", "steps") * day.step())[:, None]
    over &= known & np.roll(known, 1, axis=1) & on[:, None]
    over[:, : max(day.context, 1)] = False  # of the day before, or with nothing before it
    for point, begin, end in runs(over):
        yield day.finding("difference", point, begin, end, amount=amount[point, begin], before=amount[point, begin - 1])
