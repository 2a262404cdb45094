"""A process that appends to a spool until it is killed, and tells what was kept: `python -m … FILE RUN LINES`.

Each of its lines appends one reading after the other; a row `RUN LINE NUMBER` on its output says that the append of
that reading has returned. With `full` in place of LINES it appends until the disk refuses, is given more room, and
goes on; the disk is made small by the limit on the size of a file.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path

from collector.spool.file import SpoolFile
from collector.spool.settings import SpoolSettings
from collector.spool.spool import Spool
from energy.clocks import DataClock
from energy.errors import StorageError
from energy.readings import Reading

SETTINGS = SpoolSettings(max_age_days=100_000)
SMALL_DISK = 400_000
"""Bytes that a file may have before the disk is full."""
AFTERWARDS = 20
"""Appends of each line once there is room again."""


def reading(run: int, line: int, number: int) -> Reading:
    """The reading that a row of the output stands for."""
    return Reading(f"R{run}-L{line}", number * 1_000, float(number))


async def append_for_ever(spool: Spool, run: int, line: int) -> None:
    """One line of meters."""
    for number in count(1):
        await spool.append([reading(run, line, number)])
        told(run, line, number)


async def append_on_a_small_disk(spool: Spool, run: int) -> None:
    """Until the disk is full, and on when there is room: what was refused is tried again."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_DISK, hard))
    number = 1
    with suppress(StorageError):
        while True:
            await spool.append([reading(run, 0, number)])
            told(run, 0, number)
            number += 1
    os.write(1, b"full\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    for again in range(number, number + AFTERWARDS):
        await spool.append([reading(run, 0, again)])
        told(run, 0, again)


def told(run: int, line: int, number: int) -> None:
    """One row, written whole: nothing of it waits in a buffer when the process is killed."""
    os.write(1, b"%d %d %d\n" % (run, line, number))


async def main(path: Path, run: int, lines: str) -> None:
    """Open the spool and append."""
    with ThreadPoolExecutor(1) as thread:
        spool = Spool("victim", SpoolFile(path, SETTINGS), DataClock(), thread)
        await spool.open()
        if lines == "full":
            await append_on_a_small_disk(spool, run)
            await spool.close()
            return
        async with asyncio.TaskGroup() as group:
            for line in range(int(lines)):
                group.create_task(append_for_ever(spool, run, line))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
