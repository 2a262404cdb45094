"""Which share of a quota is due by an instant of its period, under the quota's profile. Pure, all quotas at once.

A profile gives every moment of a period a weight; what is due is the weight that has passed over that of the whole
period: 0 at the start, 1 at the end, never falling. Periods that are cut in pieces, cross a year's end, or hold a
festival that lay in another month last year need no rule of their own, since weights belong to days.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from alerts.projecting.calendars import Calendar, LocalTimes, alike, calendar_of, day_of, numbered
from alerts.projecting.model import Courses, Watched
from alerts.quotas.profile import LastYear, Plan, Profile, Shift, Shifts, WorkingDays
from alerts.series.frame import Floats, Ids
from energy.working_days import DayClass

_QUARTERS = 96


def decode_profiles(texts: Sequence[str]) -> tuple[Ids, tuple[Profile, ...]]:
    """`profile` and `profiles` of `Watched` from the JSON of each quota; equal texts are decoded once.

    Raises:
        msgspec.ValidationError: a text is no profile.
    """
    index, distinct = numbered(texts)
    return index, tuple(msgspec.json.decode(text, type=Profile) for text in distinct)


def due_shares(watched: Watched, courses: Courses, at: LocalTimes) -> tuple[Floats, NDArray[np.object_]]:
    """The share that is due by `at` (0 before the period, 1 after it), and the kind of profile by which.

    A plan that does not name all days, and last year where a month of the period is not known, are judged evenly:
    the kind then says `even`.
    """
    due, kinds = np.zeros(len(at.day)), np.full(len(at.day), "even", object)
    for rows in alike(watched.profile, watched.zone, watched.first_day, watched.until_day):
        first, until = int(watched.first_day[rows[0]]), int(watched.until_day[rows[0]])
        profile, zone = watched.profiles[watched.profile[rows[0]]], watched.zones[watched.zone[rows[0]]]
        position = np.clip(at.day[rows] - first + at.share[rows], 0.0, until - first)
        if isinstance(profile, LastYear):
            period = _Period(calendar_of(zone), first, until)
            due[rows], known = _last_year(courses.year[watched.course[rows]], period, position)
            kinds[rows[known]] = "last_year"
        else:
            curve, kinds[rows] = _curve(msgspec.json.encode(profile), zone, first, until)
            due[rows] = _along(curve, position / (until - first))
    return due, kinds


class _Period(NamedTuple):
    calendar: Calendar
    first: int
    until: int


def _along(curve: Floats, share: Floats) -> Floats:
    """The curve's value after a share of its steps, straight between two of them."""
    steps = share * (len(curve) - 1)
    below = np.minimum(steps.astype(np.int64), len(curve) - 2)
    along: Floats = curve[below] + (curve[below + 1] - curve[below]) * (steps - below)
    return along


def _last_year(means: Floats, period: _Period, position: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Last year's shares, evenly where a month of the period is not known, and which are known."""
    calendar, first, until = period
    whole = calendar.counts(first, until)
    needed = np.flatnonzero(whole)
    weights = np.maximum(means[:, needed], 0.0)
    total = (weights * whole[needed]).sum(axis=1)  # a matrix product would round by the row's place in it
    known = total > 0  # of NaN it is not
    weights[~known] = 1.0
    total[~known] = until - first
    today = np.minimum(position.astype(np.int64), until - first - 1)
    before = (weights * calendar.counts(first, first + today)[:, needed]).sum(axis=1)
    column = np.searchsorted(needed, calendar.cells_of(first + today))
    begun = weights[np.arange(len(weights)), column] * (position - today)
    # Sums in another order than the total's may miss it by an ulp at the end.
    return np.where(position < until - first, np.clip((before + begun) / total, 0.0, 1.0), 1.0), known


@lru_cache(maxsize=4096)
def _curve(encoded: bytes, zone: str, first: int, until: int) -> tuple[Floats, str]:
    """The share that is due at equally long steps of the period, from 0 to 1, and the kind of profile by which."""
    profile = msgspec.json.decode(encoded, type=Profile)
    weights = _weights(profile, calendar_of(zone), first, until)
    total = 0.0 if weights is None else float(weights.sum())
    if weights is None or total <= 0:
        return np.array([0.0, 1.0]), "even"
    curve = np.concatenate([[0.0], weights.cumsum() / total])
    curve[-1] = 1.0
    return np.minimum(curve, 1.0), msgspec.to_builtins(profile)["kind"]


def _weights(profile: Profile, calendar: Calendar, first: int, until: int) -> Floats | None:
    """Weights of the period's days, or of all their quarter hours; None where the profile does not cover the period."""
    match profile:
        case WorkingDays(rest=rest, holiday=holiday):
            kinds = calendar.kinds_of(first, until)
            return np.select([kinds == DayClass.REST.value, kinds == DayClass.HOLIDAY.value], [rest, holiday], 1.0)
        case Shifts():
            return _shift_weights(profile, calendar, first, until)
        case Plan():
            return _plan_weights(profile, first, until)
        case _:
            return np.ones(1)


def _shift_weights(profile: Shifts, calendar: Calendar, first: int, until: int) -> Floats:
    """Quarter hours; what runs past midnight belongs to the day on which its shift begins."""
    days = until - first + 1  # from the day before the period on
    weights, worked = np.zeros((days + 1) * _QUARTERS), np.zeros((days + 1) * _QUARTERS, np.bool_)
    kinds = calendar.kinds_of(first - 1, until)
    for shift in profile.shifts:
        begin, length = _span(shift)
        starts = np.flatnonzero(np.isin(kinds, shift.days)) * _QUARTERS + begin
        hours = (starts[:, None] + np.arange(length)).ravel()
        weights[hours] += shift.weight  # no hour twice: a shift is no longer than a day
        worked[hours] = True
    return np.where(worked, weights, profile.idle)[_QUARTERS : days * _QUARTERS]


def _span(shift: Shift) -> tuple[int, int]:
    """Start and length of a shift in quarter hours."""
    start, end = (int(text[:2]) * 4 + int(text[3:]) // 15 for text in (shift.start, shift.end))
    return start, (end - start - 1) % _QUARTERS + 1


def _plan_weights(profile: Plan, first: int, until: int) -> Floats | None:
    """Days by the plan; None where it says nothing of one."""
    months, named = profile.months, profile.days
    inside = {month: [amount for day, amount in named.items() if f"{day:%Y-%m}" == month] for month in months}
    weights = []
    for day in map(day_of, range(first, until)):
        month = f"{day:%Y-%m}"
        if day in named:
            weights.append(named[day])
        elif month in months:
            days = monthrange(day.year, day.month)[1] - len(inside[month])
            weights.append((months[month] - sum(inside[month])) / days)
        else:
            return None
    return np.array(weights)
