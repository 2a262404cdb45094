"""What an evaluation need not read again: quotas, their groups, and the courses that projections go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from alerts.projecting import courses
from alerts.projecting.courses import CourseBook
from alerts.series import quota_book, quotas
from alerts.series.quota_book import Book
from alerts.series.quota_course import courses_of, projecting
from alerts.series.quota_use import Members
from alerts.series.quotas import Projecting
from energy.periods import local_day
from energy.storage import Connection


@dataclass(frozen=True)
class Known:
    """What is known of quotas before their figures are read.

    Attributes:
        book, members: the quotas, and the units of their groups.
        projecting: how periods will end.
    """

    book: Book
    members: Members
    projecting: Projecting


class Memory:
    """Reads again what changed since.

    Args:
        courses_at_once: of so many units at most one look computes courses, so that no look is late for a day's turn;
            None for all, as a back-test must.
    """

    def __init__(self, courses_at_once: int | None = None) -> None:
        self._courses_at_once = courses_at_once
        self._book: Book | None = None
        self._members = Members(np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._courses: CourseBook | None = None
        self._unread = False
        self._days: tuple[date, ...] = ()
        self._known: Known | None = None

    def forget(self) -> None:
        """Nothing is known any more."""
        self._book = self._courses = self._known = None

    async def renew(self, connection: Connection, now: datetime, touched: Mapping[int, date]) -> tuple[Known, bool]:
        """What is known at `now`, and whether quotas, groups or the registry changed.

        Args:
            connection: outside a transaction: courses are computed and committed.
            now: data time.
            touched: units that are marked, each from which day on.
        """
        at = await quota_book.version(connection)
        changed = self._book is None or at != self._book.version
        if self._book is None or changed:
            self._book = await quota_book.read_book(connection)
            self._members = await quotas.read_members(connection, self._book)
        if await self._renew_courses(connection, now, touched, changed=changed) or changed or self._known is None:
            self._known = self._assembled(self._book)
        return self._known, changed

    async def _renew_courses(
        self, connection: Connection, now: datetime, touched: Mapping[int, date], *, changed: bool
    ) -> bool:
        """Whether courses were read again: after a local day began, quotas changed, or past days did."""
        assert self._book is not None  # noqa: S101 - it has just been read
        days = tuple(local_day(now, zone) for zone in sorted({zone for zone, _, _ in self._book.calendars}))
        settled = min(days, default=now.date())
        late = any((settled - since).days > 1 for since in touched.values())
        if self._courses is not None and not changed and days == self._days and not late:
            return False
        async with connection.transaction():
            done = await courses.refresh(connection, now, touched, most=self._courses_at_once)
        self._days = () if done.left else days
        self._unread = self._unread or bool(done.units) or changed
        # Reading them all costs more than computing some: those of a day's turn are taken on together.
        if self._courses is not None and (done.left or not self._unread):
            return False
        self._courses = await courses.read(connection)
        self._unread = bool(done.left)
        return True

    def _assembled(self, book: Book) -> Known:
        assert self._courses is not None  # noqa: S101 - it has just been read
        known, of = courses_of(book, self._members, self._courses)
        return Known(book, self._members, projecting(book, known, of))
