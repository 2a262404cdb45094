"""What sums of past days say of days to come: levels of months, factors of classes of day, spread. Pure.

A day is expected to use level(month) x factor(class). Over the calendar year before, the factor of rest days and of
holidays is what they used over what as many working days of the same months would have used; the level of a month is
what its known days used over the sum of their factors. So the known days of every month add up to what they used, a
festival that lies in another month than last year takes its own days along, and unknown days count neither way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alerts.projecting.calendars import CLASSES, MONTHS, WORKING
from alerts.projecting.model import Courses
from alerts.series.frame import Floats

RECENT_DAYS = 28
"""Four whole weeks, so that every weekday counts as often."""
SETTLED_DAYS = 1
"""The four weeks end before yesterday: what it used may still be on its way, and a back-test must see the same."""
MIN_DAYS = 7
"""Known days that a month, or the last four weeks, must have to say anything: one of each weekday."""
MIN_CLASS_DAYS = 2
"""Known days that a class needs among the last four weeks to speak for itself."""


@dataclass(frozen=True)
class History:
    """Sums over the known days of the past, one row per subject and measure.

    Attributes:
        recent_sum, recent_squares, recent_days: of the four weeks, per class of day. (n, 3)
        recent_counts: all days of the four weeks per cell, known or not. (n, 36)
        year_sum, year_days: of the calendar year before, per cell. (n, 36)
    """

    recent_sum: Floats
    recent_squares: Floats
    recent_days: Floats
    recent_counts: Floats
    year_sum: Floats
    year_days: Floats


def courses_of(history: History) -> Courses:
    """What the sums say, and the last row that says nothing."""
    factor, year = _year(history.year_sum, history.year_days)
    recent = _recent(history, factor)
    by_class = history.recent_counts.reshape(-1, MONTHS, CLASSES).sum(axis=1)
    level = _ratio(np.where(by_class > 0, recent * by_class, 0.0).sum(axis=1), by_class.sum(axis=1))
    then = np.where(history.recent_counts > 0, year * history.recent_counts, 0.0).sum(axis=1)
    scale = _ratio(level * by_class.sum(axis=1), then)
    return Courses(*map(_closed, (recent, level, _spread(history), year, scale)))


def _year(amounts: Floats, days: Floats) -> tuple[Floats, Floats]:
    """Factors of the classes (n, 3), and the expected use of a day of each cell (n, 36)."""
    amounts, days = amounts.reshape(-1, MONTHS, CLASSES), days.reshape(-1, MONTHS, CLASSES)
    working = _ratio(amounts[:, :, WORKING], days[:, :, WORKING])
    both = np.isfinite(working)
    like_working = np.where(both[:, :, None], days * np.where(both, working, 0.0)[:, :, None], 0.0).sum(axis=1)
    used = np.where(both[:, :, None], amounts, 0.0).sum(axis=1)
    factor = np.nan_to_num(_ratio(used, like_working), nan=1.0)
    level = _ratio(amounts.sum(axis=2), (days * factor[:, None, :]).sum(axis=2))
    level[days.sum(axis=2) < MIN_DAYS] = np.nan
    return factor, (level[:, :, None] * factor[:, None, :]).reshape(-1, MONTHS * CLASSES)


def _recent(history: History, factor: Floats) -> Floats:
    """Mean of a day per class (n, 3); a class that hardly occurred takes its factor of the year before."""
    amounts, days = history.recent_sum, history.recent_days
    level = _ratio(amounts.sum(axis=1), (days * factor).sum(axis=1))
    own = np.where(days >= MIN_CLASS_DAYS, _ratio(amounts, days), level[:, None] * factor)
    own[days.sum(axis=1) < MIN_DAYS] = np.nan
    return own


def _spread(history: History) -> Floats:
    """Standard deviation of a day around its class, pooled over the classes."""
    days = history.recent_days
    means = np.nan_to_num(_ratio(history.recent_sum, days))
    free = days.sum(axis=1) - (days > 0).sum(axis=1)
    squares = (history.recent_squares - means * history.recent_sum).sum(axis=1)
    return np.sqrt(np.maximum(_ratio(squares, free), 0.0))


def _closed(values: Floats) -> Floats:
    """With a last row of NaN."""
    return np.concatenate([values, np.full((1, *values.shape[1:]), np.nan)])


def _ratio(above: Floats, below: Floats) -> Floats:
    """Quotient; NaN where there is nothing to divide by."""
    quotient: Floats = np.divide(
        above, below, out=np.full(np.broadcast_shapes(above.shape, below.shape), np.nan), where=below > 0
    )
    return quotient
