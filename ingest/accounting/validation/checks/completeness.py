"""Checks of what came: missing slots, contradicting values, intervals that overlap, stamps away from their slot."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from energy.consumption import Flag, IntervalQuality
from ingest.accounting.algebra.columns import INTERVAL_MS, Bools, Floats, Ints, Kind
from ingest.accounting.validation.day import Day, Finding, runs
from ingest.accounting.validation.parameters import Severity

_ENOUGH = 3
"""Readings of which the rhythm of a day is taken; with fewer it is the clock's."""
_TOGETHER = 0.5
"""Length of their mean on the circle from which on readings have a rhythm."""


def missing(day: Day) -> Iterator[Finding]:
    """Slots without a reading of their own: a warning where the register knows the total, a failure where nothing does.

    Slots after a point's last row count up to where others of its unit are known. Before its first row nothing is
    missing: the point may not have been there. A point that is silent for more than a day is told by the views of
    freshness and completeness; when it comes back, its whole gap is named here.
    """
    on = day.points.on("missing")[:, None]
    lost = day.own(day.present & (day.quality == IntervalQuality.MISSING))
    spread = day.own(day.present & (day.flags & Flag.GAP > 0)) & ~lost
    ends = day.start_of(day.context) + INTERVAL_MS * np.arange(1, day.slots - day.context + 1)
    begun = np.maximum.accumulate(day.present[:, max(day.context - 1, 0) :], axis=1)
    begun = begun[:, begun.shape[1] - (day.slots - day.context) :]
    silent = begun & ~day.own(day.present) & (ends <= day.horizon[:, None])
    for mask, severity in ((lost | silent, Severity.FAILURE), (spread, Severity.WARNING)):
        for point, begin, end in runs(mask & on):
            where = (point, day.context + begin, day.context + end)
            yield day.graded("missing", severity, *where, slots=end - begin)


def conflicts(day: Day) -> Iterator[Finding]:
    """Slots with readings for whose key several values came."""
    on = day.points.on("conflict")
    count = np.zeros(day.quanta.shape, np.int64)
    np.add.at(count, (day.contested.point, _slot(day, day.contested.at)), 1)
    for point, begin, end in runs((count > 0) & on[:, None]):
        yield day.finding("conflict", point, begin, end, readings=int(count[point, begin:end].sum()))


def overlaps(day: Day) -> Iterator[Finding]:
    """Readings of an interval meter that follow sooner than its interval, by share."""
    shown, points = day.shown, day.points
    least = points.given("overlap", "share") * points.interval_ms
    judged = points.on("overlap") & (points.kind == Kind.INTERVAL)
    later = np.arange(1, len(shown.at))
    apart = np.diff(shown.at)
    own = (shown.at[1:] >= day.since) & (shown.at[1:] < day.until)
    close = own & (np.diff(shown.point) == 0) & (apart < least[shown.point[1:]]) & judged[shown.point[1:]]
    nearest = np.full(day.quanta.shape, np.inf)
    for which in (later[close], later[close] - 1):
        np.minimum.at(nearest, (shown.point[which], _slot(day, shown.at[which])), apart[close])
    for point, begin, end in runs(np.isfinite(nearest)):
        yield day.finding("overlap", point, begin, end, apart_s=nearest[point, begin:end].min() / 1000)


def off_time(day: Day) -> Iterator[Finding]:
    """Readings away from where those of the point stand on that day, modulo its interval.

    A reading that is not doubtful is told only where its slot has no other: who sends more than he must is never late.
    """
    shown, points = day.shown, day.points
    if not len(shown.point):
        return
    interval = points.interval_ms[shown.point]
    number, offset = _numbered(day)
    away = np.abs(offset) / 1000
    loose = points.given("time", "slot_share")[shown.point] * interval / 1000
    slots = shown.point * (np.ptp(number) + 1) + number - number.min()
    served = np.isin(slots, slots[~shown.doubtful & (away <= loose)])
    warn = np.where(shown.doubtful, points.given("time", "warn_s")[shown.point], np.where(served, np.inf, loose))
    fail = np.where(shown.doubtful, points.given("time", "fail_s")[shown.point], np.inf)
    on = points.on("time")[shown.point] & _own(day)
    worst = {}
    for severity, bad in ((Severity.FAILURE, away > fail), (Severity.WARNING, (away > warn) & (away <= fail))):
        which = np.flatnonzero(bad & on)
        worst[severity] = np.zeros(day.quanta.shape)
        np.maximum.at(worst[severity], (shown.point[which], _slot(day, shown.at[which])), away[which])
    worst[Severity.WARNING][worst[Severity.FAILURE] > 0] = 0  # a slot is told once
    for severity, seconds in worst.items():
        for point, begin, end in runs(seconds > 0):
            yield day.graded("time", severity, point, begin, end, away_s=seconds[point, begin:end].max())


def _numbered(day: Day) -> tuple[Ints, Floats]:
    """Which slot of its point's interval each reading belongs to, and how far from where the day's readings stand, ms.

    Where they stand is the mean of the certain ones on the circle of the interval; where they stand all around it, or
    are few, it is the clock's tick.
    """
    shown, points = day.shown, day.points
    interval = points.interval_ms[shown.point]
    angle = 2 * np.pi * (shown.at % interval) / interval
    certain = (~shown.doubtful & _own(day)).astype(np.float64)
    count = np.bincount(shown.point, certain, len(points))
    east = np.bincount(shown.point, certain * np.cos(angle), len(points))
    north = np.bincount(shown.point, certain * np.sin(angle), len(points))
    together = (count >= _ENOUGH) & (np.hypot(east, north) >= _TOGETHER * count)
    centre = np.where(together, np.arctan2(north, east), 0.0)[shown.point] * interval / (2 * np.pi)
    number = np.rint((shown.at - centre) / interval)
    return number.astype(np.int64), np.asarray(shown.at - centre - number * interval, np.float64)


def _own(day: Day) -> Bools:
    """Which readings are of the day itself."""
    return (day.shown.at >= day.since) & (day.shown.at < day.until)


def _slot(day: Day, at: Ints) -> Ints:
    """The slot in which each instant lies; the end of the day belongs to its last one."""
    return np.clip((at - day.start_of(0)) // INTERVAL_MS, 0, day.slots - 1)
