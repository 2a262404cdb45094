"""Quarter hours in the database: what differs from what was computed is written, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from energy.consumption import IntervalQuality
from energy.storage import Connection, load_queries
from energy.storage.binary import NULL, Layout, copy_in, listed
from ingest.accounting.algebra.columns import INTERVAL_MS, Bools, Consumption, Ints
from ingest.accounting.deriving.spans import Stretches

_SQL = load_queries("ingest.accounting.deriving", "rows.sql")
_ROW = Layout(
    series="int4",
    start="time",
    quanta="int8",
    quality="int2",
    method="int2",
    flags="int4",
    covered_s="int2",
    ready="time",
)
_NONE: Ints = np.empty(0, np.int64)
_ADDED = Layout(
    point_id="int4",
    ts="time",
    quanta="int8",
    quality="int2",
    method="int2",
    flags="int4",
    covered_s="int2",
    ready="time",
)
_MANY = 1000
_CONTENT = ("quanta", "quality", "method", "flags", "covered_s", "ready")


@dataclass(frozen=True, slots=True)
class Changed:
    """What a write changed.

    Attributes:
        rows: how many quarter hours were written or taken away.
        stretches: from the first to the last of them, of each stretch in which there was one.
        measured: the same of those alone that are measured, or were: what other points' estimates may rest on.
    """

    rows: int
    stretches: Stretches
    measured: Stretches


async def write(connection: Connection, stretches: Stretches, found: Consumption) -> Changed:
    """Make `consumption_15min` say `found` and nothing else in `stretches`, of which `found.series` is an index."""
    if not len(stretches):
        return Changed(0, stretches, stretches)
    standing = await _standing(connection, stretches)
    first = int(stretches.since.min())
    width = (int(stretches.until.max()) - first) // INTERVAL_MS
    key, old_key = (rows.series * width + (rows.start - first) // INTERVAL_MS for rows in (found, standing))
    same, kept = _matching(found, key, standing, old_key)
    fresh, gone = np.flatnonzero(~same), np.flatnonzero(~kept)
    absent = ~np.isin(key[fresh], old_key, assume_unique=True)
    if int(absent.sum()) > _MANY:
        await _add(connection, stretches.point, found, fresh[absent])
        await put(connection, stretches.point, found, fresh[~absent])
    else:
        await put(connection, stretches.point, found, fresh)
    if len(gone):
        points, starts = stretches.point[standing.series[gone]], standing.start[gone]
        await connection.execute(_SQL.forget, points.tolist(), starts.tolist(), *_bounds(starts))
    was = np.full(len(found), -1)
    place = np.minimum(np.searchsorted(old_key, key), max(len(old_key) - 1, 0))
    if len(old_key):
        hit = old_key[place] == key
        was[hit] = standing.quality[place[hit]]
    measured = np.concatenate(
        [
            (found.quality[fresh] == IntervalQuality.MEASURED) | (was[fresh] == IntervalQuality.MEASURED),
            standing.quality[gone] == IntervalQuality.MEASURED,
        ]
    )
    owner = np.concatenate([found.series[fresh], standing.series[gone]])
    start = np.concatenate([found.start[fresh], standing.start[gone]])
    return Changed(len(owner), _covered(stretches, owner, start), _covered(stretches, owner[measured], start[measured]))


async def put(connection: Connection, points: Ints, rows: Consumption, which: Bools | Ints | slice) -> None:
    """Write some of `rows`, over what stands there; `rows.series` is an index into `points`."""
    if len(rows.start[which]):
        await connection.execute(_SQL.prepare)
        await copy_in(connection, "derivation_rows", _ADDED.columns, _encoded(points, rows, which))
        await connection.execute(_SQL.put)


async def _add(connection: Connection, points: Ints, rows: Consumption, which: Ints) -> None:
    """Write rows that do not stand there yet: several times as fast as `put`, once there are many."""
    await copy_in(connection, "consumption_15min", _ADDED.columns, _encoded(points, rows, which))


def _encoded(points: Ints, rows: Consumption, which: Bools | Ints | slice) -> bytes:
    chosen = Consumption(*(getattr(rows, name)[which] for name in Consumption.__slots__))
    quanta = np.where(chosen.quality == IntervalQuality.MISSING, NULL, chosen.quanta)
    rest = (chosen.quality, chosen.method, chosen.flags, chosen.covered_s)
    return _ADDED.encode((points[chosen.series], chosen.start, quanta, *rest, chosen.ready), "quanta")


def nullable(quanta: Ints, unknown: Bools) -> list[int | None]:
    """Amounts as a query takes them, null where `unknown`."""
    return [None if none else one for one, none in zip(quanta.tolist(), unknown.tolist(), strict=True)]


async def forget_gaps(connection: Connection, stretches: Stretches, point: Ints = _NONE, began: Ints = _NONE) -> None:
    """Take away the gaps that reach into `stretches`, but for those of `point` that `began` then."""
    spans = listed([stretches.point, stretches.since, stretches.until])
    await connection.execute(_SQL.forget_gaps, *spans, *listed([point, began]))


async def _standing(connection: Connection, stretches: Stretches) -> Consumption:
    """The rows that are there, sorted by (series, start)."""
    bounds = _bounds(np.array([stretches.since.min(), stretches.until.max() - 1]))
    columns = listed([stretches.point, stretches.since, stretches.until])
    return Consumption(**await _ROW.copy(connection, _SQL.standing, *columns, *bounds))


def _matching(found: Consumption, key: Ints, standing: Consumption, old_key: Ints) -> tuple[Bools, Bools]:
    """Which of `found` stand there the same, and which standing ones are in `found`, the same or not."""
    _, new, old = np.intersect1d(key, old_key, assume_unique=True, return_indices=True)
    alike = np.ones(len(new), np.bool_)
    for name in _CONTENT:
        alike &= getattr(found, name)[new] == getattr(standing, name)[old]
    same, kept = np.zeros(len(key), np.bool_), np.zeros(len(old_key), np.bool_)
    same[new[alike]] = True
    kept[old] = True
    return same, kept


def _covered(stretches: Stretches, owner: Ints, start: Ints) -> Stretches:
    """Of each stretch that owns one of the quarter hours `start`, from the first to the end of the last."""
    if not len(owner):
        return Stretches.none()
    which, place = np.unique(owner, return_inverse=True)
    since, until = np.full(len(which), start.max()), np.full(len(which), start.min())
    np.minimum.at(since, place, start)
    np.maximum.at(until, place, start)
    return Stretches(stretches.point[which], since, until + INTERVAL_MS)


def _bounds(starts: Ints) -> tuple[datetime, datetime]:
    """Before and after which no row lies: constants, so that no other chunks are opened."""
    first, last = int(starts.min()), int(starts.max())
    return datetime.fromtimestamp(first / 1000, UTC), datetime.fromtimestamp(last / 1000, UTC)
