"""What the spool costs: one million readings in, and out again, beside SQLite alone.

`spool_over_sqlite`: readings per second of the spool (classes, envelopes, packing, bounds, figures) over those of bare
SQLite that inserts the very same blobs in the same transactions, one a poll round of 500 readings, each synchronised
to the disk in full. Same disk, same run; the rounds alternate, and the medians count.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure
from collector.spool.file import SpoolFile
from collector.spool.settings import SpoolSettings
from collector.spool.spool import Spool
from deploy.stack import Endpoints
from energy.clocks import DataClock
from energy.readings import Reading

READINGS, METERS, WINDOW = 1_000_000, 500, 32
ROUNDS = 3
CALLERS, CALLS = 50, 100
"""So many lines that append at once, and how often each of them does."""
START_MS = 1_772_294_400_000
MINUTE_MS = 60_000
SETTINGS = SpoolSettings(max_age_days=100_000)


def measure(_: Endpoints, directory: Path) -> list[Figure]:
    """Run both sides and compare."""
    taken = Taken()
    rounds = list(poll_rounds())
    for number in range(ROUNDS):
        path = directory / f"spool-{number}.sqlite3"
        taken.appended.append(READINGS / timed(partial(append, path, rounds), taken.processor))
        taken.inserted.append(READINGS / timed(partial(insert, path)))
        taken.size.append(path.stat().st_size / READINGS)
        taken.opened.append(timed(lambda: opened(path).close()))  # noqa: B023 - called before the next round
        taken.drained.append(READINGS / timed(partial(drain, path), taken.drain_processor))
        thin = path.with_suffix(".thin")
        timed(partial(append, thin, rounds, classes=True), taken.thin_processor)
        taken.thin_size.append(thin.stat().st_size / READINGS)
    taken.together, taken.commits = asyncio.run(append_together(directory / "together.sqlite3"))
    return figures(taken)


@dataclass(slots=True)
class Taken:
    """What each round measured: rates in readings a second, seconds, bytes a reading; `thin` is with classes."""

    appended: list[float] = field(default_factory=list)
    inserted: list[float] = field(default_factory=list)
    drained: list[float] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    drain_processor: list[float] = field(default_factory=list)
    thin_processor: list[float] = field(default_factory=list)
    size: list[float] = field(default_factory=list)
    thin_size: list[float] = field(default_factory=list)
    together: float = 0.0
    commits: int = 0


def poll_rounds() -> Iterator[list[Reading]]:
    """Registers of 500 meters a minute, in hundredths, that grow as registers do."""
    chance = random.Random(1)  # noqa: S311 - a seed, so that every run has the same readings
    registers = [chance.uniform(10_000, 1_000_000) for _ in range(METERS)]
    for minute in range(READINGS // METERS):
        at = START_MS + minute * MINUTE_MS
        registers = [value + chance.uniform(0, 3) for value in registers]
        yield [
            Reading(f"610303-{meter // 10:04d}-E{meter % 10}", at + meter * 103, round(value, 2))
            for meter, value in enumerate(registers)
        ]


def timed(work: Callable[[], None], processor: list[float] | None = None) -> float:
    """Real seconds of some work; its processor seconds are added to `processor`."""
    begin, begin_processor = time.perf_counter(), time.process_time()
    work()
    if processor is not None:
        processor.append(time.process_time() - begin_processor)
    return time.perf_counter() - begin


def opened(path: Path, *, classes: bool = False) -> SpoolFile:
    """An open spool."""
    file = SpoolFile(path, SETTINGS, classes=classes)
    file.open(lambda: "0" * 32, START_MS)
    return file


def append(path: Path, rounds: list[list[Reading]], *, classes: bool = False) -> None:
    """All of it, a commit for each poll round."""
    file = opened(path, classes=classes)
    for one in rounds:
        file.append(one, (), one[0].at)
    file.close()


def insert(path: Path) -> None:
    """The same blobs in the same transactions, by SQLite alone."""
    source = sqlite3.connect(path)
    blobs = [body for (body,) in source.execute("select body from envelope order by seq")]
    source.close()
    each = len(blobs) // (READINGS // METERS)
    bare = sqlite3.connect(path.with_suffix(".bare"), isolation_level=None)
    bare.executescript("pragma journal_mode = wal; pragma synchronous = full; create table e (body blob not null);")
    for at in range(0, len(blobs), each):
        bare.execute("begin immediate")
        bare.executemany("insert into e (body) values (?)", [(body,) for body in blobs[at : at + each]])
        bare.execute("commit")
    bare.close()


def drain(path: Path) -> None:
    """All of it out again, a window at a time, confirmed by the next commit."""
    file = opened(path)
    confirmed: list[int] = []
    after = 0
    while rows := file.fetch(after, WINDOW)[0]:
        file.append((), confirmed, START_MS)
        confirmed = [seq for seq, _ in rows]
        after = confirmed[-1]
    file.append((), confirmed, START_MS)
    if file.state().kept:
        raise SystemExit(f"{file.state().kept} envelopes were not drained")
    file.close()


async def append_together(path: Path) -> tuple[float, int]:
    """Appends per second of many lines at once, one reading each, and the commits that they took."""
    with ThreadPoolExecutor(1) as thread:
        spool = Spool("bench", SpoolFile(path, SETTINGS), DataClock(), thread)
        await spool.open()
        begin = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(CALLERS):
                group.create_task(_line(spool, number))
        seconds = time.perf_counter() - begin
        commits = spool.state().last_seq
        await spool.close()
    return CALLERS * CALLS / seconds, commits


async def _line(spool: Spool, number: int) -> None:
    for call in range(CALLS):
        await spool.append([Reading(f"L-{number}", START_MS + call, 1.0)])


def figures(taken: Taken) -> list[Figure]:
    """Medians, with what one needs to measure them again."""
    about = {"readings": READINGS, "a commit": METERS, "an envelope": SETTINGS.readings_per_envelope, "rounds": ROUNDS}
    thin = {**about, "classes": True}
    lines = {"lines": CALLERS, "appends": CALLERS * CALLS}
    appended, inserted = statistics.median(taken.appended), statistics.median(taken.inserted)
    return [
        Figure("spool_over_sqlite", appended / inserted, "1", about),
        Figure("spool_appended_per_second", appended, "readings/s", {**about, "all": _thousands(taken.appended)}),
        Figure("sqlite_inserted_per_second", inserted, "readings/s", {**about, "all": _thousands(taken.inserted)}),
        Figure("spool_append_microseconds", _each(taken.processor), "µs/reading", about),
        Figure("spool_append_microseconds_thin", _each(taken.thin_processor), "µs/reading", thin),
        Figure("spool_drain_microseconds", _each(taken.drain_processor), "µs/reading", {**about, "window": WINDOW}),
        Figure("spool_bytes_per_reading", statistics.median(taken.size), "bytes", about),
        Figure("spool_bytes_per_reading_thin", statistics.median(taken.thin_size), "bytes", thin),
        Figure("spool_open_seconds", statistics.median(taken.opened), "s", about),
        Figure("spool_drained_per_second", statistics.median(taken.drained), "readings/s", {**about, "window": WINDOW}),
        Figure("spool_appends_per_second", taken.together, "appends/s", lines),
        Figure("spool_appends_per_commit", CALLERS * CALLS / taken.commits, "1", lines),
    ]


def _each(processor: list[float]) -> float:
    return statistics.median(processor) / READINGS * 1e6


def _thousands(rates: list[float]) -> list[str]:
    return [f"{rate / 1000:.0f}k" for rate in rates]
