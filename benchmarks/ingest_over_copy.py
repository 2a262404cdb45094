"""How near ingest comes to the database's own limit.

Numerator: readings per second of the service as it ships (`quotawatt ingest run`, a process of its own, with checks,
batch records, dirty marks and acknowledgements), draining a backlog of QoS 1 messages of 100 readings from the broker,
from the first message it receives to its last commit. Denominator: rows per second of a pre-encoded binary COPY of the
same rows in the same order, each batch sorted, into the same kind of table with the same index, at the batch size
that is best for it. Same cluster, same run; the rounds alternate, and the medians count.

Two orders of the backlog: `ingest_over_copy` as gateways leave it that send their windows after an outage, and
`ingest_over_copy_interleaved`, the worst there is: every message of a batch comes from another gateway, so that every
envelope needs an acknowledgement of its own.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
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
from ingest.copy_format import READINGS_COLUMNS, encode_readings
from ingest.settings import BatchSettings, ReceiveSettings
from ingest.store import chunks

ROUNDS = 3
COPY_SIZES = (10_000, 20_000, 50_000, 100_000, 200_000)
GATEWAYS, POINTS, WINDOW = 625, 100, 32
WORKER = "bench"
ORDERS = {"ingest_over_copy": WINDOW, "ingest_over_copy_interleaved": 1}
"""Figures, and how many envelopes of one gateway stand in a row."""
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
TEMPLATE = "bench_template"


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run both sides and compare."""
    return asyncio.run(_measure(endpoints, directory))


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    start_ms = (int(time.time()) - 86_400) * 1000 // MINUTE_MS * MINUTE_MS
    loads = {name: Load(GATEWAYS, POINTS, WINDOW, start_ms, run) for name, run in ORDERS.items()}
    load = loads["ingest_over_copy"]
    template = await create_database(endpoints.dsn, TEMPLATE)
    migrate(template)
    async with connect(StorageSettings(template)) as connection:
        await apply(connection, load.registry())
        await _require_durable(connection)
    copied: dict[int, list[float]] = {size: [] for size in COPY_SIZES}
    ingested: dict[str, list[float]] = {name: [] for name in loads}
    for _ in range(ROUNDS):
        for size in COPY_SIZES:
            copied[size].append(await _copy(endpoints, load, size))
        for name, ordered in loads.items():
            ingested[name].append(await _ingest(endpoints, ordered, directory))
    rates = {size: statistics.median(found) for size, found in copied.items()}
    return _figures(loads, rates, ingested)


def _figures(
    loads: Mapping[str, Load], copied: Mapping[int, float], ingested: Mapping[str, list[float]]
) -> list[Figure]:
    best = max(copied, key=lambda size: copied[size])
    about = {"readings": GATEWAYS * POINTS * WINDOW, "per message": POINTS, "gateways": GATEWAYS, "rounds": ROUNDS}
    by_batch = {size: round(rate) for size, rate in copied.items()}
    figures = [Figure("copy_rows_per_second", copied[best], "rows/s", {**about, "by batch": by_batch})]
    for name, load in loads.items():
        how = {**about, "in a row": load.run, "batch": BatchSettings().readings, "window": ReceiveSettings().window}
        rate = statistics.median(ingested[name])
        rates = {**how, "all": [round(one) for one in ingested[name]]}
        figures.append(Figure(f"{name}_readings_per_second", rate, "readings/s", rates))
        figures.append(Figure(name, rate / copied[best], "1", {**how, "copy batch": best}))
    return figures


async def _require_durable(connection: Connection) -> None:
    for setting in DURABLE:
        if await connection.fetchval("select current_setting($1)", setting) != "on":
            raise SystemExit(f"{setting} is off: the figures would mean nothing")


async def _copy(endpoints: Endpoints, load: Load, size: int) -> float:
    """Rows per second of COPY alone, one transaction a batch."""
    dsn = await create_database(endpoints.dsn, "bench_copy", template=TEMPLATE)
    batches = [encode_readings(rows, 1) for rows in load.rows(size)]
    async with connect(StorageSettings(dsn)) as connection:
        begin = time.perf_counter()
        for batch in batches:
            await connection.copy_to_table("readings", source=chunks(batch), columns=READINGS_COLUMNS, format="binary")
        seconds = time.perf_counter() - begin
        stored = await connection.fetchval("select count(*) from readings")
    await drop_database(endpoints.dsn, "bench_copy")
    if stored != load.readings:
        raise SystemExit(f"COPY stored {stored} of {load.readings} rows")
    return load.readings / seconds


async def _ingest(endpoints: Endpoints, load: Load, directory: Path) -> float:
    """Readings per second of ingest, from the first message it receives to its last commit."""
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
    """Wait until all is committed; seconds by the batches' own record."""
    deadline = time.monotonic() + 120
    async with connect(StorageSettings(dsn)) as connection:
        while True:
            done, stored, seconds = await connection.fetchrow(
                "select coalesce(sum(offered), 0), coalesce(sum(stored), 0),"
                " extract(epoch from max(committed_at) - min(received_at))::float8 from ingest_batch"
            ) or (0, 0, 0.0)
            if done >= load.readings:
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"ingest stopped at {done} of {load.readings} readings")
            await asyncio.sleep(0.2)
    if stored != load.readings:
        raise SystemExit(f"ingest stored {stored} of {load.readings} readings")
    return float(seconds)
