"""A worker that does nothing but hold the registry: `python -m … DSN ROUNDS`.

Each round changes the registry, reads it, and looks up every point in messages of its gateway; a row of JSON on the
output says what it took. The process has everything loaded that an ingest worker has.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field

import psutil
import uvloop

import ingest.service  # noqa: F401 - for the memory that a worker has taken before it holds a single point
from energy.storage import StorageSettings, connect
from ingest.checking.code_index import UNKNOWN
from ingest.checking.directory import Directory
from ingest.checking.look_limit import LookLimit

POINTS_PER_GATEWAY = 150
_MESSAGE = 75


def code(number: int) -> str:
    """The code of a point."""
    return f"610303-{number // POINTS_PER_GATEWAY:05d}-E{number % POINTS_PER_GATEWAY}"


def memory_mb() -> float:
    """What this process has in memory now."""
    return float(psutil.Process().memory_info().rss) / 1e6


@dataclass
class Taken:
    """What a round took: real seconds for the reading, the longest time in which nothing else had its turn, MB."""

    points: int = 0
    seconds: float = 0.0
    longest_block_s: float = 0.0
    resident_mb: float = 0.0
    peak_mb: float = field(default_factory=memory_mb)


async def main(dsn: str, rounds: int) -> None:
    """Do the rounds."""
    clock = asyncio.get_running_loop().time
    directory = Directory(StorageSettings(dsn), LookLimit(1.0, clock))
    for _ in range(rounds):
        async with connect(StorageSettings(dsn)) as connection:
            await connection.execute("update gateway set region = '610304' where code = 'gw-0'")
        taken = Taken()
        async with observed(taken):
            start = clock()
            await directory.load()
            taken.seconds = clock() - start
        taken.points = len(directory.table)
        for first in range(0, taken.points, _MESSAGE):
            if (directory.table.positions([[code(first + n) for n in range(_MESSAGE)]]) == UNKNOWN).any():
                raise SystemExit(f"a point from {code(first)} on is missing")
        taken.resident_mb = memory_mb()
        sys.stdout.write(json.dumps(asdict(taken)) + "\n")
    await directory.close()


@asynccontextmanager
async def observed(taken: Taken) -> AsyncIterator[None]:
    """Watch memory and the event loop for the length of the block."""
    done = threading.Event()

    def watch_memory() -> None:
        while not done.wait(0.005):
            taken.peak_mb = max(taken.peak_mb, memory_mb())

    async def watch_loop() -> None:
        clock, pause = asyncio.get_running_loop().time, 0.001
        while not done.is_set():
            before = clock()
            await asyncio.sleep(pause)
            taken.longest_block_s = max(taken.longest_block_s, clock() - before - pause)

    thread = threading.Thread(target=watch_memory)
    thread.start()
    async with asyncio.TaskGroup() as group:
        group.create_task(watch_loop())
        try:
            yield
        finally:
            done.set()
            thread.join()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
