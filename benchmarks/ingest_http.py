"""Ingest over HTTP push against COPY: envelopes of 100 readings, each answered after its commit, plain and by gzip.

450 gateways at a time (the window is 500) have one request on its way each, on connections that stay open, as the
collector does. They are one process on the same machine, which writes bodies encoded before and reads answers: its
processor time is taken from ingest and the database, so the ratio is a lower bound.
"""

from __future__ import annotations

import asyncio
import gzip
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.ingest_over_copy import GATEWAYS, POINTS, ROUNDS, copy_rate, prepare, template_of, yesterday_ms
from benchmarks.ingest_process import configured, running, stored
from benchmarks.load import Load
from deploy.stack import Endpoints
from deploy.stack.ports import LOOPBACK, choose
from energy.storage.databases import create_database, drop_database

CONNECTIONS, MINUTES = 450, 32
COPY_SIZE = 50_000
_WORKER = "bench-0"


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run COPY, plain and packed requests in turn."""
    return asyncio.run(_measure(endpoints, directory))


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    load = Load(GATEWAYS, POINTS, MINUTES, yesterday_ms(), 1)
    await prepare(endpoints, load)
    copied: list[float] = []
    taken: dict[str, list[float]] = {"plain": [], "gzip": []}
    for _ in range(ROUNDS):
        copied.append(await copy_rate(endpoints, load, COPY_SIZE, 1))
        for kind, rates in taken.items():
            rates.append(await _rate(endpoints, load, directory, packed=kind == "gzip"))
    limit = statistics.median(copied)
    how = {"readings": load.readings, "per request": POINTS, "connections": CONNECTIONS, "rounds": ROUNDS}
    figures = []
    for kind, rates in taken.items():
        rate = statistics.median(rates)
        suffix = "" if kind == "plain" else f"_{kind}"
        all_rates = {"all": [round(one) for one in rates]}
        figures += [
            Figure(f"ingest_http_readings_per_second{suffix}", rate, "readings/s", {**how, **all_rates}),
            Figure(f"ingest_http_over_copy{suffix}", rate / limit, "1", {**how, "copy batch": COPY_SIZE}),
        ]
    return figures


async def _rate(endpoints: Endpoints, load: Load, directory: Path, *, packed: bool) -> float:
    """Readings per second from the first request to the last answer."""
    dsn = await create_database(endpoints.dsn, "bench_ingest", template=template_of(load))
    port = choose(str(directory), None)
    limits = f"[http]\nport = {port}\n[http.limits]\nrequests_per_s = 1000\nbytes_per_s = 100000000\n"
    requests = [_request(topic, body, packed=packed) for topic, body in load.messages()]
    with running(configured(directory, endpoints, dsn, _WORKER, limits)):
        await _listening(port)
        begin = time.perf_counter()
        left = iter(requests)
        await asyncio.gather(*(_send_all(port, left) for _ in range(CONNECTIONS)))
        seconds = time.perf_counter() - begin
    if (found := await stored(dsn)) != load.readings:
        raise SystemExit(f"ingest stored {found} of {load.readings} readings")
    await drop_database(endpoints.dsn, "bench_ingest")
    return load.readings / seconds


def _request(topic: str, body: bytes, *, packed: bool) -> bytes:
    _, _, region, gateway, _ = topic.split("/")
    if packed:
        body = gzip.compress(body, compresslevel=6, mtime=0)
    encoding = "Content-Encoding: gzip\r\n" if packed else ""
    head = (
        f"POST /v1/readings HTTP/1.1\r\nHost: bench\r\nQuotawatt-Gateway: {region}/{gateway}\r\n"
        f"Content-Type: application/json\r\n{encoding}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _listening(port: int) -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise SystemExit("ingest does not listen")


async def _send_all(port: int, requests: Iterator[bytes]) -> None:
    """One connection: a request, its answer, the next one."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"ingest answers {(head + body).decode()}")
    writer.close()
