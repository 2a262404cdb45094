"""How near ingest comes to the database's own limit.

Numerator: readings per second of the service as it ships (`quotawatt ingest run`, a process of its own, with checks,
batch records, dirty marks and acknowledgements), draining a backlog of QoS 1 messages of 100 readings from the broker,
from the first message it receives until its last commit is seen. Denominator: rows per second of a pre-encoded binary
COPY of the same rows in the same order, each batch sorted as ingest sorts it, into the same kind of table with the same
index, on one connection, at the batch size that is best for it. Same cluster, same run; the rounds alternate, and the
medians count. Since ingest writes on several connections, COPY on as many is measured too, as the ceiling.

Two orders of the backlog, each divided by COPY in that order. `ingest_over_copy`: every message comes from another
gateway than the one before, as many gateways send, so that every envelope needs an acknowledgement of its own.
`ingest_over_copy_windows`: each gateway's window of envelopes in a row, as they come after an outage.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.load import MINUTE_MS, Load
from deploy.stack import Endpoints
from energy.registry.store import apply
from energy.storage import Connection, StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from energy.storage.migrate import migrate
from energy.transport.mqtt import MqttSettings
from energy.transport.mqtt import connect as connect_broker
from energy.wire import shared_up
from ingest.receiving.mqtt.settings import ReceiveSettings
from ingest.writing.copy_format import READINGS_COLUMNS, encode_readings
from ingest.writing.settings import BatchSettings
from ingest.writing.store import chunks

ROUNDS = 3
COPY_SIZES = (10_000, 20_000, 50_000, 100_000, 200_000)
WRITERS = BatchSettings().writers
GATEWAYS, POINTS, WINDOW = 625, 100, 32
WORKER = "bench"
ORDERS = {"": 1, "_windows": WINDOW}
"""What the figures of an order are called by, and how many envelopes of one gateway stand in a row."""
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
TEMPLATE = "bench_template"


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run both sides and compare."""
    return asyncio.run(_measure(endpoints, directory))


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    start_ms = (int(time.time()) - 86_400) * 1000 // MINUTE_MS * MINUTE_MS
    loads = {order: Load(GATEWAYS, POINTS, WINDOW, start_ms, run) for order, run in ORDERS.items()}
    template = await create_database(endpoints.dsn, TEMPLATE)
    migrate(template)
    async with connect(StorageSettings(template)) as connection:
        await apply(connection, loads[""].registry())
        await _require_durable(connection)
    taken = {order: Taken() for order in loads}
    for _ in range(ROUNDS):
        for order, load in loads.items():
            for size in COPY_SIZES:
                taken[order].copied[size].append(await _copy(endpoints, load, size, 1))
            taken[order].side_by_side.append(await _copy(endpoints, load, BatchSettings().readings, WRITERS))
            taken[order].ingested.append(await _ingest(endpoints, load, directory))
    return [figure for order, load in loads.items() for figure in _figures(order, load, taken[order])]


@dataclass(frozen=True, slots=True)
class Taken:
    """Rates taken in one order of the backlog, one of each round; readings (or rows) per second.

    Attributes:
        copied: of COPY alone on one connection, by batch size.
        side_by_side: of COPY alone on as many connections as ingest has, in batches of its size.
        ingested: of ingest.
    """

    copied: dict[int, list[float]] = field(default_factory=lambda: {size: [] for size in COPY_SIZES})
    side_by_side: list[float] = field(default_factory=list)
    ingested: list[float] = field(default_factory=list)


def _figures(order: str, load: Load, taken: Taken) -> list[Figure]:
    about = {
        "readings": load.readings,
        "per message": POINTS,
        "gateways": GATEWAYS,
        "in a row": load.run,
        "rounds": ROUNDS,
    }
    how = {**about, "batch": BatchSettings().readings, "writers": WRITERS, "window": ReceiveSettings().window}
    by_size = {size: statistics.median(rates) for size, rates in taken.copied.items()}
    best = max(by_size, key=lambda size: by_size[size])
    rate = statistics.median(taken.ingested)
    return [
        Figure(
            f"copy_rows_per_second{order}",
            by_size[best],
            "rows/s",
            {**about, "by batch": {size: round(found) for size, found in by_size.items()}},
        ),
        Figure(
            f"copy_side_by_side_rows_per_second{order}",
            statistics.median(taken.side_by_side),
            "rows/s",
            {**about, "batch": BatchSettings().readings, "connections": WRITERS},
        ),
        Figure(
            f"ingest_readings_per_second{order}",
            rate,
            "readings/s",
            {**how, "all": [round(one) for one in taken.ingested]},
        ),
        Figure(f"ingest_over_copy{order}", rate / by_size[best], "1", {**how, "copy batch": best}),
    ]


