"""Methods of projection: what will be used in what is left of a period, and how far that may be off. Pure, vectorised.

Which of them is the best was found by back-test on real meters: `docs/projection.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alerts.projecting.calendars import CLASSES
from alerts.projecting.model import Courses, Watched
from alerts.projecting.remaining import Remaining
from alerts.series.frame import Floats, Ids

NEAR_DAYS = 30.0
"""With so many days left the mixture gives like days 1/e of the weight, and last year the rest."""
_GROWTH = 0.8
"""The sum of n days strays by n to this power times what one day strays by: days that follow each other stray alike
(long-range dependence, Hurst exponent; 0.5 would be independent days). Found by back-test."""
_SEASON = 0.25
"""Without last year the level may stray by this share of itself within a month, and by the root of the months later."""
_MONTH_DAYS = 30.0
_Z80 = 1.2816
"""Eight in ten of a normal distribution lie within so many standard deviations."""


@dataclass(frozen=True)
class Basis:
    """What methods start from.

    Attributes:
        watched: the quotas; their `course` names a row of `courses`.
        courses: the past.
        due: the share of the period that is due by the quota's profile.
        left: what is left of the period.
    """

    watched: Watched
    courses: Courses
    due: Floats
    left: Remaining


@dataclass(frozen=True)
class Ahead:
    """What a method expects of the rest of each period; NaN where it cannot say.

    Attributes:
        rest: what will be used in it.
        like, scale: by how much the means of like days and of last year's days count in it; NaN where the days' own
            course is not known.
        seasonal: it knows how the year runs.
    """

    rest: Floats
    like: Floats
    scale: Floats
    seasonal: NDArray[np.bool_]


def _pace(basis: Basis) -> Ahead:
    """As so far: used / due share, by the quota's profile."""
    used, due = basis.watched.used, basis.due
    rest = np.divide(used * (1 - due), due, out=np.full(len(used), np.nan), where=due > 0)
    nothing = np.full(len(used), np.nan)
    return Ahead(rest, nothing, nothing, np.zeros(len(used), np.bool_))


def _like_days(basis: Basis) -> Ahead:
    """Each day as the mean of its class over the last four weeks."""
    rest = basis.left.expect_classes(basis.courses.recent, basis.watched.course)
    return Ahead(rest, np.ones(len(rest)), np.zeros(len(rest)), np.zeros(len(rest), np.bool_))


def _last_year(basis: Basis) -> Ahead:
    """Each day as last year, with half of the change that the last four weeks show against the same days of then.

    Half, because a month tells half of a year: of shares from none to all it was the best or near (docs/projection.md).
    """
    scale = (1 + np.nan_to_num(basis.courses.scale[basis.watched.course], nan=1.0)) / 2
    rest = scale * basis.left.expect(basis.courses.year, basis.watched.course)
    return Ahead(rest, np.zeros(len(rest)), scale, np.ones(len(rest), np.bool_))


def _mixture(basis: Basis) -> Ahead:
    """Like days for what is near and last year for what is far."""
    near = np.exp(-basis.left.length / NEAR_DAYS)
    like, last = _like_days(basis), _last_year(basis)
    return Ahead(near * like.rest + (1 - near) * last.rest, near, (1 - near) * last.scale, last.seasonal)


METHODS: Final[dict[str, Callable[[Basis], Ahead]]] = {
    "mixture": _mixture,
    "last_year": _last_year,
    "like_days": _like_days,
    "pace": _pace,
}
"""By the names that evidence shows, the best first: what one cannot say, the next one does."""


def deviation(basis: Basis, ahead: Ahead) -> Floats:
    """Half the width of the interval that holds 80 % of the ends.

    The days of the last four weeks stray from the mean of their class by a share of it; the rest of the period, of n
    days, strays by n^0.8 such days of its own. Where the method does not know how the year runs, a quarter of the rest
    for each root of a month comes on top (squares add). Constants by back-test, which measures the coverage too.
    """
    courses, course, days = basis.courses, basis.watched.course, np.maximum(basis.left.length, 0.0)
    rest = np.abs(ahead.rest)
    with np.errstate(divide="ignore", invalid="ignore"):
        one_day = courses.spread[course] / np.abs(courses.level[course]) * rest / days
    strays = np.where(days > 0, one_day * days**_GROWTH, 0.0)
    season = np.where(ahead.seasonal, 0.0, _SEASON * rest * np.sqrt(days / _MONTH_DAYS))
    return _Z80 * np.hypot(strays, season)


