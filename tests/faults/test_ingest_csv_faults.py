"""CSV uploads while the database is being taken away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from energy.registry.store import apply
from energy.storage import Pool, StorageSettings
from energy.transport.mqtt import MqttSettings
from ingest.receiving.csv.pieces import MOST_LINES
from tests.support import ingest_worker as worker
from tests.support.csv_files import HEADER, csv_file, upload
from tests.support.eventually import eventually
from tests.support.http_push import pushing, with_http
from tests.support.ingest_world import START_MS
from tests.support.tcp_proxy import tcp_proxy


async def test_an_upload_waits_for_its_database(pool: Pool, dsn: str, mqtt: MqttSettings) -> None:
    """Cut after a first piece is committed, back later: every line is stored once, and the report says so."""
    count, address = 3 * MOST_LINES, worker.address()
    async with pool.acquire() as connection:
        await apply(connection, worker.registry(address.gateway, 1))
    file = csv_file((f"{address.gateway}-0", START_MS + i, i) for i in range(count))
    cut, parts = asyncio.Event(), urlsplit(dsn)
    half = len(file) // 2

    async def stored() -> int:
        return int(await pool.fetchval("select count(*) from readings"))

    async def body() -> AsyncIterator[bytes]:
        assert file.startswith(HEADER.encode())
        yield file[:half]
        await cut.wait()
        yield file[half:]

    async with tcp_proxy(parts.hostname or "", parts.port or 0) as proxy:
        away = dsn.replace(f"{parts.hostname}:{parts.port}", f"{proxy.host}:{proxy.port}")
        settings = with_http(worker.settings(StorageSettings(away), mqtt))
        async with pushing(settings) as push, asyncio.timeout(60), asyncio.TaskGroup() as group:
            uploading = group.create_task(upload(push, address, body()))
            await eventually(stored, 20)
            await proxy.cut()
            cut.set()
            tried = proxy.connections
            assert await stored() < count
            await proxy.restore()
            await eventually(lambda: proxy.connections > tried, 20)
            report = await uploading
    assert report.summary.complete
    assert report.counts == (count, 0, 0, 0)
    assert await stored() == count
