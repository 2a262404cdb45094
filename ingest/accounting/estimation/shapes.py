"""The course of consumption over a gap, out of what was measured elsewhere. Pure.

Whole numbers throughout: sums of whole quanta depend on no order, and a mean is one exact division.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ingest.accounting.algebra.columns import INTERVAL_MS, Bools, Ints
from ingest.accounting.estimation.plan import Need, Plan
from ingest.accounting.estimation.rules import EstimationSettings
from ingest.accounting.estimation.walls import SLOTS

MOST_USABLE = 2**43
"""A quarter hour with as many quanta is not used: sums of some days would leave 64 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Consumption of each quarter hour that a gap touches, had it been whole.

    Attributes:
        amount: at least 0, in `1 / parts` quanta of the point that it was measured at.
        parts: how many parts a quantum is divided into, so that means are whole.
    """

    amount: Ints
    parts: int

    def weight(self) -> Ints:
        """What the algebra takes; the same for all where nothing flowed, which says nothing of a course."""
        return self.amount if self.amount.any() else np.ones_like(self.amount)

    def total(self, began: int, ended: int, scale: Fraction) -> int:
        """Consumption from `began` to `ended` (ms), where a quantum measured is `scale` of the result's."""
        start = (began // INTERVAL_MS + np.arange(len(self.amount))) * INTERVAL_MS
        inside = np.minimum(start + INTERVAL_MS, ended) - np.maximum(start, began)
        parts = sum(a * ms for a, ms in zip(self.amount.tolist(), inside.tolist(), strict=True))
        return round(Fraction(parts, self.parts * INTERVAL_MS) * scale)


def of_check_meter(quarter: Ints, quanta: Ints, first: int, beyond: int, rules: EstimationSettings) -> Shape | None:
    """As the check meter ran over the quarter hours `first` up to `beyond`.

    Args:
        quarter: quarter hours that it measured, ascending, numbered from 1970 UTC, none outside the gap.
        quanta: what it measured in each.
        first: first quarter hour of the gap.
        beyond: the one after its last.
        rules: what it must have measured at least; what lacks between is interpolated, if nowhere for longer than
            gaps may be spread evenly.

    Returns:
        None where it measured too little, or ran backwards.
    """
    if len(quarter) < rules.least_share * (beyond - first) or quanta.min(initial=0) < 0:
        return None
    holes = np.diff(quarter, prepend=first - 1, append=beyond) - 1
    if holes.max() * INTERVAL_MS > 1000 * rules.linear_s:
        return None
    return Shape(_interpolated(np.arange(first, beyond), quarter, quanta), 1)


def of_like_days(quarter: Ints, quanta: Ints, plan: Plan, rules: EstimationSettings) -> Shape | None:
    """As the mean of like days ran, quarter hour by quarter hour of the wall clock.

    Args:
        quarter: quarter hours of the window that the point measured, numbered from 1970 UTC.
        quanta: what it measured in each.
        plan: which of them are needed.
        rules: how many days, how complete.

    Returns:
        None where a type of day of the gap has too few like days, or the meter ran backwards on one of them.
    """
    place = quarter - plan.first
    day, slot = plan.window_day[place], plan.window_slot[place]
    kept = day >= 0
    amount = np.zeros((plan.days, SLOTS), np.int64)
    measured = np.zeros((plan.days, SLOTS), np.bool_)
    amount[day[kept], slot[kept]] = quanta[kept]
    measured[day[kept], slot[kept]] = True
    profiles = np.zeros((len(plan.needs), SLOTS), np.int64)
    for number, need in enumerate(plan.needs):
        chosen = _chosen(need, measured, rules)
        if len(chosen) < rules.least_days:
            return None
        cells = np.ix_(chosen, need.slots)
        profile = _mean(amount[cells], measured[cells], _parts(rules))
        if profile is None:
            return None
        profiles[number, need.slots] = profile
    return Shape(profiles[plan.need, plan.slot], _parts(rules))


def _chosen(need: Need, measured: Bools, rules: EstimationSettings) -> Ints:
    """The like days that are taken: the nearest of the first tier, later tiers only up to the least number."""
    chosen = np.empty(0, np.int64)
    for tier in need.tiers:
        room = (rules.least_days if len(chosen) else rules.most_days) - len(chosen)
        complete = measured[np.ix_(tier, need.slots)].sum(axis=1) >= rules.least_share * len(need.slots)
        chosen = np.concatenate([chosen, tier[complete][: max(room, 0)]])
    return chosen


def _mean(amount: Ints, measured: Bools, parts: int) -> Ints | None:
    """The mean of each column over the rows where it was measured, in `1 / parts` quanta; None below 0."""
    if (amount < 0).any():
        return None
    count = measured.sum(axis=0)
    known = np.flatnonzero(count)
    mean = amount[:, known].sum(axis=0) * (parts // count[known])
    return _interpolated(np.arange(amount.shape[1]), known, mean)


def _interpolated(at: Ints, known: Ints, amount: Ints) -> Ints:
    """`amount` at `at`: straight lines between what is known; whole, and exact where it is known."""
    if len(known) == len(at):
        return amount
    filled = np.rint(np.interp(at, known, amount)).astype(np.int64)
    filled[np.searchsorted(at, known)] = amount
    return filled


def _parts(rules: EstimationSettings) -> int:
    """So many that the mean of any number of days up to the most is whole."""
    return math.lcm(*range(1, rules.most_days + 1))
