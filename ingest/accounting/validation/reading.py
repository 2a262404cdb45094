"""A day's columns out of the database: each row is read once, and only what the enabled checks may need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from energy.consumption import IntervalQuality
from energy.periods import day_start
from energy.readings import Quality
from energy.storage import Connection, load_queries
from energy.storage.binary import Columns, Layout
from energy.working_days import DayClass, day_kind
from ingest.accounting.algebra.columns import INTERVAL_MS, Bools, Changes, Floats, Ints, Kind
from ingest.accounting.edits.loading import edits_of
from ingest.accounting.validation.checks.balance import Children
from ingest.accounting.validation.checks.standstill import Before, context_of
from ingest.accounting.validation.day import Contested, Day, Points, Runs, Shown, Siblings
from ingest.accounting.validation.registry import (
    CURRENTS,
    POWER_FACTOR,
    RATES,
    VOLTAGES,
    Below,
    Judged,
    Sibling,
    points_below,
    siblings_of,
)

_SQL = load_queries("ingest.accounting.validation", "reading.sql")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTERVAL = Layout(
    point="int4", at="time", quanta="int8", quality="int2", flags="int4", method="int2", covered_s="int2"
)
_READING = Layout(point="int4", at="time", value="float8", quality="int2")
_SEEN = Layout(point="int4", at="time", mean="float8", most="float8")
_MS = timedelta(milliseconds=1)
_DENSE_MS = 300_000
"""Of points that are read more often only the ends of the day are read: a stamp cannot be far from their slots."""
_BLOCK = 1000
_MAIN_LEVEL = 2


async def read_day(connection: Connection, judged: Judged, day: date) -> Day:
    """The local day `day` of `judged`, of which every point has an interval or the day is empty."""
    points = judged.points
    since, until = _ms(day_start(day, judged.zone)), _ms(day_start(day + timedelta(days=1), judged.zone))
    context = context_of(points)
    first = since - context * INTERVAL_MS
    slots = (until - first) // INTERVAL_MS
    grid = await _intervals(connection, points.id, first, slots)
    shape = grid["quanta"].shape
    siblings = await siblings_of(connection, judged)
    return Day(
        date=day,
        points=points,
        since=since,
        context=context,
        quanta=grid["quanta"],
        quality=grid["quality"],
        flags=grid["flags"],
        method=grid["method"],
        covered_s=grid["covered_s"],
        present=grid["present"].astype(np.bool_),
        horizon=await _horizon(connection, judged, grid["present"][:, context - 1 :] > 0, since, until),
        shown=await _shown(connection, points, first, until),
        contested=await _contested(connection, points, since, until),
        siblings=await _siblings(connection, judged, siblings, (first, until), (shape[0], shape[1])),
    )


async def read_before(connection: Connection, judged: Judged, day: Day, zeros: Runs) -> Before:
    """Use in the hours of the candidates `zeros`, in those weeks before whose day was of the same kind.

    On a holiday there are none: then nothing is expected.
    """
    kind = day_kind(day.date, judged.zone).class_
    pairs = [
        (number, week)
        for number, point in enumerate(zeros.point.tolist())
        for week in range(1, day.points.rules[point].zero_run.weeks + 1)
        if kind is not DayClass.HOLIDAY and day_kind(day.date - timedelta(weeks=week), judged.zone).class_ is kind
    ]  # fmt: skip - reads as one sentence
    if not pairs:
        return Before(np.empty(0, np.int64), np.empty(0))
    spans = list(zeros)
    rows = await connection.fetch(
        _SQL.before,
        [int(day.points.id[spans[number][0]]) for number, _ in pairs],
        [_time(day.start_of(spans[number][1])) for number, _ in pairs],
        [_time(day.start_of(spans[number][2])) for number, _ in pairs],
        [week for _, week in pairs],
        judged.zone,
    )
    candidate = np.array([pairs[row["number"]][0] for row in rows], np.int64)
    quantum = day.points.quantum[zeros.point[candidate]]
    return Before(candidate, np.array([row["quanta"] for row in rows], np.float64) * quantum)


async def read_children(connection: Connection, judged: Judged, day: Day) -> Children:
    """The meters below those of the day, summed per slot."""
    count, slots = len(day.points), day.slots - day.context
    below = await points_below(connection, judged)
    if not len(below.id):
        nothing = np.zeros((count, slots))
        return Children(nothing, nothing > 0, np.zeros(count, np.int64), np.zeros(count, np.bool_), np.zeros(count))
    at = np.minimum(np.searchsorted(day.points.id, below.id), count - 1)  # ids are in order
    judged_too = day.points.id[at] == below.id
    quanta, known = day.own(day.quanta)[at], day.own(day.known())[at]
    others = np.flatnonzero(~judged_too)
    if len(others):
        grid = await _intervals(connection, below.id[others], day.since, slots)
        quanta[others] = grid["quanta"]
        known[others] = (grid["present"] > 0) & (grid["quality"] != IntervalQuality.MISSING)
    return _sum_below(below, quanta, known, count)


def _sum_below(below: Below, quanta: Ints, known: Bools, count: int) -> Children:
    amount, unknown = np.zeros((count, quanta.shape[1])), np.zeros((count, quanta.shape[1]), np.int64)
    np.add.at(amount, below.parent, np.where(known, quanta, 0) * below.quantum[:, None])
    np.add.at(unknown, below.parent, ~known)
    lower = np.bincount(below.parent, below.level != _MAIN_LEVEL, count)
    return Children(
        amount=amount,
        known=unknown == 0,
        count=np.bincount(below.parent, minlength=count).astype(np.int64),
        complete=lower == 0,
        step=np.bincount(below.parent, below.step, count).astype(np.float64),
    )


async def _intervals(connection: Connection, points: Ints, first: int, slots: int) -> Columns:
    """Columns of `consumption_15min` (points x slots) from the instant `first` on, and `present`."""
    span = (points.tolist(), _time(first), _time(first + slots * INTERVAL_MS))
    rows = await _INTERVAL.copy(connection, _SQL.intervals, *span)
    cell = (rows["point"], (rows["at"] - first) // INTERVAL_MS)
    grid: Columns = {}
    for name in ("quanta", "quality", "flags", "method", "covered_s"):
        grid[name] = np.zeros((len(points), slots), np.int64)
        grid[name][cell] = rows[name]
    grid["present"] = np.zeros((len(points), slots), np.int64)
    grid["present"][cell] = 1
    return grid


async def _horizon(connection: Connection, judged: Judged, present: Bools, since: int, until: int) -> Ints:
    """Up to where others of each point's unit and block are known; asked only for points whose rows end in the day."""
    horizon = np.full(len(judged.points), since, np.int64)
    ended = np.flatnonzero(present.any(axis=1) & ~present[:, -1])
    if not len(ended):
        return horizon
    block = judged.points.id // _BLOCK
    keys = sorted(set(zip(judged.unit[ended].tolist(), block[ended].tolist(), strict=True)))
    units, blocks = [unit for unit, _ in keys], [one for _, one in keys]
    rows = await connection.fetch(_SQL.horizon, units, blocks, _time(since), _time(until))
    known = {(row["unit_id"], row["block"]): _ms(row["known_until"]) for row in rows}
    for at in ended.tolist():
        horizon[at] = known.get((int(judged.unit[at]), int(block[at])), since)
    return horizon


