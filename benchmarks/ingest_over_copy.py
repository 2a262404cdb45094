"""How near ingest comes to the database's own limit.

Numerator: readings per second of the service as it ships (`quotawatt ingest run`, a process of its own, with checks,
batch records, dirty marks and acknowledgements), draining a backlog of QoS 1 messages of 100 readings from the broker,
from the first message it receives until its last commit is seen. Denominator: rows per second of a pre-encoded binary
COPY of the same rows in the same order, each batch sorted as ingest sorts it, into the same kind of table with the same
index, on one connection, at the batch size that is best for it. Same cluster, same run; the rounds alternate, and the
medians count. Since ingest writes on several connections, COPY on as many is measured too, as the ceiling.

Three kinds of backlog, each divided by COPY of the same rows in the same order. `ingest_over_copy`: every message comes
from another gateway than the one before, as many gateways send, so that every envelope needs an acknowledgement of its
own. `ingest_over_copy_windows`: each gateway's window of envelopes in a row, as they come after an outage.
`ingest_over_copy_10`: as the first, with ten readings to a message.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.ingest_process import configured, drained, forget, pile_up, require_durable, running, stored
from benchmarks.load import MINUTE_MS, Load
from benchmarks.registry import fill
from deploy.stack import Endpoints
from energy.storage import Connection, StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from energy.storage.migrate import migrate
from ingest.receiving.mqtt.settings import ReceiveSettings
from ingest.writing.copy_format import READINGS_COLUMNS, encode_readings
from ingest.writing.merge import chunks
from ingest.writing.settings import BatchSettings

ROUNDS = 3
COPY_SIZES = (10_000, 20_000, 50_000, 100_000, 200_000)
WRITERS = BatchSettings().writers
GATEWAYS, POINTS, WINDOW = 625, 100, 32
TEMPLATE = "bench_template"


def kinds(start_ms: int) -> dict[str, Load]:
    """The backlogs, by what their figures are called by."""
    return {
        "": Load(GATEWAYS, POINTS, WINDOW, start_ms, 1),
        "_windows": Load(GATEWAYS, POINTS, WINDOW, start_ms, WINDOW),
        "_10": Load(5 * GATEWAYS, POINTS // 10, WINDOW, start_ms, 1),
    }


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run both sides and compare."""
    return asyncio.run(_measure(endpoints, directory))


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    loads = kinds(yesterday_ms())
    for load in loads.values():
        await prepare(endpoints, load)
    taken = {kind: Taken() for kind in loads}
    for _ in range(ROUNDS):
        for kind, load in loads.items():
            for size in COPY_SIZES:
                taken[kind].copied[size].append(await copy_rate(endpoints, load, size, 1))
            taken[kind].side_by_side.append(await copy_rate(endpoints, load, BatchSettings().readings, WRITERS))
            taken[kind].ingested.append(await ingest_rate(endpoints, load, directory))
    return [figure for kind, load in loads.items() for figure in _figures(kind, load, taken[kind])]


def yesterday_ms() -> int:
    """A whole minute a day ago, ms UTC: where loads begin."""
    return (int(time.time()) - 86_400) * 1000 // MINUTE_MS * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Taken:
    """Rates taken of one kind of backlog, one of each round; readings (or rows) per second.

    Attributes:
        copied: of COPY alone on one connection, by batch size.
        side_by_side: of COPY alone on as many connections as ingest has, in batches of its size.
        ingested: of ingest.
    """

    copied: dict[int, list[float]] = field(default_factory=lambda: {size: [] for size in COPY_SIZES})
    side_by_side: list[float] = field(default_factory=list)
    ingested: list[float] = field(default_factory=list)


def _figures(kind: str, load: Load, taken: Taken) -> list[Figure]:
    about = {
        "readings": load.readings,
        "per message": load.points,
        "gateways": load.gateways,
        "in a row": load.run,
        "rounds": ROUNDS,
    }
    how = {**about, "batch": BatchSettings().readings, "writers": WRITERS, "window": ReceiveSettings().window}
    by_size = {size: statistics.median(rates) for size, rates in taken.copied.items()}
    best = max(by_size, key=lambda size: by_size[size])
    rate = statistics.median(taken.ingested)
    return [
        Figure(
            f"copy_rows_per_second{kind}",
            by_size[best],
            "rows/s",
            {**about, "by batch": {size: round(found) for size, found in by_size.items()}},
        ),
        Figure(
            f"copy_side_by_side_rows_per_second{kind}",
            statistics.median(taken.side_by_side),
            "rows/s",
            {**about, "batch": BatchSettings().readings, "connections": WRITERS},
        ),
        Figure(
            f"ingest_readings_per_second{kind}",
            rate,
            "readings/s",
            {**how, "all": [round(one) for one in taken.ingested]},
        ),
        Figure(f"ingest_over_copy{kind}", rate / by_size[best], "1", {**how, "copy batch": best}),
    ]


def template_of(load: Load) -> str:
    """The database in which the points of `load` are registered."""
    return f"{TEMPLATE}_{load.gateways}_{load.points}"


async def prepare(endpoints: Endpoints, load: Load) -> None:
    """Make a database in which the points of `load` are registered, to be cloned."""
    dsn = await create_database(endpoints.dsn, template_of(load))
    await asyncio.to_thread(migrate, dsn)
    await fill(dsn, load.gateways, load.points)
    await require_durable(dsn)


async def copy_rate(endpoints: Endpoints, load: Load, size: int, connections: int) -> float:
    """Rows per second of COPY alone, one transaction a batch."""
    dsn = await create_database(endpoints.dsn, "bench_copy", template=template_of(load))
    batches = iter([encode_readings(rows, 1) for rows in load.rows(size)])
    async with AsyncExitStack() as stack:
        own = [await stack.enter_async_context(connect(StorageSettings(dsn))) for _ in range(connections)]
        begin = time.perf_counter()
        await asyncio.gather(*(_copy_all(connection, batches) for connection in own))
        seconds = time.perf_counter() - begin
    if (found := await stored(dsn)) != load.readings:
        raise SystemExit(f"COPY stored {found} of {load.readings} rows")
    await drop_database(endpoints.dsn, "bench_copy")
    return load.readings / seconds


async def _copy_all(connection: Connection, batches: Iterator[bytes]) -> None:
    for batch in batches:
        await connection.copy_to_table("readings", source=chunks(batch), columns=READINGS_COLUMNS, format="binary")


async def ingest_rate(endpoints: Endpoints, load: Load, directory: Path, workers: int = 1) -> float:
    """Readings per second of ingest, from the first message it receives until its last commit is seen."""
    dsn = await create_database(endpoints.dsn, "bench_ingest", template=template_of(load))
    names = [f"bench-{number}" for number in range(workers)]
    await pile_up(endpoints, load.messages(), names)
    async with AsyncExitStack() as stack:
        processes = [stack.enter_context(running(configured(directory, endpoints, dsn, name))) for name in names]
        seconds = await drained(dsn, load.readings, processes)
    await forget(endpoints, names)
    if (found := await stored(dsn)) != load.readings:
        raise SystemExit(f"ingest stored {found} of {load.readings} readings")
    await drop_database(endpoints.dsn, "bench_ingest")
    return load.readings / seconds
