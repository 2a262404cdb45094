"""What is left of a period, as numbers of days of each class and month. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alerts.projecting.calendars import CELLS, CLASSES, MONTHS, LocalTimes, alike
from alerts.projecting.model import Watched
from alerts.series.frame import NEVER, Floats, Ids


@dataclass(frozen=True)
class Remaining:
    """What is left of each period: whole days, and the rest of the day that has begun.

    Attributes:
        groups: the quotas of each combination of calendar, day and end that occurs.
        day: number of the day that has begun.
        days: whole days left of each cell, for each combination. (g, 36)
        today: cell of the day that has begun. (n,)
        rest: share of that day which is left. (n,)
        length: days left, the begun one by its share. (n,)
    """

    groups: tuple[Ids, ...]
    day: Ids
    days: Floats
    today: Ids
    rest: Floats
    length: Floats

    def expect(self, cells: Floats, row: Ids) -> Floats:
        """Sum over what is left of the mean of a day of each cell; NaN only where a needed one is.

        Args:
            cells: means, (any, 36).
            row: which row of `cells` counts for each quota.
        """
        return self._sum(self.days, cells, row, self.today)

    def expect_classes(self, classes: Floats, row: Ids) -> Floats:
        """Likewise by classes alone; `classes` is (any, 3)."""
        by_class = self.days.reshape(-1, MONTHS, CLASSES).sum(axis=1)
        return self._sum(by_class, classes, row, self.today % CLASSES)

    def _sum(self, days: Floats, means: Floats, row: Ids, today: Ids) -> Floats:
        total = np.where(self.rest > 0, means[row, today] * self.rest, 0.0)
        for rows, counts in zip(self.groups, days, strict=True):
            needed = np.flatnonzero(counts)
            total[rows] += means[np.ix_(row[rows], needed)] @ counts[needed]
        return total


def remaining(watched: Watched, at: LocalTimes) -> Remaining:
    """What is left after `at`; before the period all of it, without data none of it is asked for."""
    day = np.clip(at.day, watched.first_day, watched.until_day - 1)
    share = np.where(at.day < watched.first_day, 0.0, np.where(at.day >= watched.until_day, 1.0, at.share))
    day = np.where(at.day == NEVER, watched.first_day, day)
    groups = alike(watched.zone, day, watched.until_day)
    counts, today = np.zeros((len(groups), CELLS)), np.zeros(len(day), np.int64)
    for number, rows in enumerate(groups):
        calendar, row = watched.calendar(rows[0]), rows[0]
        counts[number] = calendar.counts(day[row] + 1, watched.until_day[row])
        today[rows] = calendar.cells_of(day[row : row + 1])
    return Remaining(
        tuple(groups), day, counts, today, 1.0 - share, (watched.until_day - day - share).astype(np.float64)
    )
