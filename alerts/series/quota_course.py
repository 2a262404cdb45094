"""How the periods of quotas will end: the rows of a frame as `alerts.projecting` takes them. Pure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alerts.projecting.model import Courses, Projection, Watched
from alerts.projecting.profiles import decode_profiles
from alerts.projecting.project import project
from alerts.series.frame import Ids
from alerts.series.quota_book import Book
from alerts.series.quota_periods import Due
from alerts.series.quota_use import Use


def projecting(book: Book, courses: Courses, course: Ids) -> Callable[[Book, Due, Use, Ids], Projection]:
    """What projects the rows of a frame.

    Args:
        book: of all quotas.
        courses: what the past says; its last row is all NaN.
        course: row of each quota of the book among them, -1 where there is none.
    """
    profile, profiles = decode_profiles(book.profiles.tolist())
    zones = tuple(dict.fromkeys(zone for zone, _, _ in book.calendars))
    of_calendar = np.array([zones.index(zone) for zone, _, _ in book.calendars], np.int64)

    def projected(known: Book, due: Due, use: Use, at_us: Ids) -> Projection:
        rows = due.rows
        return project(
            Watched(
                used=use.used,
                limit=known.limits[rows],
                first_day=due.column("first"),
                until_day=due.column("until"),
                at_us=at_us,
                zone=of_calendar[known.calendar[rows]],
                zones=zones,
                profile=profile[rows],
                profiles=profiles,
                course=course[rows],
            ),
            courses,
        )

    return projected


def no_courses() -> Courses:
    """Of a past that nothing is known of."""
    nan = np.full(1, np.nan)
    return Courses(np.full((1, 3), np.nan), nan, nan, np.full((1, 36), np.nan), nan)
