"""How consumption ran over long gaps, and how much it was where no register says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from energy.consumption import Method
from energy.storage import Connection, load_queries
from ingest.accounting.algebra.columns import INTERVAL_MS, MOST_QUANTA, Bools, Courses, Ints, Pairs, Series
from ingest.accounting.estimation import metrics
from ingest.accounting.estimation.measured import Measured, read
from ingest.accounting.estimation.plan import Plan, plan
from ingest.accounting.estimation.rules import EstimationSettings
from ingest.accounting.estimation.shapes import Shape, of_check_meter, of_like_days

_SQL = load_queries("ingest.accounting.estimation", "estimation.sql")
_DAY_MS = 86_400_000
DEFAULTS = EstimationSettings()


@dataclass(frozen=True, slots=True)
class _Meter:
    """What is known of a point: its zone, the point of its check meter, of which a quantum is `scale` of its own."""

    zone: str
    check: int | None
    scale: Fraction


@dataclass(frozen=True, slots=True)
class _Gap:
    """One pair whose course is looked for; quarter hours are numbered from 1970 UTC."""

    pair: int
    point: int
    meter: _Meter
    began: int
    ended: int
    known: bool

    @property
    def first(self) -> int:
        return self.began // INTERVAL_MS

    @property
    def beyond(self) -> int:
        return -(-self.ended // INTERVAL_MS)

    def plan(self, rules: EstimationSettings) -> Plan:
        return plan(self.meter.zone, self.first, self.beyond, rules)

    def wanted(self, rules: EstimationSettings) -> Iterator[tuple[int, int, int]]:
        """What must be read for it."""
        if self.meter.check is not None:
            yield self.meter.check, self.first, self.beyond
        yield from ((self.point, *run) for run in self.plan(rules).runs)


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """How a gap ran: relative consumption per quarter hour; its amount, 0 where a register says it."""

    pair: int
    weight: Ints
    delta: int
    method: Method

    @classmethod
    def of(cls, gap: _Gap, shape: Shape, scale: Fraction, method: Method) -> _Course | None:
        """None where the shape cannot be: all of it zero although something flowed, or more than a register holds."""
        if gap.known:
            return cls(gap.pair, shape.amount, 0, method) if shape.amount.any() else None
        total = shape.total(gap.began, gap.ended, scale)
        return cls(gap.pair, shape.weight(), total, method) if total < MOST_QUANTA else None


def depends(pairs: Pairs, series: Series, rules: EstimationSettings = DEFAULTS) -> Bools:
    """Which pairs have a course, or an amount, that rests on other intervals: what table `gap` lists.

    Those are gaps longer than may be spread evenly, and those whose amount nothing says.
    """
    long = pairs.ended - pairs.began > np.maximum(series.gap_ms[pairs.series], 1000 * rules.linear_s)
    return long | ~pairs.known


async def courses(
    connection: Connection,
    points: Sequence[int],
    pairs: Pairs,
    series: Series,
    rules: EstimationSettings = DEFAULTS,
) -> Courses:
    """The course of every pair of `pairs` that has one: as the check meter ran, else as the mean of like days.

    What is not named runs evenly, stays unknown, or lies outside its series' stretch. A course rests only on rows of
    `consumption_15min` that were measured, which no course and no edit of an amount can alter: so it depends on no
    order, and is never derived in circles. Where nothing is long or unknown, nothing is read.

    Args:
        connection: in the step's transaction.
        points: per series the id of its point.
        pairs: what the algebra found.
        series: what is known of the points.
        rules: parameters.
    """
    gaps = await _gaps(connection, points, pairs, series, rules)
    if not gaps:
        return _columns([])
    metrics.calendar_unknown(year for one in gaps for year in one.plan(rules).unknown_years)
    measured = await read(connection, (span for one in gaps for span in one.wanted(rules)))
    found = [course for one in gaps if (course := _course(one, measured, rules))]
    metrics.looked_for([one.method for one in found] + [Method.NONE] * (len(gaps) - len(found)))
    return _columns(found)


async def _gaps(
    connection: Connection, points: Sequence[int], pairs: Pairs, series: Series, rules: EstimationSettings
) -> list[_Gap]:
    """The pairs within stretches whose course is worth looking for: an advance of nothing, or below it, has none."""
    within = (pairs.began < series.until[pairs.series]) & (pairs.ended > series.since[pairs.series])
    short = pairs.ended - pairs.began <= rules.longest_days * _DAY_MS
    chosen = np.flatnonzero(depends(pairs, series, rules) & within & short & (~pairs.known | (pairs.delta > 0)))
    if not len(chosen):
        return []
    owner = {index: points[pairs.series[index]] for index in chosen.tolist()}
    meters = await _meters(connection, sorted(set(owner.values())))
    return [
        _Gap(index, point, meters[point], int(pairs.began[index]), int(pairs.ended[index]), bool(pairs.known[index]))
        for index, point in owner.items()
    ]


async def _meters(connection: Connection, points: list[int]) -> dict[int, _Meter]:
    rows = await connection.fetch(_SQL.meters, points)
    return {
        row["point_id"]: _Meter(
            row["time_zone"],
            row["check_point"],
            Fraction(row["check_quantum"] or row["quantum"]) / Fraction(row["quantum"]),
        )
        for row in rows
    }


def _course(gap: _Gap, measured: Measured, rules: EstimationSettings) -> _Course | None:
    """The first that a rule gives; None without one."""
    return _by_check_meter(gap, measured, rules) or _by_like_days(gap, measured, rules)


def _by_check_meter(gap: _Gap, measured: Measured, rules: EstimationSettings) -> _Course | None:
    if gap.meter.check is None:
        return None
    seen = measured.of(gap.meter.check, gap.first, gap.beyond)
    shape = of_check_meter(*seen, gap.first, gap.beyond, rules)
    return _Course.of(gap, shape, gap.meter.scale, Method.CHECK_METER) if shape else None


def _by_like_days(gap: _Gap, measured: Measured, rules: EstimationSettings) -> _Course | None:
    days = gap.plan(rules)
    seen = measured.of(gap.point, days.first, days.first + len(days.window_day))
    shape = of_like_days(*seen, days, rules)
    return _Course.of(gap, shape, Fraction(1), Method.LIKE_DAYS) if shape else None


def _columns(found: Sequence[_Course]) -> Courses:
    return Courses(
        pair=np.array([one.pair for one in found], np.int64),
        offset=np.cumsum([0, *(len(one.weight) for one in found)], dtype=np.int64),
        weight=np.concatenate([np.empty(0), *(one.weight for one in found)]).astype(np.float64),
        method=np.array([one.method for one in found], np.int64),
        delta=np.array([one.delta for one in found], np.int64),
    )
