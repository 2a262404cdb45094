"""SIGKILL at random moments of a load that goes on: every reading that a sender got acknowledged is stored once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import msgspec
import pytest

from deploy.stack import Stack
from deploy.stack.ports import choose
from energy.storage import StorageSettings
from energy.storage.databases import create_database
from energy.storage.migrate import migrate
from energy.transport.mqtt import MqttSettings
from ingest.receiving.http.settings import HttpSettings
from tests.support import ingest_worker as worker
from tests.support.fault_load import HttpSender, MqttSender, Sender
from tests.support.fault_platform import confirmed, load, register
from tests.support.http_push import GENEROUS, HOST
from tests.support.stack import running_stack

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
        await register(self.database, self.senders)
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

    def _start_worker(self) -> None:
        self._worker = self._workers.enter_context(worker.process(self._settings, self._directory))


@pytest.fixture
async def platform(own_stack: Stack, tmp_path: Path) -> AsyncIterator[Platform]:
    """A platform on a database of its own."""
    dsn = await create_database(own_stack.endpoints().dsn, f"test_{uuid.uuid4().hex[:12]}")
    await asyncio.to_thread(migrate, dsn)
    async with Platform(own_stack, StorageSettings(dsn), tmp_path) as made:
        yield made


async def kill_all(platform: Platform, victims: Sequence[str], within: float, seed: int | str) -> None:
    """Kill one after the other during a load, each at a random moment after the last recovery."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice, not a secret
    async with load(platform.database, platform.senders, within):
        for victim in victims:
            await confirmed(platform.senders, chance.randrange(MOST_CONFIRMED))
            await platform.kill(victim)
            await confirmed(platform.senders, 1)
    assert platform.alive  # a worker outlives whatever happens to broker and database


async def test_a_sample_of_kills_loses_nothing_and_doubles_nothing(platform: Platform) -> None:
    """Ingest, broker and database in turn: resent, repeated and contradicting readings among the load."""
    await kill_all(platform, VICTIMS, 100, seed=4)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", VICTIMS)
async def test_twenty_kills_lose_nothing_and_double_nothing(platform: Platform, victim: str) -> None:
    """At twenty random moments each."""
    await kill_all(platform, [victim] * 20, 580, seed=victim)
