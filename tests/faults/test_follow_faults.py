"""Following under attack: whoever is killed, and however many write at once, every envelope is counted once."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import msgspec
import pytest

from deploy.stack import Endpoints
from energy.readings import Reading
from energy.registry.store import apply
from energy.storage import Pool, StorageSettings, connect, open_pool
from energy.storage.databases import drop_database, with_database
from energy.storage.migrate import migrate
from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from ingest.following.fold import step
from ingest.following.settings import FollowSettings
from ingest.following.status import Heard, write
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.follow_world import NOON, REGION, Sent, commit, follow, status, stream_name
from tests.support.ingest_gateway import FakeGateway
from tests.support.ingest_world import START_MS

ENVELOPES = 150


async def test_a_worker_killed_while_it_follows_counts_nothing_twice(
    pool: Pool, database: StorageSettings, mqtt: MqttSettings, tmp_path: Path
) -> None:
    """Killed three times in the middle of a load, with steps of one batch; the next one goes on where it was."""
    address = worker.address()
    own = msgspec.structs.replace(
        worker.settings(database, mqtt, session_expiry_s=60),
        follow=FollowSettings(batches=1, pause_s=0.0, timer_s=0.05),
    )
    envelopes = [[Reading(f"{address.gateway}-0", START_MS + seq, 1.0)] for seq in range(ENVELOPES)]
    gateway = FakeGateway(mqtt, address, uuid.uuid4().hex, envelopes, resend_s=0.5)
    async with pool.acquire() as connection:
        await apply(connection, worker.registry(address.gateway, 1))

        async def followed(share: float) -> bool:
            done = await connection.fetchval("select coalesce(sum(envelopes), 0)::int from gateway_day")
            return bool(done >= share * ENVELOPES)

        async with asyncio.TaskGroup() as group:
            group.create_task(gateway.run())
            for share in (0.01, 0.3, 0.6):
                with worker.process(own, tmp_path):
                    await eventually(partial(followed, share), 60)
            with worker.process(own, tmp_path):
                await eventually(lambda: followed(1), 60)
        (row,) = await connection.fetch("select * from board.ledger")
        assert (row["expected"], row["stored"], row["difference"]) == (ENVELOPES, ENVELOPES, 0)
        assert (row["envelopes"], row["readings"], row["rejected"]) == (ENVELOPES, ENVELOPES, 0)


@pytest.fixture
async def natural(endpoints: Endpoints) -> AsyncIterator[Pool]:
    """A database that sorts texts as people do, not as computers do: there a hyphen is next to nothing."""
    name = f"natural_{uuid.uuid4().hex[:8]}"
    async with connect(StorageSettings(endpoints.dsn)) as connection:
        await connection.execute(
            f"create database {name} template template0 encoding 'UTF8'"
            " locale_provider icu icu_locale 'und-u-ka-shifted'"
        )
    dsn = with_database(endpoints.dsn, name)
    await asyncio.to_thread(migrate, dsn)
    async with open_pool(StorageSettings(dsn)) as opened:
        yield opened
    await drop_database(endpoints.dsn, name)


async def test_workers_that_write_at_once_never_wait_in_a_circle(natural: Pool) -> None:
    """Two hear the same statuses while a third follows, for the same gateways in any order: nothing is given up."""
    gateways = [f"gw{'-' * (number % 2)}{number:02d}" for number in range(30)]
    numbers = count(1)

    def heard(chance: random.Random, seq: int) -> Iterator[Heard]:
        for gateway in sorted(chance.sample(gateways, 20)):
            for stream in (1, 2):
                told = status(stream_name(stream), seq, seq)
                yield Heard(Address(REGION, gateway), told, "mqtt", "b", round(NOON.timestamp() * 1000))

    async def tell(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - a repeatable load, not a secret
        async with natural.acquire() as connection:
            for seq in range(1, 25):
                await write(connection, list(heard(chance, seq)))

    async def bring(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - likewise
        async with natural.acquire() as connection:
            for _ in range(24):
                seq = next(numbers)
                some = [Sent(one, stream_name(chance.choice([1, 2])), seq) for one in chance.sample(gateways, 15)]
                await commit(connection, some)
                await step(connection, 3, judge=True)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(tell(1))
        group.create_task(tell(2))
        group.create_task(bring(3))
    async with natural.acquire() as connection:
        await follow(connection)
        assert await connection.fetchval("select sum(abs(difference)) from board.ledger") == 0
        assert await connection.fetchval("select sum(envelopes)::int from gateway_day") == 24 * 15