async def _shown(connection: Connection, points: Points, since: int, until: int) -> Shown:
    """Readings of whatever has no rate; of a rate none are needed."""
    dense = np.flatnonzero(points.interval_ms >= _DENSE_MS)
    quick = np.flatnonzero((points.interval_ms < _DENSE_MS) & (points.kind != Kind.RATE))
    parts = []
    for query, which in ((_SQL.readings, dense), (_SQL.ends, quick)):
        if len(which):
            ids = points.id[which].tolist()
            rows = await _READING.copy(connection, query, ids, _time(since), _time(until))
            parts.append({**rows, "point": which[rows["point"]]})
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else _READING.nothing()
    order = np.lexsort((rows["at"], rows["point"]))
    point, at = rows["point"][order], rows["at"][order]
    span = (np.full(len(points), since), np.full(len(points), until))
    changes = (await edits_of(connection, points.id, *span)).changes
    return Shown(
        point,
        at,
        rows["value"][order],
        counts_by(point, at, changes),
        rows["quality"][order] == Quality.UNCERTAIN,
    )


def counts_by(point: Ints, at: Ints, changes: Changes) -> Floats:
    """The ratio of each reading of a series `point` at a time: that of the last change before it or at it, else 1."""
    ratio = np.ones(len(point))
    for owner, ended, one in zip(changes.series, changes.until, changes.ratio, strict=True):
        ratio[(point == owner) & (at >= ended)] = one
    return ratio


async def _contested(connection: Connection, points: Points, since: int, until: int) -> Contested:
    rows = await connection.fetch(_SQL.contested, points.id.tolist(), _time(since), _time(until))
    index = {point: at for at, point in enumerate(points.id.tolist())}
    return Contested(
        np.array([index[row["point_id"]] for row in rows], np.int64),
        np.array([_ms(row["ts"]) for row in rows], np.int64),
    )


async def _siblings(
    connection: Connection, judged: Judged, siblings: Sequence[Sibling], span: tuple[int, int], shape: tuple[int, int]
) -> Siblings:
    rows = await _seen(connection, siblings, span)
    show = {(one.meter, one.quantity): at for at, one in enumerate(siblings)}
    cell = (rows["point"], (rows["at"] - span[0]) // INTERVAL_MS)
    mean, most = np.full((len(siblings), shape[1]), np.nan), np.full((len(siblings), shape[1]), np.nan)
    mean[cell], most[cell] = rows["mean"], rows["most"]

    def of(quantities: Sequence[str], values: Floats) -> Floats:
        """The first of `quantities` that a meter has, per judged point."""
        found = np.full(shape, np.nan)
        for at, meter in enumerate(judged.meter.tolist()):
            number = next((show[meter, one] for one in quantities if (meter, one) in show), None)
            if number is not None:
                found[at] = values[number] * siblings[number].scale
        return found

    return Siblings(
        rate=of(RATES, mean),
        power_factor=of((POWER_FACTOR,), most),
        voltage=np.stack([of((one,), most) for one in VOLTAGES]),
        current=np.stack([of((one,), mean) for one in CURRENTS]),
    )


async def _seen(connection: Connection, siblings: Sequence[Sibling], span: tuple[int, int]) -> Columns:
    if not siblings:
        return _SEEN.nothing()
    ids = [one.id for one in siblings]
    return await _SEEN.copy(connection, _SQL.seen, ids, _time(span[0]), _time(span[1]))


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // _MS


def _time(milliseconds: int | Any) -> datetime:
    return _EPOCH + int(milliseconds) * _MS
