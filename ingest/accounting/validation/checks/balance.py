"""A meter against the meters below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ingest.accounting.algebra.columns import Bools, Floats, Ints
from ingest.accounting.validation.day import Day, Finding
from ingest.accounting.validation.parameters import Severity


@dataclass(frozen=True, slots=True)
class Children:
    """The meters below each judged point's meter, summed per slot of the day itself (points x slots).

    Attributes:
        amount: consumption of all of them, in the base unit.
        known: all of them are known there.
        count: how many there are; 0 where the point is not the one by which its meter is balanced.
        complete: all are main sub-units (level 2), which together measure all that the parent does.
        step: sum of their registers' steps.
    """

    amount: Floats
    known: Bools
    count: Ints
    complete: Bools
    step: Floats


def unbalanced(day: Day, children: Children) -> Iterator[Finding]:
    """Days on which children measure more than their parent by `share`, or, where they are complete, less by as much.

    Over the slots that all of them know; with fewer than `least_slots` of those the day is not judged.
    """
    points = day.points
    judged = points.on("balance") & (children.count > 0)
    if not judged.any():
        return
    common = day.own(day.known()) & children.known & judged[:, None]
    above = np.where(common, day.own(day.amount()), 0.0).sum(axis=1)
    below = np.where(common, children.amount, 0.0).sum(axis=1)
    slack = points.given("balance", "steps") * (day.step() + children.step)
    bound = np.maximum(points.given("balance", "share") * np.abs(above), slack)
    over = (below - above > bound) | ((above - below > bound) & children.complete)
    judged &= common.sum(axis=1) >= points.given("balance", "least_slots")
    for at in np.flatnonzero(over & judged):
        point = int(at)
        figures = {"parent": above[point], "children": below[point], "meters": int(children.count[point])}
        yield day.graded("balance", Severity.WARNING, point, day.context, day.slots, **figures)