async def _require_durable(connection: Connection) -> None:
    for setting in DURABLE:
        if await connection.fetchval("select current_setting($1)", setting) != "on":
            raise SystemExit(f"{setting} is off: the figures would mean nothing")


async def _copy(endpoints: Endpoints, load: Load, size: int, connections: int) -> float:
    """Rows per second of COPY alone, one transaction a batch."""
    dsn = await create_database(endpoints.dsn, "bench_copy", template=TEMPLATE)
    batches = iter([encode_readings(rows, 1) for rows in load.rows(size)])
    async with AsyncExitStack() as stack:
        own = [await stack.enter_async_context(connect(StorageSettings(dsn))) for _ in range(connections)]
        begin = time.perf_counter()
        await asyncio.gather(*(_copy_all(connection, batches) for connection in own))
        seconds = time.perf_counter() - begin
        stored = await own[0].fetchval("select count(*) from readings")
    await drop_database(endpoints.dsn, "bench_copy")
    if stored != load.readings:
        raise SystemExit(f"COPY stored {stored} of {load.readings} rows")
    return load.readings / seconds


async def _copy_all(connection: Connection, batches: Iterator[bytes]) -> None:
    for batch in batches:
        await connection.copy_to_table("readings", source=chunks(batch), columns=READINGS_COLUMNS, format="binary")


async def _ingest(endpoints: Endpoints, load: Load, directory: Path) -> float:
    """Readings per second of ingest, from the first message it receives until its last commit is seen."""
    dsn = await create_database(endpoints.dsn, "bench_ingest", template=TEMPLATE)
    await _pile_up(endpoints, load)
    config = directory / "ingest.toml"
    config.write_text(
        f'worker = "{WORKER}"\n[database]\ndsn = "{dsn}"\n'
        f'[mqtt]\nhost = "{endpoints.mqtt_host}"\nport = {endpoints.mqtt_port}\n',
        encoding="utf-8",
    )
    with (directory / "ingest.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - our own command; it outlives this call, and is waited for
            [Path(sys.executable).with_name("quotawatt"), "ingest", "run", config], stderr=log
        )
        try:
            seconds = await _drained(dsn, load, process)
        finally:
            process.terminate()
            process.wait(30)
    await drop_database(endpoints.dsn, "bench_ingest")
    return load.readings / seconds


async def _pile_up(endpoints: Endpoints, load: Load) -> None:
    """Let the broker queue the whole load for the worker that will come."""
    broker = MqttSettings(host=endpoints.mqtt_host, port=endpoints.mqtt_port)
    async with connect_broker(broker, client_id=WORKER, clean_start=True, session_expiry=3_600) as link:
        await link.subscribe(shared_up(ReceiveSettings().group))
    async with connect_broker(broker, client_id="bench-gateways") as link:
        confirmations = []
        for topic, payload in load.messages():
            confirmations.append(link.send(topic, payload))
            if len(confirmations) == 500:  # noqa: PLR2004 - far below what a link takes unconfirmed
                await asyncio.gather(*confirmations)
                confirmations.clear()
        await asyncio.gather(*confirmations)


async def _drained(dsn: str, load: Load, process: subprocess.Popen[bytes]) -> float:
    """Wait until all is committed; seconds from the first message until the last commit was seen.

    Ingest notes when its first message came, by the clock that is read here. A batch's own `committed_at` is taken
    before its commit; its notification comes after it.
    """
    deadline = time.monotonic() + 120
    seen: dict[object, float] = {}

    def note(*notice: object) -> None:
        seen[notice[-1]] = time.time()

    async with connect(StorageSettings(dsn)) as connection:
        await connection.add_listener("readings", note)
        while True:
            first, last, done, stored = await connection.fetchrow(
                "select extract(epoch from min(received_at))::float8, max(batch)::text, coalesce(sum(offered), 0),"
                " coalesce(sum(stored), 0) from ingest_batch"
            ) or (0.0, "", 0, 0)
            if done >= load.readings and last in seen:
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"ingest stopped at {done} of {load.readings} readings")
            await asyncio.sleep(0.2)
    if stored != load.readings:
        raise SystemExit(f"ingest stored {stored} of {load.readings} readings")
    return seen[last] - float(first)
