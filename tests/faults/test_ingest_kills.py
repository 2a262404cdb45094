"""SIGKILL at random moments of a load that goes on: every reading that a sender got acknowledged is stored once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Self

import msgspec
import pytest

from deploy.stack import Stack
from deploy.stack.ports import choose
from energy.registry.store import apply
from energy.storage import StorageSettings, connect
from energy.storage.databases import create_database
from energy.storage.migrate import migrate
from energy.transport.mqtt import MqttSettings
from ingest.receiving.http.settings import HttpSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.fault_load import POINTS, HttpSender, MqttSender, Sender, check_books
from tests.support.http_push import GENEROUS, HOST
from tests.support.stack import running_stack

RECOVERY_S = 30.0
"""Within which every sender is confirmed something new after a kill; a few seconds on a machine that has time."""
MOST_CONFIRMED = 60
"""A kill comes after at most so many confirmations since the last recovery."""
VICTIMS = ("ingest", "broker", "database")


@pytest.fixture(scope="module")
def own_stack() -> Iterator[Stack]:
    """A stack that these tests may kill."""
    with running_stack("ingestkills") as stack:
        yield stack


class Platform:
    """Broker, database and a worker, each of which can be killed, and senders with a load.

    Attributes:
        database: where readings go.
        senders: two by MQTT, one by HTTP.
    """

    def __init__(self, stack: Stack, database: StorageSettings, directory: Path) -> None:
        endpoints = stack.endpoints()
        broker = MqttSettings(host=endpoints.mqtt_host, port=endpoints.mqtt_port)
        http = HttpSettings(port=choose(str(directory), None), limits=GENEROUS)
        self.database = database
        self.senders: list[Sender] = [
            MqttSender(broker=broker),
            MqttSender(broker=broker),
            HttpSender(url=f"http://{HOST}:{http.port}"),
        ]
        self._settings = msgspec.structs.replace(worker.settings(database, broker, session_expiry_s=60), http=http)
        self._stack = stack
        self._directory = directory
        self._workers = ExitStack()
        self._worker: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        async with connect(self.database) as connection:
            for sender in self.senders:
                await apply(connection, worker.registry(sender.address.gateway, POINTS))
        self._start_worker()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._workers.close()

    @property
    def alive(self) -> bool:
        """Whether the worker runs that was started last."""
        return self._worker is not None and self._worker.poll() is None

    async def kill(self, victim: str) -> None:
        """SIGKILL it, and have it started again."""
        if victim == "ingest":
            assert self.alive
            self._workers.close()
            self._start_worker()
        elif victim == "broker":
            os.kill(self._stack.pid_of("mosquitto"), signal.SIGKILL)
            await asyncio.to_thread(self._stack.restart_mosquitto)
        else:
            os.kill(self._stack.pid_of("postgres"), signal.SIGKILL)
            await asyncio.to_thread(self._stack.restart_postgres)

    async def confirmed(self, more: int, within: float) -> None:
        """Wait until every sender is confirmed so many more than now."""
        goal = [len(sender.confirmed) + more for sender in self.senders]
        await eventually(
            lambda: all(len(one.confirmed) >= count for one, count in zip(self.senders, goal, strict=True)), within
        )

    def _start_worker(self) -> None:
        self._worker = self._workers.enter_context(worker.process(self._settings, self._directory))


@pytest.fixture
async def platform(own_stack: Stack, tmp_path: Path) -> AsyncIterator[Platform]:
    """A platform on a database of its own."""
    dsn = await create_database(own_stack.endpoints().dsn, f"test_{uuid.uuid4().hex[:12]}")
    await asyncio.to_thread(migrate, dsn)
    async with Platform(own_stack, StorageSettings(dsn), tmp_path) as made:
        yield made


@asynccontextmanager
async def load(platform: Platform, within: float) -> AsyncIterator[None]:
    """A load for the length of the block; then all that is left is confirmed, and the books must balance."""
    async with asyncio.timeout(within), asyncio.TaskGroup() as group:
        for sender in platform.senders:
            group.create_task(sender.run())
        await platform.confirmed(1, RECOVERY_S)
        yield
        for sender in platform.senders:
            sender.finishing = True
    assert platform.alive  # a worker outlives whatever happens to broker and database
    async with connect(platform.database) as connection:
        await check_books(connection, platform.senders)


async def kill_all(platform: Platform, victims: Sequence[str], chance: random.Random) -> None:
    """Kill one after the other, each at a random moment after the last recovery."""
    for victim in victims:
        await platform.confirmed(chance.randrange(MOST_CONFIRMED), RECOVERY_S)
        await platform.kill(victim)
        await platform.confirmed(1, RECOVERY_S)


async def test_a_sample_of_kills_loses_nothing_and_doubles_nothing(platform: Platform) -> None:
    """Ingest, broker and database in turn: resent, repeated and contradicting readings among the load."""
    async with load(platform, 100):
        await kill_all(platform, VICTIMS, random.Random(4))  # noqa: S311 - a repeatable choice, not a secret


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", VICTIMS)
async def test_twenty_kills_lose_nothing_and_double_nothing(platform: Platform, victim: str) -> None:
    """At twenty random moments each."""
    async with load(platform, 580):
        await kill_all(platform, [victim] * 20, random.Random(victim))  # noqa: S311 - likewise
