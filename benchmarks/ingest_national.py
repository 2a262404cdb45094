"""The nation at one value per meter per minute, 42 500 readings/s for five minutes, through one worker on this machine.

2 550 000 registered points behind 25 500 gateways, 425 envelopes of 100 readings a second. Measured: a reading's age,
from its sending to the moment in which its commit is seen; resident memory of the worker, once a second; the envelopes
that are sent and not confirmed.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import psutil

from benchmarks.figures import Figure
from benchmarks.ingest_process import configured, forget, pile_up, require_durable, running, stored, watching
from benchmarks.nation import POINTS, Nation, ages, nation
from benchmarks.registry import fill
from deploy.stack import Endpoints
from energy.storage import StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from energy.storage.migrate import migrate

GATEWAYS, SECONDS = 25_500, 300
PER_SECOND = GATEWAYS / 60
TEMPLATE = "bench_nation"
_WORKER = "bench-nation-worker"
_MEGABYTE = 1_000_000
_SETTLED = 60
"""Memory is compared from this second on: what the first minute loads stays. In the four minutes that follow the memory
of recent envelopes (`ingest.checking.recent`) fills, 7 to 8 MB; a growth beyond that would be a leak."""


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run it once."""
    return asyncio.run(_measure(endpoints, directory))


async def prepare(endpoints: Endpoints) -> None:
    """Make a database with the nation's points, to be cloned."""
    dsn = await create_database(endpoints.dsn, TEMPLATE)
    await asyncio.to_thread(migrate, dsn)
    await fill(dsn, GATEWAYS, POINTS)
    await require_durable(dsn)


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    await prepare(endpoints)
    dsn = await create_database(endpoints.dsn, "bench_ingest", template=TEMPLATE)
    resident: list[float] = []
    rounds = SECONDS // 60 + 1
    await pile_up(endpoints, [], [_WORKER])
    with running(configured(directory, endpoints, dsn, _WORKER)) as process:
        async with watching(dsn) as commits, nation(endpoints, GATEWAYS, rounds) as gateways:
            await until_taken(gateways)
            since = time.time()
            async with asyncio.TaskGroup() as group:
                sampling = group.create_task(_sample(process, resident))
                await gateways.send(PER_SECOND, SECONDS)
                sampling.cancel()
            await gateways.finish(120)
        found = ages(await _times(dsn, since), commits.seen)
        processor = process.cpu_times()
    if (kept := await stored(dsn)) != gateways.progress.sent * POINTS:
        raise SystemExit(f"ingest stored {kept} of {gateways.progress.sent * POINTS} readings")
    await forget(endpoints, [_WORKER])
    await drop_database(endpoints.dsn, "bench_ingest")
    share = (processor.user + processor.system) / SECONDS
    how = {"readings/s": PER_SECOND * POINTS, "seconds": SECONDS, "points": GATEWAYS * POINTS}
    progress = gateways.progress
    return [
        Figure("ingest_national_age_p50_ms", found.p50, "ms", how),
        Figure("ingest_national_age_p99_ms", found.p99, "ms", how),
        Figure("ingest_national_age_most_ms", found.most, "ms", how),
        Figure("ingest_national_resident_mb", max(resident), "MB", {**how, "at the end": round(resident[-1], 1)}),
        Figure("ingest_national_growth_mb", resident[-1] - resident[min(_SETTLED, len(resident) - 1)], "MB", how),
        Figure("ingest_national_most_open", progress.most_open, "envelopes", {**how, "sent again": progress.again}),
        Figure("ingest_national_processor_share", share, "1", how),
    ]


async def until_taken(gateways: Nation) -> None:
    """Let one envelope go through: then the worker has loaded the points, and receives."""
    await gateways.send(1_000, 0.001)
    await gateways.finish(180)


async def _sample(process: psutil.Popen, resident: list[float]) -> None:
    while True:
        resident.append(process.memory_info().rss / _MEGABYTE)
        await asyncio.sleep(1)


async def _times(dsn: str, since: float) -> list[tuple[int, float, int]]:
    async with connect(StorageSettings(dsn)) as connection:
        rows = await connection.fetch(
            "select batch, extract(epoch from ts)::float8, count(*) from readings"
            " where ts >= to_timestamp($1) group by 1, 2",
            since,
        )
    return [(row[0], row[1], row[2]) for row in rows]
