"""A local day of many points as columns: what every check takes, and the findings that it gives. Pure.

Arrays called (points x slots) have a row per point and a column per quarter hour: first `context` slots of the time
before the day, so that what runs over midnight is seen whole, then the day's own (92 to 100 where clocks change).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from energy.consumption import IntervalQuality
from ingest.accounting.algebra.columns import INTERVAL_MS, Bools, Floats, Ints
from ingest.accounting.validation.parameters import Rules, Severity

Columns = TypeVar("Columns", Ints, Floats, Bools)

MOST_CONTEXT = 96
"""Most slots of the day before that a check may need."""
HOURS = INTERVAL_MS / 3_600_000
"""Hours of a slot."""


@dataclass(frozen=True, slots=True)
class Points:
    """The points that are judged; one element each.

    Attributes:
        id: ids of the points.
        rules: what holds for each.
        kind: `ingest.accounting.algebra.columns.Kind`.
        quantum: size of a quantum, in the carrier's base unit.
        resolution: the register's smallest step, in the same unit; 0 where not known.
        float32: the register is a float32.
        interval_ms: how far apart readings are meant to lie.
        most_per_hour: greatest plausible consumption per hour in the base unit; NaN where not known.
        may_fall: consumption may be negative.
        backward: what is counted leaves the unit, so that a power counts by its negative.
    """

    id: Ints
    rules: Sequence[Rules]
    kind: Ints
    quantum: Floats
    resolution: Floats
    float32: Bools
    interval_ms: Ints
    most_per_hour: Floats
    may_fall: Bools
    backward: Bools

    def __len__(self) -> int:
        """The number of points."""
        return len(self.id)

    def on(self, check: str) -> Bools:
        """For which points `check` is enabled."""
        return np.array([getattr(one, check).enabled for one in self.rules], np.bool_)

    def given(self, check: str, parameter: str) -> Floats:
        """A parameter of `check` for each point."""
        return np.array([getattr(getattr(one, check), parameter) for one in self.rules], np.float64)


@dataclass(frozen=True, slots=True)
class Shown:
    """Readings of the points from the first slot on to the end of the day, which is included, sorted by (point, at).

    Of points whose interval is short there are only the first and the last one of the day. `point` is an index into
    `Points`.

    Attributes:
        value: as the register showed it.
        ratio: what that counts by at its time: a CT x PT that a person recorded; 1 where nobody did.
        doubtful: the gateway said that clock or source is in doubt.
    """

    point: Ints
    at: Ints
    value: Floats
    ratio: Floats
    doubtful: Bools


@dataclass(frozen=True, slots=True)
class Contested:
    """Keys for which several values came; index into `Points`."""

    point: Ints
    at: Ints


@dataclass(frozen=True, slots=True)
class Siblings:
    """What other points of the same meters show, per slot (points x slots); NaN where they show nothing.

    Attributes:
        rate: mean power or flow, as consumption per hour in the base unit.
        power_factor: greatest magnitude.
        voltage, current: by phase (3 x points x slots); greatest voltage, mean current.
    """

    rate: Floats
    power_factor: Floats
    voltage: Floats
    current: Floats


@dataclass(frozen=True, slots=True)
class Day:
    """A local day of some points of one time zone.

    Attributes:
        date: the day.
        since: its beginning, ms since 1970 UTC.
        context: how many slots stand before it.
        quanta, quality, flags, method, covered_s: of `consumption_15min` (points x slots); 0 where there is no row.
        present: there is a row.
        horizon: up to which slot (its end, ms) intervals of the point's unit are known.
    """

    date: date
    points: Points
    since: int
    context: int
    quanta: Ints
    quality: Ints
    flags: Ints
    method: Ints
    covered_s: Ints
    present: Bools
    horizon: Ints
    shown: Shown
    contested: Contested
    siblings: Siblings

    def finding(self, check: str, point: int, begin: int, end: int, **detail: float) -> Finding:
        """What `check`, whose parameters say how grave that is, found of the slots [begin, end)."""
        severity: Severity = getattr(self.points.rules[point], check).severity
        return self.graded(check, severity, point, begin, end, **detail)

    def graded(self, check: str, severity: Severity, point: int, begin: int, end: int, **detail: float) -> Finding:
        """A finding of the slots [begin, end) with a severity of its own."""
        said = {name: _rounded(value) for name, value in detail.items() if np.isfinite(value)}
        return Finding(point, check, self.start_of(begin), self.start_of(end), severity, said)

    @property
    def slots(self) -> int:
        """How many slots there are, those before the day among them."""
        return int(self.quanta.shape[1])

    @property
    def until(self) -> int:
        """The end of the day, ms."""
        return self.start_of(self.slots)

    def start_of(self, slot: int) -> int:
        """When a slot begins, ms since 1970 UTC; of the number of slots, when the day ends."""
        return self.since + (slot - self.context) * INTERVAL_MS

    def known(self) -> Bools:
        """In which slots the amount is known (points x slots)."""
        return np.asarray(self.present & (self.quality != IntervalQuality.MISSING), np.bool_)

    def own(self, columns: Columns) -> Columns:
        """The slots of the day itself."""
        return columns[:, self.context :]

    def amount(self) -> Floats:
        """Consumption in the base unit (points x slots)."""
        return np.asarray(self.quanta * self.points.quantum[:, None], np.float64)

    def step(self) -> Floats:
        """The smallest change that each point's register can show, in the base unit."""
        own = (self.shown.at >= self.since) & (self.shown.at <= self.until)
        point, ratio = self.shown.point[own], self.shown.ratio[own]
        counts_by = np.ones(len(self.points))
        np.fmax.at(counts_by, point, ratio)
        step = np.maximum(self.points.quantum, self.points.resolution * counts_by)
        if not len(point) or not self.points.float32.any():
            return step
        spacing = np.zeros(len(self.points))
        value = np.abs(self.shown.value[own]).astype(np.float32)
        np.fmax.at(spacing, point, np.spacing(value).astype(np.float64) * ratio)
        return np.where(self.points.float32, np.maximum(step, spacing), step)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found of a point in a span of time.

    Attributes:
        point: index into `Points`.
        check: which check.
        since, until: ms since 1970 UTC.
        severity: how grave.
        detail: figures that it rests on, in the base unit of the carrier where nothing else is said.
    """

    point: int
    check: str
    since: int
    until: int
    severity: Severity
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of slots that hold something, each from slot `begin` up to, and not with, slot `end`."""

    point: Ints
    begin: Ints
    end: Ints

    def __len__(self) -> int:
        """The number of runs."""
        return len(self.point)

    def where(self, kept: NDArray[np.bool_]) -> Runs:
        """Those for which `kept` is true."""
        return Runs(self.point[kept], self.begin[kept], self.end[kept])

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """Point, begin, end of each."""
        return zip(self.point.tolist(), self.begin.tolist(), self.end.tolist(), strict=True)

    @property
    def length(self) -> Ints:
        """How many slots each has."""
        return self.end - self.begin


def slots_of(points: Points) -> Ints:
    """How many slots an interval of each point takes: at least one, and no more than a day."""
    return np.asarray(np.clip(-(-points.interval_ms // INTERVAL_MS), 1, MOST_CONTEXT), np.int64)


def runs(mask: Bools) -> Runs:
    """The runs of true slots of `mask` (points x slots), in the order of points and time."""
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    point, begin = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)
    return Runs(point.astype(np.int64), begin.astype(np.int64), end.astype(np.int64))


def lasting(found: Runs, least: Ints, context: int) -> Runs:
    """Those of at least `least` slots (one element per run) that reach into the day.

    One that was long enough before midnight was found on the day before: here it begins at midnight.
    """
    kept = (found.length >= least) & (found.end > context)
    begin = np.where(context - found.begin >= least, np.maximum(found.begin, context), found.begin)
    return Runs(found.point, begin, found.end).where(kept)


def _rounded(value: float) -> float:
    """Nine significant digits: they read well, and are the same in whatever order something was summed."""
    return float(f"{float(value):.9g}")
