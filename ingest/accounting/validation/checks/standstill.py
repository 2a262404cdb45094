"""Checks of what does not change: the same amount again and again, a register that stands, zero where there was use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from energy.consumption import IntervalQuality
from ingest.accounting.algebra.columns import Bools, Floats, Ints, Kind
from ingest.accounting.validation.day import HOURS, MOST_CONTEXT, Day, Finding, Points, Runs, lasting, runs, slots_of


def context_of(points: Points) -> int:
    """How many slots of the day before the checks need, so that they see runs over midnight as whole as they must."""
    least = [_least_same(points), _least_still(points), _least_zero(points), slots_of(points)]
    return int(np.max(least, initial=1))


def _least_same(points: Points) -> Ints:
    readings = points.given("stuck_interval", "readings").astype(np.int64)
    return np.asarray(np.minimum(readings * slots_of(points), MOST_CONTEXT), np.int64)


def _least_still(points: Points) -> Ints:
    return np.asarray(np.maximum(points.given("stuck_register", "slots"), slots_of(points)), np.int64)


def _least_zero(points: Points) -> Ints:
    return np.asarray(np.maximum(points.given("zero_run", "slots"), slots_of(points)), np.int64)


def same_again(day: Day) -> Iterator[Finding]:
    """The same non-zero amount in so many intervals of the point, of more than so many steps.

    Only measured intervals: within a gap amounts are equal by construction. Integrals of a rate may differ by the
    quantum to which their borders are rounded.
    """
    points = day.points
    tolerance = (points.kind == Kind.RATE).astype(np.int64)[:, None]
    floor = points.given("stuck_interval", "steps") * np.maximum(day.step(), points.quantum) / points.quantum
    usable = _measured(day) & (np.abs(day.quanta) > floor[:, None]) & points.on("stuck_interval")[:, None]
    same = usable[:, 1:] & usable[:, :-1] & (np.abs(np.diff(day.quanta, axis=1)) <= tolerance)
    pairs = runs(same)  # a run of n equal pairs is one of n + 1 slots
    equal = Runs(pairs.point, pairs.begin, pairs.end + 1)
    for point, begin, end in lasting(equal, _least_same(points)[equal.point], day.context):
        yield day.finding("stuck_interval", point, begin, end, amount=day.amount()[point, end - 1], slots=end - begin)


def stands_still(day: Day) -> Iterator[Finding]:
    """A register without advance while a sibling's power or flow should have moved it by so many steps."""
    points, rate = day.points, day.siblings.rate
    register = (points.kind == Kind.REGISTER) | (points.kind == Kind.NET_REGISTER)
    judged = register & points.on("stuck_register") & np.isfinite(rate).any(axis=1)
    if not judged.any():
        return
    still = runs(_measured(day) & (day.quanta == 0) & judged[:, None])
    signed = np.where(points.backward[:, None], -rate, rate)
    flowed = np.where(points.kind[:, None] == Kind.NET_REGISTER, signed, np.maximum(signed, 0.0))
    expected = np.nan_to_num(flowed) * HOURS
    bound = np.maximum(points.given("stuck_register", "steps") * day.step(), points.quantum)
    for point, begin, end in lasting(still, _least_still(points)[still.point], day.context):
        missed = float(expected[point, begin:end].sum())
        if abs(missed) > bound[point]:
            yield day.finding("stuck_register", point, begin, end, expected=missed, step=day.step()[point])


def zero_runs(day: Day) -> Runs:
    """Long runs of measured zeros that reach into the day: candidates, which the weeks before decide on."""
    points = day.points
    zero = _measured(day) & (day.quanta == 0) & points.on("zero_run")[:, None]
    found = runs(zero)
    return lasting(found, _least_zero(points)[found.point], day.context)


@dataclass(frozen=True, slots=True)
class Before:
    """Use in the same hours of weeks before, one element per candidate and week that is comparable and known whole.

    Attributes:
        candidate: index into the candidates.
        amount: in the base unit.
    """

    candidate: Ints
    amount: Floats


def zero_where_used(day: Day, candidates: Runs, before: Before) -> Iterator[Finding]:
    """Those candidates whose hours had use beyond the register's step in all comparable weeks, of which enough are."""
    step = np.maximum(day.step(), day.points.quantum)
    for number, (point, begin, end) in enumerate(candidates):
        usual = before.amount[before.candidate == number]
        least = day.points.rules[point].zero_run.least_weeks
        if len(usual) >= least and bool((usual > step[point]).all()):
            yield day.finding("zero_run", point, begin, end, usual=usual.mean(), weeks=len(usual), slots=end - begin)


def _measured(day: Day) -> Bools:
    return np.asarray(day.present & (day.quality == IntervalQuality.MEASURED), np.bool_)
