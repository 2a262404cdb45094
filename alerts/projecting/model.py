"""What a projection is made of and what it says: columns with one entry per quota and period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts.projecting.calendars import Calendar, calendar_of
from alerts.quotas.profile import Profile
from alerts.series.frame import Floats, Ids


@dataclass(frozen=True)
class Watched:
    """Quotas on amounts that add up over days, each in one period.

    Attributes:
        used: what was used from the start of the period up to `at_us`, in any unit of measure; NaN is not known.
        limit: in the same unit of measure.
        first_day, until_day: the period's first local day and the one after its last, days since 1970-01-01.
        at_us: up to when the data speaks, microseconds since 1970 UTC; NEVER without data.
        zone: by the calendar of which of `zones` each quota goes.
        zones: the distinct IANA names.
        profile: by which of `profiles` each is due.
        profiles: the distinct profiles.
        course: row of the quota's subject and measure among the courses, -1 where there is none.
    """

    used: Floats
    limit: Floats
    first_day: Ids
    until_day: Ids
    at_us: Ids
    zone: Ids
    zones: tuple[str, ...]
    profile: Ids
    profiles: tuple[Profile, ...]
    course: Ids

    def calendar(self, row: int) -> Calendar:
        """The calendar of a quota."""
        return calendar_of(self.zones[self.zone[row]])


@dataclass(frozen=True)
class Courses:
    """What the past says of subjects, one row per subject and measure, in the measure's own unit.

    The last row is all NaN: what nothing is known of, and what the index -1 finds.

    Attributes:
        recent: mean of a day of each class (working, rest, holiday) over the last four weeks. (n, 3)
        level: mean of a day of the last four weeks. (n,)
        spread: standard deviation of those days around the means of their classes. (n,)
        year: mean of a day of each cell (month and class) of the calendar year before the course's day. (n, 36)
        scale: `level` over that of the days of the same cells in the year before. (n,)
    """

    recent: Floats
    level: Floats
    spread: Floats
    year: Floats
    scale: Floats


@dataclass(frozen=True)
class Projection:
    """How periods will end.

    Attributes:
        elapsed_share: share of the period's time that has passed.
        due_share: share of the limit that is due by now under the quota's profile.
        due_method: by which shape in fact: the profile's kind, or what it fell back to.
        pace: used / (limit x due_share), rounded to nine decimals; 1 is just on course.
        projected, low, high: expected value at the end of the period and its 80 % interval.
        projected_share: projected / limit, rounded to nine decimals.
        exhausted_us: when the projection reaches the limit, microseconds since 1970 UTC; NEVER where it does not within
            the period, or already has.
        method: by which method in fact; empty where nothing can be said.
    """

    elapsed_share: Floats
    due_share: Floats
    due_method: NDArray[np.object_]
    pace: Floats
    projected: Floats
    low: Floats
    high: Floats
    projected_share: Floats
    exhausted_us: Ids
    method: NDArray[np.object_]
