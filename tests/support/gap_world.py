"""A step of deriving reduced to what concerns gaps: whole points at once, marks of dependents after each change."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from energy.storage import Connection
from ingest.accounting.algebra.columns import Changes, Consumption, Kind, Pairs, Readings, Series, Spans
from ingest.accounting.algebra.pairing import pairs
from ingest.accounting.algebra.spreading import spread
from ingest.accounting.estimation.courses import courses, depends
from ingest.accounting.estimation.gaps import dependents

DAY_MS = 86_400_000
MOST_STEPS = 200

Row = tuple[int, int, int, int, int]
"""Start in ms, quanta, quality, method, covered."""


async def drain(connection: Connection) -> int:
    """Derive until nothing is marked; returns the number of steps. More than `MOST_STEPS` would be a circle."""
    for number in range(MOST_STEPS):
        async with connection.transaction():
            marks = await connection.fetch(
                "with taken as (delete from derivation_dirty returning points)"
                " select distinct unnest(points) as point_id from taken order by 1"
            )
            if not marks:
                return number
            for mark in marks:
                await _derive(connection, mark["point_id"])
    raise AssertionError("gaps are derived in circles")


async def _derive(connection: Connection, point: int) -> None:
    rows = await connection.fetch(
        "select (extract(epoch from ts) * 1000)::int8 as at, value, quality from readings_effective"
        " where point_id = $1 order by ts",
        point,
    )
    at = np.array([row["at"] for row in rows], np.int64)
    readings = Readings(
        np.zeros(len(at), np.int64), at, np.array([row["value"] for row in rows]), np.zeros(len(at), np.int64)
    )
    series = await _series(connection, point, at)
    found = pairs(readings, series, Changes.none(), Spans.none())
    shaped = await courses(connection, [point], found, series)
    await _list_gaps(connection, point, found, series)
    await _write(connection, point, _rows(spread(found, series, shaped)))


async def _series(connection: Connection, point: int, at: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Series:
    row = await connection.fetchrow("select * from counted_point where point_id = $1", point)
    assert row is not None
    kinds = {"register": Kind.REGISTER, "interval": Kind.INTERVAL, "rate": Kind.RATE}
    values = {
        "kind": int(kinds[row["quantity"]]),
        "quantum": float(row["quantum"]),
        "scale": 1.0,
        "wrap": np.nan,
        "max_rate": np.nan,
        "resolution": 0.0,
        "float32": False,
        "interval_ms": 1000 * row["interval_s"],
        "gap_ms": 2000 * row["interval_s"],
        "since": int(at.min()) // DAY_MS * DAY_MS,
        "until": (int(at.max()) // DAY_MS + 1) * DAY_MS,
    }
    return Series(**{field.name: np.array([values[field.name]]) for field in fields(Series)})


def _rows(found: Consumption) -> list[Row]:
    columns = (found.start, found.quanta, found.quality, found.method, found.covered_s)
    return list(zip(*(column.tolist() for column in columns), strict=True))


async def _write(connection: Connection, point: int, rows: list[Row]) -> None:
    """Replace the point's rows, and mark what depends on those that have changed."""
    old = {
        tuple(row)
        for row in await connection.fetch(
            "select (extract(epoch from ts) * 1000)::int8, coalesce(quanta, 0), quality, method, covered_s"
            " from consumption_15min where point_id = $1",
            point,
        )
    }
    new = set(rows)
    changed = sorted({row[0] for row in old ^ new})
    await connection.execute(
        "delete from consumption_15min where point_id = $1 and extract(epoch from ts) * 1000 = any($2::int8[])",
        point,
        [row[0] for row in old - new],
    )
    await connection.execute(
        "insert into consumption_15min (point_id, ts, quanta, quality, method, covered_s, ready)"
        " select $1, 'epoch'::timestamptz + at * interval '1 ms',"
        " nullif(quanta, case quality when 4 then 0 end), quality, method, covered, 'epoch'"
        " from unnest($2::int8[], $3::int8[], $4::int2[], $5::int2[], $6::int2[])"
        " as r (at, quanta, quality, method, covered)",
        point,
        *([row[column] for row in new - old] for column in range(5)),
    )
    marks = await dependents(connection, [point] * len(changed), changed, [at + 900_000 for at in changed])
    if marks.points:
        await connection.execute(
            "insert into derivation_dirty (batch, points, since, until) values (nextval('batch_id'), $1, $2, $3)",
            marks.points,
            marks.since,
            marks.until,
        )


async def _list_gaps(connection: Connection, point: int, found: Pairs, series: Series) -> None:
    chosen = np.flatnonzero(depends(found, series))
    await connection.execute("delete from gap where point_id = $1", point)
    await connection.executemany(
        "insert into gap (point_id, began, ended, quanta) values ($1,"
        " 'epoch'::timestamptz + $2::int8 * interval '1 ms', 'epoch'::timestamptz + $3::int8 * interval '1 ms', $4)",
        [
            (point, int(found.began[i]), int(found.ended[i]), int(found.delta[i]) if found.known[i] else None)
            for i in chosen.tolist()
        ],
    )
