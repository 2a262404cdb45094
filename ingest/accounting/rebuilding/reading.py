"""All readings that a portion of a rebuild needs: those in it page by page, and enough usable ones on each side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from energy.storage import Connection, load_queries
from energy.storage.binary import Columns, Layout
from ingest.accounting.algebra.columns import Ints, Readings
from ingest.accounting.algebra.excursions import REACH
from ingest.accounting.algebra.quanta import quantised
from ingest.accounting.deriving.points import Points
from ingest.accounting.deriving.readings import Extent, settled
from ingest.accounting.deriving.spans import Stretches, closed
from ingest.accounting.edits.loading import edits_of
from ingest.accounting.rebuilding.plan import Portion

_SQL = load_queries("ingest.accounting.rebuilding", "rebuild.sql")
_ROW = Layout(point="int4", at="time", value="float8", quality="int2")
_NAMES = ("point", "at", "value", "quality")
_SPARE, _MORE = 6, 8
_TIME_BITS = 42
_NEVER = 2**50


class TooManyError(Exception):
    """A portion has more readings than memory is meant for."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What bounds a portion.

    Attributes:
        extent: where all time lies that there is anything of.
        floor: time before which readings were dropped, ms; None where none were. What follows from readings that are
            gone is no part of the stretches: it stands as it is.
        most: readings that a portion may have.
    """

    extent: Extent
    floor: int | None
    most: int


async def read(connection: Connection, points: Points, portion: Portion, bounds: Bounds) -> tuple[Stretches, Readings]:
    """The stretches that `portion` is, and the effective readings to compute them.

    In the transaction that has locked the groups of these points.

    Raises:
        TooManyError: there are more than `bounds.most` of them.
    """
    extent, floor = bounds.extent, bounds.floor
    inside = await _inside(connection, portion, bounds.most)
    outside = _nothing()
    whole, count = portion.since <= extent.since and portion.until >= extent.until, REACH + _SPARE
    if not whole:
        outside = await _outside(connection, portion, count)
    readings = await _effective(connection, portion, (inside, outside))
    while not whole and not await _enough(connection, points, portion, readings, (outside, count)):
        count *= _MORE
        outside = await _outside(connection, portion, count)
        readings = await _effective(connection, portion, (inside, outside))
    since, until = (np.full(len(portion.point), bound) for bound in (portion.since, portion.until))
    if floor is not None:
        usable = await _usable(connection, points, portion, readings)
        since = np.maximum(since, usable.provable(len(portion.point)))
    return _kept(Stretches(portion.point, since, until), readings)


@dataclass(frozen=True, slots=True)
class _Usable:
    """Usable readings, sorted by (series, at)."""

    series: Ints
    at: Ints

    def surround(self, portion: Portion) -> tuple[Ints, Ints]:
        """How many there are of each point before and after `portion`."""
        sides = (self.at < portion.since, self.at >= portion.until)
        before, after = (np.bincount(self.series[side], minlength=len(portion.point)) for side in sides)
        return before, after

    def provable(self, count: int) -> Ints:
        """From when on intervals of each of `count` points rest on none that was dropped: all that is left is here."""
        at = np.append(self.at, _NEVER)
        first, beyond = (np.searchsorted(self.series, np.arange(count), side) for side in ("left", "right"))
        place = first + REACH
        return closed(np.where(place < beyond, at[np.minimum(place, len(self.at))], _NEVER))


async def _inside(connection: Connection, portion: Portion, most: int) -> Columns:
    parts: list[bytes] = []
    room = most * _ROW.size

    async def keep(part: bytes) -> None:
        """What is too much is thrown away: a COPY of asyncpg that is left in the middle waits for ever."""
        nonlocal room
        room -= len(part)
        if room >= 0:
            parts.append(part)

    await connection.execute(_SQL.heap_order)
    span = (portion.point.tolist(), _moment(portion.since), _moment(portion.until))
    await connection.copy_from_query(_SQL.inside, *span, output=keep, format="binary")
    await connection.execute(_SQL.any_order)
    if room < 0:
        raise TooManyError
    return _ROW.decode(b"".join(parts))


async def _outside(connection: Connection, portion: Portion, count: int) -> Columns:
    return await _ROW.copy(
        connection, _SQL.neighbours, portion.point.tolist(), _moment(portion.since), _moment(portion.until), count
    )


async def _effective(connection: Connection, portion: Portion, parts: tuple[Columns, Columns]) -> Readings:
    """Sorted, each key once, by the index of its point; what contradicts is looked for over all of them."""
    inside, outside = parts
    columns = inside
    if len(outside["at"]):
        columns = {name: np.concatenate([inside[name], outside[name]]) for name in _NAMES}
    since = min(portion.since, int(columns["at"].min(initial=portion.since)))
    until = max(portion.until, int(columns["at"].max(initial=portion.until)) + 1)
    conflicts = await _ROW.copy(connection, _SQL.contested, portion.point.tolist(), _moment(since), _moment(until))
    place = np.zeros(int(portion.point[-1] - portion.point[0]) + 1, np.int64)
    place[portion.point - portion.point[0]] = np.arange(len(portion.point))
    series = place[columns["point"] - portion.point[0]]
    # Batches lie on disk as they came, each sorted: runs that a stable sort only merges.
    order = np.argsort((series << _TIME_BITS) + columns["at"], kind="stable")
    plain = Readings(series[order], *(columns[name][order] for name in _NAMES[1:]))
    if not len(conflicts["at"]):
        return plain
    known = {"series": plain.series, "at": plain.at, "value": plain.value, "quality": plain.quality}
    return settled(known, {**conflicts, "series": np.searchsorted(portion.point, conflicts["point"])})


async def _enough(
    connection: Connection, points: Points, portion: Portion, readings: Readings, looked: tuple[Columns, int]
) -> bool:
    """Whether every point has REACH usable readings on each side of `portion`, or all that there are."""
    found, count = looked
    usable = await _usable(connection, points, portion, readings)
    place = np.searchsorted(portion.point, found["point"])
    for got, side in zip(
        usable.surround(portion), (found["at"] < portion.since, found["at"] >= portion.until), strict=True
    ):
        if ((got < REACH) & (np.bincount(place[side], minlength=len(portion.point)) == count)).any():
            return False
    return True


async def _usable(connection: Connection, points: Points, portion: Portion, readings: Readings) -> _Usable:
    since, until = (np.full(len(portion.point), bound) for bound in (portion.since, portion.until))
    np.minimum.at(since, readings.series, readings.at)
    np.maximum.at(until, readings.series, readings.at)
    edits = await edits_of(connection, portion.point, since, until)
    known = points.series(points.places(portion.point)[0], since, until, 1.0)
    states, segments = quantised(readings, known, edits.changes, edits.excluded)
    return _Usable(segments.series[states.segment], states.at)


def _kept(stretches: Stretches, readings: Readings) -> tuple[Stretches, Readings]:
    """Without the stretches that are empty."""
    kept = stretches.since < stretches.until
    if kept.all():
        return stretches, readings
    which = kept[readings.series]
    number = (np.cumsum(kept) - 1)[readings.series[which]]
    rest = (readings.at[which], readings.value[which], readings.quality[which])
    return stretches.take(kept), Readings(number, *rest)


def _nothing() -> Columns:
    return {name: np.empty(0, np.float64 if name == "value" else np.int64) for name in _NAMES}


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)
