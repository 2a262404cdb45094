"""A burst: twenty times the mean for a minute, as when all meters are read at the full quarter of an hour.

For a province (3 750 readings/s on average, 75 000 in the burst) and for the nation (42 500 and 850 000: more than this
machine takes, and more than one process can send; it sends as fast as it can). Measured: how long after the last
envelope was sent all are confirmed, the most envelopes that waited, and that nothing is lost.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.ingest_national import TEMPLATE, prepare, until_taken
from benchmarks.ingest_process import configured, forget, pile_up, running, stored
from benchmarks.nation import POINTS, nation
from deploy.stack import Endpoints
from energy.storage.databases import create_database, drop_database

TIMES, SECONDS = 20, 60
MEANS = {"province": (2_250, 3_750), "nation": (25_500, 42_500)}
"""Gateways, and readings per second on average."""
_WORKER = "bench-burst-worker"


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run both."""
    return asyncio.run(_measure(endpoints, directory))


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    await prepare(endpoints)
    figures = []
    for name, (gateways, mean) in MEANS.items():
        figures += await _burst(endpoints, directory, name, gateways, mean)
    return figures


async def _burst(endpoints: Endpoints, directory: Path, name: str, gateways: int, mean: int) -> list[Figure]:
    dsn = await create_database(endpoints.dsn, "bench_ingest", template=TEMPLATE)
    rounds = TIMES * SECONDS // 60
    await pile_up(endpoints, [], [_WORKER])
    with running(configured(directory, endpoints, dsn, _WORKER)):
        async with nation(endpoints, gateways, rounds) as sending:
            await until_taken(sending)
            begin = time.monotonic()
            await sending.send(TIMES * mean / POINTS, SECONDS)
            took = time.monotonic() - begin
            drained = await sending.finish(900)
    progress = sending.progress
    if (kept := await stored(dsn)) != progress.sent * POINTS:
        raise SystemExit(f"ingest stored {kept} of {progress.sent * POINTS} readings")
    await forget(endpoints, [_WORKER])
    await drop_database(endpoints.dsn, "bench_ingest")
    how = {
        "readings": progress.sent * POINTS,
        "sent in s": round(took, 1),
        "stored/s": round(progress.sent * POINTS / (took + drained)),
        "sent again": progress.again,
    }
    return [
        Figure(f"ingest_burst_{name}_drain_s", drained, "s", how),
        Figure(f"ingest_burst_{name}_most_open", progress.most_open, "envelopes", how),
    ]
