"""Ingest under attack: whatever is killed during a load, every envelope is confirmed in the end and stored once."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from deploy.stack import Stack
from energy.readings import Reading
from energy.registry.store import apply
from energy.storage import StorageSettings, connect
from energy.storage.databases import create_database
from energy.storage.migrate import migrate
from energy.transport.mqtt import MqttSettings
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.ingest_gateway import FakeGateway
from tests.support.ingest_world import START_MS
from tests.support.stack import running_stack

ENVELOPES, READINGS = 400, 50


@pytest.fixture(scope="module")
def own_stack() -> Iterator[Stack]:
    """A stack that these tests may kill."""
    with running_stack("ingestfaults") as stack:
        yield stack


class World:
    """A worker's settings, a gateway with a load, and what is stored of it."""

    def __init__(self, database: StorageSettings, mqtt: MqttSettings) -> None:
        self.settings: IngestSettings = worker.settings(database, mqtt, session_expiry_s=60)
        address = worker.address()
        self.registry = worker.registry(address.gateway, READINGS)
        self.envelopes = [
            [Reading(f"{address.gateway}-{i}", START_MS + 1000 * seq, seq + i / 64) for i in range(READINGS)]
            for seq in range(ENVELOPES)
        ]
        self.gateway = FakeGateway(mqtt, address, uuid.uuid4().hex, self.envelopes)

    async def confirmed_share(self, share: float) -> None:
        """Wait until so much of the load is confirmed."""
        await eventually(lambda: len(self.gateway.confirmed) >= share * ENVELOPES, 60)

    async def check(self) -> None:
        """Every reading is there once, with its value, and the batches' counts say so."""
        sent = {(r.point, r.at, r.value) for readings in self.envelopes for r in readings}
        async with connect(self.settings.database) as connection:
            rows = await connection.fetch("select code, ts, value from readings join point using (point_id)")
            stored = [(row["code"], round(row["ts"].timestamp() * 1000), row["value"]) for row in rows]
            assert len(stored) == len(sent)
            assert set(stored) == sent
            assert await connection.fetchval("select sum(stored) from ingest_batch") == len(sent)
            assert not await connection.fetchval(
                "select count(*) from ingest_batch where offered <> stored + duplicates + conflicts + rejected"
            )
            assert not await connection.fetchval("select count(*) from reading_conflicts")
        assert not self.gateway.refused


@pytest.fixture
async def world(own_stack: Stack) -> World:
    """A world on a database of its own."""
    endpoints = own_stack.endpoints()
    dsn = await create_database(endpoints.dsn, f"test_{uuid.uuid4().hex[:12]}")
    await asyncio.to_thread(migrate, dsn)
    made = World(StorageSettings(dsn), MqttSettings(host=endpoints.mqtt_host, port=endpoints.mqtt_port))
    async with connect(made.settings.database) as connection:
        await apply(connection, made.registry)
    return made


async def during_a_load(world: World, attack: Callable[[], Awaitable[None]]) -> None:
    """Attack when a third of the load is confirmed; the rest must follow."""
    async with asyncio.timeout(90), worker.running(world.settings), asyncio.TaskGroup() as group:
        group.create_task(world.gateway.run())
        await world.confirmed_share(1 / 3)
        await attack()
    await world.check()


async def test_the_database_is_killed_and_comes_back(world: World, own_stack: Stack) -> None:
    """Batches wait for the database; one whose commit went through unheard is not counted twice."""

    async def kill() -> None:
        os.kill(own_stack.pid_of("postgres"), signal.SIGKILL)
        await asyncio.to_thread(own_stack.restart_postgres)

    await during_a_load(world, kill)


async def test_the_broker_is_killed_and_comes_back(world: World, own_stack: Stack) -> None:
    """Worker and gateway connect again; what was lost on the way is sent again."""

    async def kill() -> None:
        os.kill(own_stack.pid_of("mosquitto"), signal.SIGKILL)
        await asyncio.to_thread(own_stack.restart_mosquitto)

    await during_a_load(world, kill)


async def test_all_connections_to_the_database_are_cut(world: World) -> None:
    """Transactions end in the middle; they are tried again."""

    async def cut() -> None:
        async with connect(world.settings.database) as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )

    await during_a_load(world, cut)


async def test_the_worker_is_killed_and_started_again(world: World, tmp_path: Path) -> None:
    """What was committed but not acknowledged comes again, and is dropped."""
    async with asyncio.timeout(90), asyncio.TaskGroup() as group:
        group.create_task(world.gateway.run())
        for share in (0.2, 0.5, 1.0):
            with worker.process(world.settings, tmp_path):
                await world.confirmed_share(share)
    await world.check()
