"""Recorded consumption as a load: how much a simulated meter has counted at any moment of data time.

The rules (duplicates, gaps, repetition, hours and weeks) are written down in `simulators/data/README.md`. The audit
does not use this module: `simulators.loads.truth` sums the intervals by code of its own, so that a fault in either
one shows.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from energy.errors import RejectedError
from simulators.loads.catalogue import LoadSettings, ShapeFile, shape_files

WEEK_S = 7 * 86_400
DAY_S = 86_400


class Piece(NamedTuple):
    """A time in which consumption runs evenly: from, until (seconds), the level at `since`, and its rise per second."""

    since: float
    until: float
    level: float
    slope: float


class Shape:
    """A recorded series as a cumulative curve over file time, repeated without end.

    File time is in seconds, the stamps of the file read as UTC. Raises RejectedError where the file contradicts itself.
    """

    def __init__(self, file: ShapeFile) -> None:
        rows = _rows(file)
        mean = sum(rows.values()) / len(rows)
        self._start = min(rows)
        self._times, self._sums = _curve(rows, file.interval_s, mean)
        self._period = float(-(-self._times[-1] // WEEK_S) * WEEK_S)
        rest = self._period - self._times[-1]
        self._times.append(self._period)
        self._sums.append(self._sums[-1] + mean * rest / file.interval_s)
        self._round = self._sums[-1]
        self.mean_per_hour = mean * 3600 / file.interval_s
        self.first_week = file.first_week

    def piece(self, file_s: float) -> Piece:
        """The straight piece of the curve on which `file_s` lies; its level counts from the beginning of the file."""
        rounds, within = divmod(file_s - self._start, self._period)
        right = min(bisect_right(self._times, within), len(self._times) - 1)
        since, until = self._times[right - 1], self._times[right]
        before, after = self._sums[right - 1], self._sums[right]
        offset = self._start + rounds * self._period
        return Piece(offset + since, offset + until, rounds * self._round + before, (after - before) / (until - since))


class Load:
    """A meter's consumption over data time.

    Args:
        settings: shape, size and diversity.
        utc_offset_s: offset of the meter's local clock from UTC, seconds.

    It remembers the piece of the curve that was asked for last, since a meter is asked again soon.
    """

    def __init__(self, settings: LoadSettings, utc_offset_s: int) -> None:
        self._shape = load_shape(settings.shape)
        steps = range(settings.spread)
        base = utc_offset_s - self._shape.first_week * WEEK_S
        self._shifts = [
            base - week * WEEK_S - DAY_S * step / settings.spread for week in settings.weeks for step in steps
        ]
        self._scale = settings.mean_per_hour / self._shape.mean_per_hour / len(self._shifts)
        self._piece = Piece(0.0, 0.0, 0.0, 0.0)

    def level(self, at_ms: int) -> float:
        """Cumulative consumption at data time `at_ms` (ms UTC) in the carrier's base unit, from an arbitrary zero."""
        at = at_ms / 1000
        if not self._piece.since <= at < self._piece.until:
            self._piece = self._piece_at(at)
        return self._piece.level + self._piece.slope * (at - self._piece.since)

    def _piece_at(self, at: float) -> Piece:
        """All copies together: as long as the shortest of their pieces."""
        pieces = [(shift, self._shape.piece(at + shift)) for shift in self._shifts]
        since = max(piece.since - shift for shift, piece in pieces)
        level = sum(piece.level + piece.slope * (since + shift - piece.since) for shift, piece in pieces)
        return Piece(
            since=since,
            until=min(piece.until - shift for shift, piece in pieces),
            level=self._scale * level,
            slope=self._scale * sum(piece.slope for _, piece in pieces),
        )

    def consumed(self, since_ms: int, until_ms: int) -> float:
        """Consumption between two moments of data time (ms UTC), in the carrier's base unit."""
        return self.level(until_ms) - self.level(since_ms)


@cache
def load_shape(name: str) -> Shape:
    """The shape of that name, read once; raises RejectedError for an unknown one."""
    file = shape_files().get(name)
    if file is None:
        raise RejectedError(f"unknown load shape {name!r}", advice=f"Known shapes: {', '.join(sorted(shape_files()))}.")
    return Shape(file)


def _rows(file: ShapeFile) -> dict[int, float]:
    """Stamp in seconds → consumption; identical duplicates count once."""
    rows: dict[int, float] = {}
    for row in csv.DictReader(file.text().splitlines()):
        stamp, value = _seconds(row["start"]), float(row["value"])
        if rows.setdefault(stamp, value) != value:
            raise RejectedError(f"{file.file}: two different values for {row['start']}")
    return rows


def _curve(rows: dict[int, float], interval_s: int, mean: float) -> tuple[list[float], list[float]]:
    """Break points of the cumulative curve: seconds since the first stamp, and consumption until then."""
    stamps = sorted(rows)
    times, sums = [0.0], [0.0]
    for stamp, following in pairwise([*stamps, stamps[-1] + interval_s]):
        _advance(times, sums, interval_s, rows[stamp])
        gap = following - stamp - interval_s
        if gap:
            _advance(times, sums, gap, mean * gap / interval_s)
    return times, sums


def _advance(times: list[float], sums: list[float], seconds: int, amount: float) -> None:
    if seconds < 0:
        raise RejectedError("a load shape's intervals overlap")
    times.append(times[-1] + seconds)
    sums.append(sums[-1] + amount)


def _seconds(stamp: str) -> int:
    """A stamp without a zone is taken as it stands: hours become local hours in any case."""
    return int(datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp())
