"""Average daily use of a month so far against that of the same days a year or a month before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ingest.accounting.algebra.columns import Floats, Ints
from ingest.accounting.validation.day import Points


@dataclass(frozen=True, slots=True)
class Usage:
    """Daily use of each point over the days of three periods, whole days only.

    Attributes:
        days: how many days are known (3 x points): of this month, of last month, of the month a year ago; of the
            latter two only as far into the month as this one has days.
        amount: their sum in the base unit, likewise.
    """

    days: Ints
    amount: Floats


@dataclass(frozen=True, slots=True)
class Unusual:
    """A point whose use is out of the ordinary, by index; averages per day in the base unit."""

    point: int
    average: float
    usual: float
    against: str


def high_or_low(points: Points, usage: Usage) -> Iterator[Unusual]:
    """Points outside `low` to `high` of what was usual: a year ago where enough days are known, else a month ago."""
    enough = usage.days >= points.given("high_low", "least_days")
    with np.errstate(invalid="ignore", divide="ignore"):
        average = usage.amount / usage.days
    by_year = enough[2]
    usual = np.where(by_year, average[2], average[1])
    judged = points.on("high_low") & enough[0] & (by_year | enough[1]) & (usual > 0)
    low, high = points.given("high_low", "low") * usual, points.given("high_low", "high") * usual
    for at in np.flatnonzero(judged & ((average[0] < low) | (average[0] > high))):
        point = int(at)
        against = "year" if by_year[point] else "month"
        yield Unusual(point, float(average[0][point]), float(usual[point]), against)