def best(basis: Basis, methods: Sequence[str]) -> tuple[Ahead, NDArray[np.object_]]:
    """Per quota what the first of `methods` says that can say anything, and which it was; "" where none can."""
    found, names = METHODS[methods[0]](basis), np.full(len(basis.due), methods[0], object)
    for name in methods[1:]:
        open_ = ~np.isfinite(found.rest)
        if not open_.any():
            break
        other = METHODS[name](basis)
        found = Ahead(
            *(np.where(open_, theirs, ours) for ours, theirs in zip(_parts(found), _parts(other), strict=True))
        )
        names[open_] = name
    names[~np.isfinite(found.rest)] = ""
    return found, names


def days_to(basis: Basis, ahead: Ahead, rows: Ids) -> Floats:
    """In how many days each of `rows`, whose projection is above its limit, will have used the rest of it.

    By the days' own course where the method has one, evenly else.
    """
    watched, left = basis.watched, basis.left
    room = watched.limit - watched.used
    found = _over(room, ahead.rest) * left.length  # a period that is over has no rest
    wanted = np.zeros(len(found), np.bool_)
    wanted[rows] = True
    for group in left.groups:
        some = group[wanted[group] & np.isfinite(ahead.like[group])]
        if len(some):
            found[some] = _walk(basis, ahead, some, room[some])
    return found[rows]


def _walk(basis: Basis, ahead: Ahead, rows: Ids, room: Floats) -> Floats:
    """Day by day through what is left of one period, for all of `rows` at once."""
    left = basis.left
    first, until = int(left.day[rows[0]]) + 1, int(basis.watched.until_day[rows[0]])
    steps = basis.watched.calendar(rows[0]).counts(first, np.arange(first, until + 1))
    needed, begun = np.flatnonzero(steps[-1]), left.today[rows[:1]]
    today = _means(basis, ahead, rows, begun)[:, 0] * left.rest[rows]
    used = today[:, None] + _means(basis, ahead, rows, needed) @ steps[:, needed].T
    at = np.minimum((used < room[:, None]).sum(axis=1), used.shape[1] - 1)
    before = np.where(at > 0, used[np.arange(len(rows)), at - 1], 0.0)
    length = np.where(at > 0, 1.0, left.rest[rows])
    within = np.clip(_over(room - before, used[np.arange(len(rows)), at] - before), 0.0, 1.0)
    return np.where(at > 0, left.rest[rows] + at - 1, 0.0) + within * length


def by_day(basis: Basis, ahead: Ahead, row: int) -> Floats:
    """What is expected of the rest of the day that has begun, and of each later day; even where days have no course."""
    left = basis.left
    days = np.arange(int(left.day[row]), int(basis.watched.until_day[row]))
    parts = np.ones(len(days))
    parts[0] = left.rest[row]
    if np.isfinite(ahead.like[row]):
        expected = _means(basis, ahead, np.array([row]), basis.watched.calendar(row).cells_of(days))[0] * parts
    else:
        expected = ahead.rest[row] * parts / max(parts.sum(), np.finfo(float).tiny)
    found: Floats = expected
    return found


def _means(basis: Basis, ahead: Ahead, rows: Ids, cells: Ids) -> Floats:
    """The mean of a day of each of `cells` that the method goes by, (rows, cells); NaN where it does not know one."""
    course = basis.watched.course[rows]
    like, scale = ahead.like[rows, None], ahead.scale[rows, None]
    recent = basis.courses.recent[np.ix_(course, cells % CLASSES)]
    year = basis.courses.year[np.ix_(course, cells)]
    return np.where(like > 0, like * recent, 0.0) + np.where(scale > 0, scale * year, 0.0)


def _parts(ahead: Ahead) -> tuple[NDArray[Any], ...]:
    return ahead.rest, ahead.like, ahead.scale, ahead.seasonal


def _over(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.ones(len(below)), where=below > 0)
