"""The course of a group of units, from those of its members. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alerts.projecting.model import Courses
from alerts.series.frame import Floats, Ids

MOST_UNKNOWN = 0.1
"""With more than this share of its members not known, a group has no course."""


def summed(courses: Courses, groups: Sequence[Ids]) -> Courses:
    """`courses` with a row more for each of `groups` (rows of their members, -1 where one has none), before the last.

    What members are expected to use adds up; so do their spreads, as if all strayed the same way on the same days: the
    widest that can be. The few members of whom nothing is known are left out.
    """
    parts = [_sum(courses, rows) for rows in groups]
    return Courses(
        *(
            np.concatenate([whole[:-1], *(getattr(part, name) for part in parts), whole[-1:]])
            for name, whole in ((name, getattr(courses, name)) for name in Courses.__dataclass_fields__)
        )
    )


def _sum(courses: Courses, rows: Ids) -> Courses:
    level = courses.level[rows]
    then = level / courses.scale[rows]
    both = np.isfinite(then)
    scale = level[both].sum() / then[both].sum() if both.any() else np.nan
    return Courses(
        recent=_members(courses.recent[rows]),
        level=_members(level),
        spread=_members(courses.spread[rows]),
        year=_members(courses.year[rows]),
        scale=np.array([scale]),
    )


def _members(values: Floats) -> Floats:
    """The sum over members, NaN where too many are not known."""
    unknown = np.isnan(values).mean(axis=0, keepdims=True) if len(values) else np.ones((1, *values.shape[1:]))
    return np.where(unknown > MOST_UNKNOWN, np.nan, np.nansum(values, axis=0, keepdims=True))
