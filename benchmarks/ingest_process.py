"""Ingest as it ships, each worker a process of its own, between a real broker and a real database."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psutil

from deploy.stack import Endpoints
from energy.storage import StorageSettings, connect
from energy.transport.mqtt import MqttSettings
from energy.transport.mqtt import connect as connect_broker
from energy.wire import shared_up

GROUP = "bench"
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
_DRAINING_S = 900


def broker_of(endpoints: Endpoints) -> MqttSettings:
    """The stack's broker."""
    return MqttSettings(host=endpoints.mqtt_host, port=endpoints.mqtt_port)


async def require_durable(dsn: str) -> None:
    """Refuse to measure a database that does not write to its disk."""
    async with connect(StorageSettings(dsn)) as connection:
        for setting in _DURABLE:
            if await connection.fetchval("select current_setting($1)", setting) != "on":
                raise SystemExit(f"{setting} is off: the figures would mean nothing")


def configured(directory: Path, endpoints: Endpoints, dsn: str, worker: str, more: str = "") -> Path:
    """Write the file of a worker: as it ships, but for the probe of the broker, which would be measured too."""
    config = directory / f"{worker}.toml"
    config.write_text(
        f'worker = "{worker}"\n[database]\ndsn = "{dsn}"\n[receive]\ngroup = "{GROUP}"\nprobe = false\n'
        f'[mqtt]\nhost = "{endpoints.mqtt_host}"\nport = {endpoints.mqtt_port}\n{more}',
        encoding="utf-8",
    )
    return config


@contextmanager
def running(config: Path) -> Iterator[psutil.Popen]:
    """`quotawatt ingest run` on a file; stopped in order at the end."""
    log_file = config.with_suffix(".log")
    with log_file.open("wb") as log:
        process = psutil.Popen([Path(sys.executable).with_name("quotawatt"), "ingest", "run", config], stderr=log)
        try:
            yield process
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):  # it has ended by itself; its code tells below
                process.terminate()
            try:
                code = process.wait(30)
            except psutil.TimeoutExpired:
                process.kill()
                code = process.wait()
            if code:
                sys.stderr.write(f"ingest ended with {code}: {log_file.read_text()[-2000:]}\n")
    if code:
        raise SystemExit(1)


async def pile_up(endpoints: Endpoints, messages: Iterable[tuple[str, bytes]], workers: Sequence[str]) -> None:
    """Let the broker queue all messages for workers that will come."""
    broker = broker_of(endpoints)
    for worker in workers:
        async with connect_broker(broker, client_id=worker, clean_start=True, session_expiry=3_600) as link:
            await link.subscribe(shared_up(GROUP))
    async with connect_broker(broker, client_id="bench-gateways") as link:
        confirmations = []
        for topic, payload in messages:
            confirmations.append(link.send(topic, payload))
            if len(confirmations) == 500:  # noqa: PLR2004 - far below what a link takes unconfirmed
                await asyncio.gather(*confirmations)
                confirmations.clear()
        await asyncio.gather(*confirmations)


async def forget(endpoints: Endpoints, workers: Sequence[str]) -> None:
    """Let the broker forget the sessions of workers that are gone: they would get a share of the next messages."""
    for worker in workers:
        async with connect_broker(broker_of(endpoints), client_id=worker, clean_start=True):
            pass


class Commits:
    """When each batch was seen to be committed, by the clock that the benchmark reads; made by `watching`."""

    def __init__(self) -> None:
        self.seen: dict[int, float] = {}

    def note(self, *notice: object) -> None:
        """Called by the database driver; a notification comes after the commit."""
        self.seen[int(str(notice[-1]))] = time.time()


@asynccontextmanager
async def watching(dsn: str) -> AsyncIterator[Commits]:
    """Listen for commits from now on."""
    commits = Commits()
    async with connect(StorageSettings(dsn)) as connection:
        await connection.add_listener("readings", commits.note)
        yield commits


async def last_batch(dsn: str) -> int:
    """The highest number of a batch, 0 without one."""
    async with connect(StorageSettings(dsn)) as connection:
        return int(await connection.fetchval("select coalesce(max(batch), 0) from ingest_batch"))


async def drained(dsn: str, offered: int, processes: Sequence[psutil.Popen], *, after: int = 0) -> float:
    """Wait until so many readings are dealt with; seconds from the first message until the last commit was seen.

    Only batches with higher numbers than `after` count. Ingest notes when its first message came, by the clock that is
    read here.
    """
    deadline = time.monotonic() + _DRAINING_S
    async with watching(dsn) as commits, connect(StorageSettings(dsn)) as connection:
        while True:
            first, last, done = await connection.fetchrow(
                "select extract(epoch from min(received_at))::float8, max(batch), coalesce(sum(offered), 0)"
                " from ingest_batch where batch > $1",
                after,
            ) or (0.0, 0, 0)
            if done >= offered and last in commits.seen:
                return commits.seen[last] - float(first)
            if any(process.poll() is not None for process in processes) or time.monotonic() > deadline:
                raise SystemExit(f"ingest stopped at {done} of {offered} readings")
            await asyncio.sleep(0.2)


async def stored(dsn: str) -> int:
    """How many readings the table has."""
    async with connect(StorageSettings(dsn)) as connection:
        return int(await connection.fetchval("select count(*) from readings"))
