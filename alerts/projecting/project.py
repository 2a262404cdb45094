"""How the periods of all quotas will end: due shares, pace, projection, interval, exhaustion. Pure, vectorised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts.projecting.calendars import day_start_us, local_times
from alerts.projecting.methods import METHODS, Ahead, Basis, best, days_to, deviation
from alerts.projecting.model import Courses, Projection, Watched
from alerts.projecting.profiles import due_shares
from alerts.projecting.remaining import remaining
from alerts.series.frame import NEVER, Floats, Ids

DIGITS = 9
"""Ratios are rounded to nine decimals, so that exactly at the limit is not over it."""
_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Foresight:
    """What a projection is computed from, for those who ask what would be if.

    Attributes:
        basis, ahead: what the methods started from, and said.
        method: by which of them; empty where nothing can be said.
        says: where something can.
        at: up to when the data speaks, within the period; NEVER without data.
        elapsed: share of the period's time that has passed.
        due_method: the kind of profile by which `basis.due` is.
    """

    basis: Basis
    ahead: Ahead
    method: NDArray[np.object_]
    says: NDArray[np.bool_]
    at: Ids
    elapsed: Floats
    due_method: NDArray[np.object_]


def foresee(watched: Watched, courses: Courses, methods: Sequence[str] = tuple(METHODS)) -> Foresight:
    """What is expected of the rest of each period, by the first of `methods` that can say anything."""
    start, end = (day_start_us(days, watched.zone, watched.zones) for days in (watched.first_day, watched.until_day))
    known = watched.at_us != NEVER
    at = np.where(known, np.clip(watched.at_us, start, end), NEVER)
    times = local_times(at, watched.zone, watched.zones)
    elapsed = np.where(known, (at - start) / (end - start), 0.0)
    due, due_method = due_shares(watched, courses, times)
    due = np.where(due_method == "even", elapsed, due)
    basis = Basis(watched, courses, due, remaining(watched, times))
    ahead, method = best(basis, methods)
    says = known & np.isfinite(watched.used) & np.isfinite(ahead.rest)
    return Foresight(basis, ahead, np.where(says, method, ""), says, at, elapsed, due_method)


def project(watched: Watched, courses: Courses, methods: Sequence[str] = tuple(METHODS)) -> Projection:
    """How each period will end, as far as the data speaks; all of it pure arithmetic over the columns given.

    Without data pace and projection are NaN, and before anything is due the pace is; after the end of the period
    the projection is what was used. What the first of `methods` cannot say for lack of a past, the next one says,
    at last the pace; `method` names it.
    """
    seen = foresee(watched, courses, methods)
    basis, ahead = seen.basis, seen.ahead
    projected = np.where(seen.says, watched.used + ahead.rest, np.nan)
    projected_share = _ratio(projected, watched.limit)
    off = np.where(seen.says, deviation(basis, ahead), np.nan)
    return Projection(
        elapsed_share=seen.elapsed,
        due_share=basis.due,
        due_method=seen.due_method,
        pace=_ratio(np.where(seen.at != NEVER, watched.used, np.nan), watched.limit * basis.due),
        projected=projected,
        low=np.where(ahead.rest >= 0, np.maximum(projected - off, watched.used), projected - off),
        high=projected + off,
        projected_share=projected_share,
        exhausted_us=_exhausted(basis, ahead, projected_share > 1, seen.at),
        method=seen.method,
    )


def _exhausted(basis: Basis, ahead: Ahead, over: NDArray[np.bool_], at: Ids) -> Ids:
    """When the limit is reached, where that lies ahead; `over` says which will end above it."""
    used, limit = basis.watched.used, basis.watched.limit
    rows = np.flatnonzero((used <= limit) & over)
    found = np.full(len(used), NEVER)
    found[rows] = at[rows] + np.rint(days_to(basis, ahead, rows) * _DAY_US).astype(np.int64)
    return found


def _ratio(above: Floats, below: Floats) -> Floats:
    ratios: Floats = np.round(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0), DIGITS)
    return ratios
