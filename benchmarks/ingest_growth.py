"""How the rate of ingest changes as the database grows: with more chunks, and with more points.

`ingest_growth_chunks_…`: so many chunks are there already, one reading in each; the load goes into the newest.
`ingest_growth_points_…`: so many points are registered, and the same number of readings is spread over all of them.
Each as a ratio to the first of its kind, taken in the same round.
"""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.ingest_over_copy import prepare, template_of, yesterday_ms
from benchmarks.ingest_process import configured, drained, forget, pile_up, running
from benchmarks.load import Load
from deploy.stack import Endpoints
from energy.storage import StorageSettings, connect
from energy.storage.databases import create_database, drop_database

ROUNDS = 3
CHUNKS = (10, 100, 1_000)
POINTS = (10_000, 1_000_000)
READINGS = 1_000_000
PER_MESSAGE = 100
_WORKER = "bench-0"

_MAKE_CHUNKS = """
insert into readings (ts, point_id, value, quality, batch)
select to_timestamp($1::float8) - number * (
    select time_interval from timescaledb_information.dimensions where hypertable_name = 'readings'
), 1, 0, 0, 0
from generate_series(1, $2::int - 1) number
"""


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run all sizes in turn."""
    return asyncio.run(_measure(endpoints, directory))


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    start_ms = yesterday_ms()
    by_points = {points: _load(points, start_ms) for points in POINTS}
    for load in by_points.values():
        await prepare(endpoints, load)
    small = by_points[POINTS[0]]
    chunks: dict[int, list[float]] = {count: [] for count in CHUNKS}
    points: dict[int, list[float]] = {count: [] for count in POINTS}
    for _ in range(ROUNDS):
        for count, rates in chunks.items():
            rates.append(await _rate(endpoints, directory, small, count))
        for count, rates in points.items():
            rates.append(await _rate(endpoints, directory, by_points[count], 1))
    return [*_ratios("chunks", chunks), *_ratios("points", points)]


def _load(points: int, start_ms: int) -> Load:
    return Load(points // PER_MESSAGE, PER_MESSAGE, READINGS // points, start_ms, 1)


def _ratios(what: str, taken: dict[int, list[float]]) -> list[Figure]:
    medians = {count: statistics.median(rates) for count, rates in taken.items()}
    first = next(iter(medians.values()))
    return [
        Figure(f"ingest_growth_{what}_{count}", rate / first, "1", {"readings/s": [round(one) for one in taken[count]]})
        for count, rate in medians.items()
    ]


async def _rate(endpoints: Endpoints, directory: Path, load: Load, chunks: int) -> float:
    dsn = await create_database(endpoints.dsn, "bench_ingest", template=template_of(load))
    async with connect(StorageSettings(dsn)) as connection:
        await connection.execute(_MAKE_CHUNKS, load.start_ms / 1000, chunks)
    await pile_up(endpoints, load.messages(), [_WORKER])
    with running(configured(directory, endpoints, dsn, _WORKER)) as process:
        seconds = await drained(dsn, load.readings, [process])
    await forget(endpoints, [_WORKER])
    await drop_database(endpoints.dsn, "bench_ingest")
    return load.readings / seconds
