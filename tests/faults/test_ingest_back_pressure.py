"""The database is away, or refuses us, while everybody sends: nothing is acknowledged, and memory stays flat."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import msgspec
import psutil
import pytest

from energy.errors import PermissionRefusedError
from energy.readings import Reading
from energy.registry.store import apply
from energy.storage import Pool, StorageSettings, connect
from energy.transport.mqtt import MqttSettings
from ingest.receiving.mqtt.settings import ReceiveSettings
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.fault_load import WINDOW, Sender, check_books
from tests.support.fault_platform import confirmed, mqtt_senders, register, settings
from tests.support.ingest_gateway import FakeGateway
from tests.support.ingest_world import START_MS
from tests.support.tcp_proxy import TcpProxy, tcp_proxy

MESSAGES, READINGS, RECEIVE_WINDOW = 3_000, 50, 200
FLAT_MB = 8
"""What may come and go; the flood itself would be several times as much, decoded."""


def through(proxy: TcpProxy, database: StorageSettings) -> StorageSettings:
    """The same database by way of the proxy."""
    parts = urlsplit(database.dsn)
    where = f"{parts.netloc.rpartition('@')[0]}@{proxy.host}:{proxy.port}"
    return msgspec.structs.replace(database, dsn=urlunsplit(parts._replace(netloc=where)))


def with_window(made: IngestSettings) -> IngestSettings:
    """A worker that takes little at once."""
    receive = ReceiveSettings(made.receive.group, RECEIVE_WINDOW, made.receive.session_expiry_s, probe=False)
    return msgspec.structs.replace(made, receive=receive)


async def test_an_outage_of_the_database_takes_no_memory(
    database: StorageSettings, mqtt: MqttSettings, tmp_path: Path
) -> None:
    """The broker keeps what is beyond the window; acknowledged is nothing, until it is stored. Then all of it is."""
    parts = urlsplit(database.dsn)
    address = worker.address()
    async with connect(database) as connection:
        await apply(connection, worker.registry(address.gateway, READINGS))
    envelopes = [
        [Reading(f"{address.gateway}-{i}", START_MS + seq, float(seq)) for i in range(READINGS)]
        for seq in range(MESSAGES)
    ]
    gateway = FakeGateway(mqtt, address, uuid.uuid4().hex, envelopes, resend_s=60)
    async with asyncio.timeout(110), tcp_proxy(parts.hostname or "", parts.port or 0) as proxy:
        made = with_window(settings(through(proxy, database), mqtt))
        with worker.process(made, tmp_path) as process:
            await FakeGateway(mqtt, address, uuid.uuid4().hex, envelopes[:1]).run()  # all is well
            running = psutil.Process(process.pid)
            async with asyncio.TaskGroup() as group:
                await proxy.cut()
                group.create_task(gateway.run())
                await eventually(lambda: gateway.sent > 2 * RECEIVE_WINDOW, 30)
                before = running.memory_info().rss
                await eventually(lambda: gateway.sent == MESSAGES, 60)
                grown = (running.memory_info().rss - before) / 2**20
                assert not gateway.confirmed
                await proxy.restore()
            assert process.poll() is None
    assert grown < FLAT_MB
    async with connect(database) as connection:
        assert await connection.fetchval("select count(*) from readings") == MESSAGES * READINGS


async def test_a_changed_password_stops_the_worker_and_loses_nothing(
    database: StorageSettings, mqtt: MqttSettings, pool: Pool
) -> None:
    """It ends at once; what was not stored is with its senders, and goes to the worker that knows the new one."""
    name = f"writer_{uuid.uuid4().hex[:12]}"
    await pool.execute(f"create role {name} superuser login password 'old'")
    senders = mqtt_senders(mqtt)
    await register(database, senders)
    own = with_window(settings(as_user(database, name, "old"), mqtt))
    new = msgspec.structs.replace(own, database=as_user(database, name, "new"))
    async with asyncio.timeout(110), asyncio.TaskGroup() as group:
        for sender in senders:
            group.create_task(sender.run())
        with pytest.raises(ExceptionGroup) as caught:
            await lose_the_password(own, senders, pool, name)
        assert caught.group_contains(PermissionRefusedError, match="28P01")
        async with worker.running(new):
            await confirmed(senders, WINDOW)
            for sender in senders:
                sender.finishing = True
            await eventually(lambda: all(sender.done for sender in senders), 30)
    async with connect(database) as connection:
        await check_books(connection, senders)
    await pool.execute(f"drop role {name}")


async def lose_the_password(own: IngestSettings, senders: list[Sender], pool: Pool, name: str) -> None:
    """Run a worker whose account gets another password while all its sessions end."""
    async with worker.running(own):
        await confirmed(senders, WINDOW)
        await pool.execute(f"alter role {name} password 'new'")
        await pool.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", name)
        await asyncio.Event().wait()


def as_user(database: StorageSettings, name: str, password: str) -> StorageSettings:
    """The same database for another user."""
    parts = urlsplit(database.dsn)
    where = f"{name}:{password}@{parts.hostname}:{parts.port}"
    return msgspec.structs.replace(database, dsn=urlunsplit(parts._replace(netloc=where)))
