"""What comes twice: the rate of ingest with one message in a hundred, and with all of them, stored already.

`ingest_1_percent_duplicates`: every hundredth message of the backlog is followed, 500 messages later, by itself.
`ingest_100_percent_duplicates`: the whole backlog again, after it is stored, as after the loss of all acknowledgements.
Both as ratios to the rate of the same backlog without repetitions in the same round; what is repeated counts as read.
"""

from __future__ import annotations

import asyncio
import statistics
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.ingest_over_copy import GATEWAYS, POINTS, ROUNDS, WINDOW, prepare, template_of, yesterday_ms
from benchmarks.ingest_process import configured, drained, forget, last_batch, pile_up, running, stored
from benchmarks.load import Load
from deploy.stack import Endpoints
from energy.storage.databases import create_database, drop_database

EVERY, LATER = 100, 500
_WORKER = "bench-0"


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run all three in turn."""
    return asyncio.run(_measure(endpoints, directory))


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    load = Load(GATEWAYS, POINTS, WINDOW, yesterday_ms(), 1)
    await prepare(endpoints, load)
    taken: dict[str, list[float]] = {"plain": [], "some": [], "all": []}
    for _ in range(ROUNDS):
        for kind, rate in (await _round(endpoints, load, directory)).items():
            taken[kind].append(rate)
    plain, some, whole = (statistics.median(rates) for rates in taken.values())
    how = {kind: [round(rate) for rate in rates] for kind, rates in taken.items()}
    return [
        Figure("ingest_1_percent_duplicates", some / plain, "1", how),
        Figure("ingest_100_percent_duplicates", whole / plain, "1", how),
    ]


async def _round(endpoints: Endpoints, load: Load, directory: Path) -> dict[str, float]:
    dsn = await create_database(endpoints.dsn, "bench_ingest", template=template_of(load))
    plain = await _rate(endpoints, dsn, directory, list(load.messages()))
    whole = await _rate(endpoints, dsn, directory, list(load.messages()))
    if await stored(dsn) != load.readings:
        raise SystemExit("a repetition was stored")
    dsn = await create_database(endpoints.dsn, "bench_ingest", template=template_of(load))
    repeated = list(_with_repetitions(load.messages()))
    some = await _rate(endpoints, dsn, directory, repeated)
    if await stored(dsn) != load.readings:
        raise SystemExit("a repetition was stored, or a reading lost")
    await drop_database(endpoints.dsn, "bench_ingest")
    return {"plain": plain, "some": some, "all": whole}


async def _rate(endpoints: Endpoints, dsn: str, directory: Path, messages: list[tuple[str, bytes]]) -> float:
    """Readings per second of these messages, on top of what is stored."""
    await pile_up(endpoints, messages, [_WORKER])
    after = await last_batch(dsn)
    with running(configured(directory, endpoints, dsn, _WORKER)) as process:
        readings = len(messages) * POINTS
        rate = readings / await drained(dsn, readings, [process], after=after)
    await forget(endpoints, [_WORKER])
    return rate


def _with_repetitions(messages: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    later: deque[tuple[int, tuple[str, bytes]]] = deque()
    for number, message in enumerate(messages):
        yield message
        if number % EVERY == 0:
            later.append((number + LATER, message))
        while later and later[0][0] <= number:
            yield later.popleft()[1]
    for _, message in later:
        yield message
