"""The database's server fails under a load: its disk is full, its processes crash, its index is damaged."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from structlog.testing import capture_logs

from deploy.stack import Stack
from energy.errors import FatalError
from energy.storage import StorageSettings, connect
from energy.storage.databases import drop_database, with_database
from energy.storage.migrate import migrate
from energy.transport.mqtt import MqttSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.fault_load import WINDOW
from tests.support.fault_platform import confirmed, database_name, load, mqtt_senders, register, settings
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.stack import running_stack, server_directory
from tests.support.writing_world import WritingWorld, batch_at

DISK_MB = 96
PAGE = 8192


@pytest.fixture(scope="module")
def own_stack() -> Iterator[Stack]:
    """A stack whose server these tests may break."""
    with running_stack("ingestserver") as stack:
        yield stack


@pytest.fixture(scope="module")
def broker(own_stack: Stack) -> MqttSettings:
    """Its broker."""
    endpoints = own_stack.endpoints()
    return MqttSettings(host=endpoints.mqtt_host, port=endpoints.mqtt_port)


@pytest.fixture(scope="module")
def disk(own_stack: Stack) -> Iterator[SmallDisk]:
    """A small disk on which the server may write."""
    with server_directory() as directory:
        owner = (own_stack.home.root / "postgres" / "data").stat().st_uid
        with small_disk(directory / "disk", DISK_MB, owner) as made:
            yield made


@pytest.fixture
async def admin(own_stack: Stack) -> AsyncIterator[str]:
    """The DSN of a migrated database."""
    async for dsn in made_database(own_stack.endpoints().dsn, ""):
        yield dsn


@pytest.fixture
async def on_disk(own_stack: Stack, disk: SmallDisk) -> AsyncIterator[str]:
    """The DSN of a migrated database on the small disk."""
    dsn = own_stack.endpoints().dsn
    async with connect(StorageSettings(dsn)) as connection:
        await connection.execute(f"create tablespace small location '{disk.path}'")
        async for made in made_database(dsn, "tablespace small"):
            yield made
        await connection.execute("drop tablespace small")


async def made_database(dsn: str, options: str) -> AsyncIterator[str]:
    """A migrated database, dropped in the end."""
    name = database_name()
    async with connect(StorageSettings(dsn)) as connection:
        await connection.execute(f"create database {name} {options}")
    own = with_database(dsn, name)
    await asyncio.to_thread(migrate, own)
    yield own
    await drop_database(dsn, name)


async def test_a_full_disk_is_waited_out(on_disk: str, disk: SmallDisk, broker: MqttSettings) -> None:
    """Nothing is confirmed while nothing can be stored (53100); once there is room, all of it is, by itself."""
    database = StorageSettings(on_disk)
    senders = mqtt_senders(broker)
    await register(database, senders)
    with capture_logs() as logs:
        async with worker.running(settings(database, broker)), load(database, senders, 100):
            await confirmed(senders, WINDOW)
            disk.fill()
            await eventually(lambda: any("SQLSTATE 53100" in str(line.get("reason")) for line in logs), 30)
            disk.empty()
            await confirmed(senders, 2 * WINDOW)
    lost = [line["event"] for line in logs if str(line.get("event")).startswith("database_")]
    assert lost == ["database_lost", "database_back"]  # told once, however many attempts


async def test_a_crash_of_the_servers_processes_is_waited_out(admin: str, broker: MqttSettings) -> None:
    """One process of the server dies, so all sessions are ended, and none is taken until it has recovered."""
    database = StorageSettings(admin)
    senders = mqtt_senders(broker)
    await register(database, senders)
    async with worker.running(settings(database, broker)), load(database, senders, 100):
        await confirmed(senders, WINDOW)
        async with connect(database) as connection:
            os.kill(await connection.fetchval("select pg_backend_pid()"), signal.SIGKILL)
        await confirmed(senders, 2 * WINDOW)


async def test_a_damaged_index_stops_the_worker(admin: str, own_stack: Stack) -> None:
    """What would be written could be stored twice, or not be found again (XX002): nothing more is."""
    world = WritingWorld(StorageSettings(admin))
    assert (await world.write(batch_at(1, 2))).stored == 2
    await world.connection.close()
    async with connect(world.settings) as connection:
        await connection.execute("checkpoint")
        file = await connection.fetchval(
            "select current_setting('data_directory') || '/' || pg_relation_filepath(indexrelid::regclass)"
            " from pg_index where indrelid = (select show_chunks('readings')) and indisunique"
        )
    with open(file, "r+b") as index:  # noqa: ASYNC230, PTH123 - one page
        index.seek(PAGE)  # the root: the first page behind the one that says where it is
        index.write(bytes(PAGE))
    await asyncio.to_thread(own_stack.restart_postgres)
    with pytest.raises(FatalError, match="XX002") as caught:
        await world.write(batch_at(3))
    assert "reindex" in caught.value.advice
    async with connect(world.settings) as connection:
        await connection.execute("reindex database")
    assert (await world.write(batch_at(1, 3))).stored == 1
