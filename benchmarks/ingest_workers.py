"""Two workers against one: the same backlog, shared by the broker between them, on one machine and one database.

What bounds it is the machine: database, broker and workers share its two cores.
"""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.ingest_over_copy import GATEWAYS, POINTS, ROUNDS, WINDOW, ingest_rate, prepare, yesterday_ms
from benchmarks.load import Load
from deploy.stack import Endpoints


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run one and two workers in turn."""
    return asyncio.run(_measure(endpoints, directory))


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    load = Load(GATEWAYS, POINTS, WINDOW, yesterday_ms(), 1)
    await prepare(endpoints, load)
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for workers, taken in rates.items():
            taken.append(await ingest_rate(endpoints, load, directory, workers))
    one, two = (statistics.median(taken) for taken in rates.values())
    how = {"readings": load.readings, "rounds": ROUNDS, "one": [round(rate) for rate in rates[1]]}
    return [Figure("ingest_two_workers_over_one", two / one, "1", {**how, "two": [round(rate) for rate in rates[2]]})]
