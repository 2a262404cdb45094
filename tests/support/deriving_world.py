"""Histories of meters for tests of deriving: what arrives, in which order, and what all of it comes to in one pass."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np

from energy.registry import Point, Registry
from energy.storage import Connection
from ingest.accounting.algebra.columns import Readings
from ingest.accounting.deriving.core import compute
from ingest.accounting.deriving.points import load_points
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.spans import Stretches, closed, opened
from tests.support.register_world import Shown, shown

Row = tuple[object, ...]
_TABLES = {
    "consumption_15min": "point_id, ts",
    "gap": "point_id, began",
    "unit_hour": "unit_id, ts, carrier, flow",
    "unit_day": "unit_id, day, carrier",
    "unit_month": "unit_id, month, carrier",
}


def course(
    chance: random.Random, point: str, minutes: int, *, every: float = 15.0, rates: tuple[float, float] = (0.05, 0.0)
) -> list[Shown]:
    """A register's readings over so many minutes, `every` so many.

    `rates`: how many of them are anything but plain, and how many come with another one of the same moment.
    """
    wild, contradicted = rates
    found, minute, value = [], chance.uniform(0, every), chance.uniform(0, 90_000)
    while minute < minutes:
        strange = chance.random() < wild
        kind = chance.choice(("none", "doubt", "twice", "dip", "spike", "absurd", "reset")) if strange else ""
        seen = {
            "none": math.nan,
            "dip": value - chance.uniform(0, 50),
            "spike": value + 1e4,
            "absurd": -1e300,
        }.get(kind, value)
        found.append(shown(point, minute, round(seen, 3), 1 if kind == "doubt" else 0))
        if kind == "twice" or chance.random() < contradicted:
            found.append(shown(point, minute, round(value + chance.choice([-3, 4]), 3), chance.choice([0, 2])))
        if kind == "reset":
            value = chance.uniform(0, 5)
        minute += every * (chance.uniform(0.9, 1.1) if chance.random() > wild / 4 else chance.choice([3, 14, 20]))
        value = (value + chance.uniform(0, 400 * every / 15)) % 100_000
    return found


def arrivals(chance: random.Random, readings: Sequence[Shown], size: int) -> list[list[Shown]]:
    """The readings in batches, most in the order of their time, some late, some twice."""
    late = [chance.choice([0] * 40 + [1, 3, 400]) * 60_000 for _ in readings]
    order = sorted(range(len(readings)), key=lambda index: readings[index].at + late[index])
    sent = [readings[index] for index in order]
    for place in sorted(chance.sample(range(len(sent)), len(sent) // 20), reverse=True):
        sent.insert(chance.randrange(place, len(sent)) + 1, sent[place])
    batches = []
    while sent:
        many = chance.choice([1, size // 3 + 1, size])
        batches.append(sent[:many])
        sent = sent[many:]
    return batches


async def tables(connection: Connection) -> dict[str, list[Row]]:
    """All that is derived, whole."""
    return {
        table: [tuple(row) for row in await connection.fetch(f"select * from {table} order by {order}")]  # noqa: S608 - names of this module
        for table, order in _TABLES.items()
    }


async def forget_derived(connection: Connection) -> None:
    """Throw all away that is derived, and mark all of the time of every point."""
    await connection.execute(f"truncate {', '.join(_TABLES)}, derivation_dirty, derivation_done")
    await connection.execute(
        "insert into derivation_dirty select nextval('batch_id'), array_agg(point_id),"
        " array_agg('-infinity'::timestamptz), array_agg('infinity'::timestamptz) from point"
    )


async def expected(connection: Connection) -> list[Row]:
    """Quarter hours of all points in one pass over all that the view of effective readings says."""
    points = await load_points(connection)
    rows = await connection.fetch(
        "select point_id, (extract(epoch from ts) * 1000)::int8 as at, value, quality from readings_effective"
        " where point_id in (select point_id from counted_point) order by point_id, ts"
    )
    point, at = (np.array([row[name] for row in rows], np.int64) for name in ("point_id", "at"))
    seen, series = np.unique(point, return_inverse=True)
    readings = Readings(
        series, at, np.array([row["value"] for row in rows]), np.array([row["quality"] for row in rows])
    )
    place, _ = points.places(seen)
    since, until = np.full(len(seen), opened(at.min())), np.full(len(seen), closed(at.max()))
    rules = Rules()
    known = points.series(place, since, until, rules.gap_intervals)
    found = (await compute(connection, Stretches(seen, since, until), known, readings, rules.estimation)).rows
    quanta = [None if q == 4 else n for n, q in zip(found.quanta.tolist(), found.quality.tolist(), strict=True)]
    columns = (found.quality, found.covered_s, found.ready, found.method, found.flags)
    return list(
        zip(seen[found.series].tolist(), found.start.tolist(), quanta, *(c.tolist() for c in columns), strict=True)
    )


async def intervals(connection: Connection) -> list[Row]:
    """`consumption_15min` as `expected` gives it."""
    rows = await connection.fetch(
        "select point_id, (extract(epoch from ts) * 1000)::int8, quanta, quality, covered_s,"
        " (extract(epoch from ready) * 1000)::int8, method, flags from consumption_15min order by point_id, ts"
    )
    return [tuple(row) for row in rows]


def minutely(world: Registry) -> Registry:
    """The same, read every minute; a reading or two that are missing make no gap."""
    points = tuple(
        Point(p.code, p.meter, p.gateway, p.unit, p.quantity, p.quantum, p.wrap, 180, resolution=p.resolution)
        for p in world.points
    )
    return Registry(world.units, world.gateways, world.meters, points)
