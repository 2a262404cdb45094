"""Quotas, periods and pasts made up for tests of projections."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np

from alerts.projecting.calendars import CELLS, CLASSES, MONTHS, calendar_of, day_number, micros
from alerts.projecting.history import History, courses_of
from alerts.projecting.model import Courses, Watched
from alerts.quotas.profile import EVEN, Profile
from alerts.series.frame import NEVER, Floats
from energy.periods import Period, day_start, local_day

SHANGHAI = "Asia/Shanghai"


def watch(  # noqa: PLR0913 - one for each column
    period: Period,
    at: Sequence[datetime | None],
    used: Sequence[float],
    limit: float = 1.0,
    *,
    zone: str = SHANGHAI,
    profile: Profile = EVEN,
    course: int = -1,
) -> Watched:
    """One quota in one period, looked at at several instants."""
    rows = np.ones(len(at), np.int64)
    return Watched(
        used=np.array(used, np.float64),
        limit=np.full(len(at), limit),
        first_day=rows * day_number(period.first_day),
        until_day=rows * day_number(local_day(period.end, zone)),
        at_us=np.array([NEVER if one is None else micros(one) for one in at], np.int64),
        zone=rows * 0,
        zones=(zone,),
        profile=rows * 0,
        profiles=(profile,),
        course=rows * course,
    )


def joined(rows: Sequence[Watched]) -> Watched:
    """Quotas of one zone, all at once."""
    columns = {
        name: np.concatenate([getattr(row, name) for row in rows])
        for name in ("used", "limit", "first_day", "until_day", "at_us", "zone", "course")
    }
    profiles = tuple(row.profiles[0] for row in rows)
    return Watched(**columns, zones=rows[0].zones, profile=np.arange(len(rows)), profiles=profiles)


def courses_by(cells: Floats, today: date, zone: str = SHANGHAI, *, scale: float = 1.0) -> Courses:
    """The course of a subject whose days of each cell were always the same, and last year 1 / `scale` of that."""
    calendar, this_day = calendar_of(zone), day_number(today)
    recent = calendar.counts(this_day - 29, this_day - 1).astype(np.float64)[None]
    first, until = day_number(date(today.year - 1, 1, 1)), day_number(date(today.year, 1, 1))
    year = calendar.counts(first, until).astype(np.float64)[None]
    by_class = [
        values.reshape(-1, MONTHS, CLASSES).sum(axis=1) for values in (recent * cells, recent * cells**2, recent)
    ]
    return courses_of(History(by_class[0], by_class[1], by_class[2], recent, year * cells / scale, year))


def used_by(cells: Floats, since: date, until: datetime, zone: str = SHANGHAI) -> float:
    """What such a subject uses from the beginning of a day until an instant, evenly within each day."""
    calendar, total, day = calendar_of(zone), 0.0, day_number(since)
    while True:
        begin = day_start(date.fromordinal(day + date(1970, 1, 1).toordinal()), zone)
        end = day_start(date.fromordinal(day + 1 + date(1970, 1, 1).toordinal()), zone)
        mean = cells[calendar.cells_of(np.array([day]))[0]]
        if until < end:
            return float(total + mean * max((until - begin) / (end - begin), 0.0))
        total, day = total + mean, day + 1


def flat(working: float, rest: float, holiday: float) -> Floats:
    """Every month alike."""
    cells = np.tile([working, rest, holiday], MONTHS).astype(np.float64)
    assert len(cells) == CELLS
    return cells
