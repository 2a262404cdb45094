"""Ingest as a Sparkplug host application against COPY: messages of 100 metrics, by alias, from 625 edge nodes.

They come at QoS 0, which no broker holds back, so the sender keeps to a window: so many readings may be sent and not
committed. It is one process on the same machine and sends what was encoded before; births are sent, and stored, before
the time begins.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.ingest_over_copy import GATEWAYS, POINTS, ROUNDS, copy_rate, prepare, template_of, yesterday_ms
from benchmarks.ingest_process import broker_of, configured, running, stored
from benchmarks.load import MINUTE_MS, Load
from benchmarks.registry import gateway_code, point_code
from deploy.stack import Endpoints
from energy.sparkplug.datatypes import DataType
from energy.sparkplug.payload import Metric, Payload, encode
from energy.storage import Connection, StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from energy.transport.mqtt import Link
from energy.transport.mqtt import connect as connect_broker

MINUTES = 16
WINDOW = 100_000
COPY_SIZE = 50_000
_WORKER = "bench-0"
_POLL_S = 0.02
_MAP = """
insert into sparkplug_node (group_id, edge_node, gateway_id) select 'bench', code, gateway_id from gateway;
insert into sparkplug_metric (group_id, edge_node, metric, point_id)
select 'bench', gateway.code, point.code, point_id from point join gateway using (gateway_id);
"""


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run COPY and the host in turn."""
    return asyncio.run(_measure(endpoints, directory))


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    load = Load(GATEWAYS, POINTS, MINUTES, yesterday_ms(), 1)
    await prepare(endpoints, load)
    copied, taken = [], []
    for _ in range(ROUNDS):
        copied.append(await copy_rate(endpoints, load, COPY_SIZE, 1))
        taken.append(await _rate(endpoints, load, directory))
    limit, rate = statistics.median(copied), statistics.median(taken)
    how = {"readings": load.readings, "per message": POINTS, "edge nodes": GATEWAYS, "rounds": ROUNDS}
    return [
        Figure("ingest_sparkplug_readings_per_second", rate, "readings/s", {**how, "all": [round(r) for r in taken]}),
        Figure("ingest_sparkplug_over_copy", rate / limit, "1", {**how, "copy batch": COPY_SIZE}),
    ]


async def _rate(endpoints: Endpoints, load: Load, directory: Path) -> float:
    """Readings per second from the first data to the last commit."""
    dsn = await create_database(endpoints.dsn, "bench_ingest", template=template_of(load))
    births = [_birth(load, gateway) for gateway in range(load.gateways)]
    data = [_data(load, gateway, minute) for minute in range(1, load.minutes) for gateway in range(load.gateways)]
    host = '[sparkplug]\nhost_id = "bench"\ngroups = ["bench"]\n'
    async with connect(StorageSettings(dsn)) as connection, connect_broker(broker_of(endpoints)) as link:
        await connection.execute(_MAP)
        with running(configured(directory, endpoints, dsn, _WORKER, host)):
            await _until_online(link)
            await _send(link, connection, births)
            begin = time.perf_counter()
            await _send(link, connection, data, before=len(births))
            seconds = time.perf_counter() - begin
    if (found := await stored(dsn)) != load.readings:
        raise SystemExit(f"ingest stored {found} of {load.readings} readings")
    await drop_database(endpoints.dsn, "bench_ingest")
    return len(data) * POINTS / seconds


async def _until_online(link: Link) -> None:
    await link.subscribe("spBv1.0/STATE/bench")
    async with asyncio.timeout(60):
        async for message in link.messages:
            if b"true" in message.payload:
                return


async def _send(link: Link, connection: Connection, messages: list[tuple[str, bytes]], before: int = 0) -> None:
    """Send all, with at most `WINDOW` readings on the way, and wait until they are committed."""
    sent = before
    for topic, body in messages:
        link.send(topic, body, qos=0)
        sent += 1
        if sent % 100 == 0:
            await _until_committed(connection, sent * POINTS - WINDOW)
    await _until_committed(connection, sent * POINTS)


async def _until_committed(connection: Connection, readings: int) -> None:
    deadline = time.monotonic() + 60
    while await connection.fetchval("select coalesce(sum(offered), 0) from ingest_batch") < readings:
        if time.monotonic() > deadline:
            raise SystemExit(f"{readings} readings are not committed")
        await asyncio.sleep(_POLL_S)


def _birth(load: Load, gateway: int) -> tuple[str, bytes]:
    at = load.start_ms
    metrics = [Metric(name="bdSeq", timestamp=at, datatype=DataType.INT64, value=0)]
    metrics += [
        Metric(name=point_code(gateway, i), alias=i, timestamp=at, datatype=DataType.DOUBLE, value=float(i))
        for i in range(load.points)
    ]
    return _topic("NBIRTH", gateway), encode(Payload(timestamp=at, seq=0, metrics=tuple(metrics)))


def _data(load: Load, gateway: int, minute: int) -> tuple[str, bytes]:
    at = load.start_ms + minute * MINUTE_MS
    metrics = tuple(
        Metric(alias=i, timestamp=at, datatype=DataType.DOUBLE, value=i + minute / 4) for i in range(load.points)
    )
    return _topic("NDATA", gateway), encode(Payload(timestamp=at, seq=minute, metrics=metrics))


def _topic(kind: str, gateway: int) -> str:
    return f"spBv1.0/bench/{kind}/{gateway_code(gateway)}"
