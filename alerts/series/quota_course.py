"""How the periods of quotas will end: the rows of a frame as `alerts.projecting` takes them. Pure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alerts.projecting.courses import CourseBook
from alerts.projecting.model import Courses, Projection, Watched
from alerts.projecting.profiles import decode_profiles
from alerts.projecting.project import project
from alerts.series.frame import Ids
from alerts.series.quota_book import Book
from alerts.series.quota_periods import Due
from alerts.series.quota_use import Members, Use


def watching(book: Book, course: Ids) -> Callable[[Due, Use, Ids], Watched]:
    """What makes rows of a frame quotas to be projected; its last argument is up to when each row's data speaks.

    Args:
        book: of all quotas.
        course: row of each quota of the book among the courses, -1 where there is none.
    """
    profile, profiles = decode_profiles(book.profiles.tolist())
    zones = tuple(dict.fromkeys(zone for zone, _, _ in book.calendars))
    of_calendar = np.array([zones.index(zone) for zone, _, _ in book.calendars], np.int64)

    def watched(due: Due, use: Use, at_us: Ids) -> Watched:
        rows = due.rows
        return Watched(
            used=use.used,
            limit=book.limits[rows],
            first_day=due.column("first"),
            until_day=due.column("until"),
            at_us=at_us,
            zone=of_calendar[book.calendar[rows]],
            zones=zones,
            profile=profile[rows],
            profiles=profiles,
            course=course[rows],
        )

    return watched


def projecting(book: Book, courses: Courses, course: Ids) -> Callable[[Book, Due, Use, Ids], Projection]:
    """What projects the rows of a frame.

    Args:
        book: of all quotas.
        courses: what the past says; its last row is all NaN.
        course: row of each quota of the book among them, -1 where there is none.
    """
    watched = watching(book, course)
    return lambda _, due, use, at_us: project(watched(due, use, at_us), courses)


def courses_of(book: Book, members: Members, known: CourseBook) -> tuple[Courses, Ids]:
    """The courses, those of groups with them, and the row of each quota of the book."""
    measures = book.labels["measure"]
    course = known.rows(book.units, measures)
    grouped = np.flatnonzero(book.groups >= 0)
    if not len(grouped):
        return known.courses, course
    borders = np.searchsorted(members.group, [book.groups[grouped], book.groups[grouped] + 1]).T
    units = [members.unit[low:high] for low, high in borders.tolist()]
    courses, course[grouped] = known.with_groups(list(zip(units, measures[grouped].tolist(), strict=True)))
    return courses, course


def no_courses() -> Courses:
    """Of a past that nothing is known of."""
    nan = np.full(1, np.nan)
    return Courses(np.full((1, 3), np.nan), nan, nan, np.full((1, 36), np.nan), nan)
