"""A worker under a load, on a database of the test's own, whose surroundings a test breaks."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from energy.registry.store import apply
from energy.storage import StorageSettings, connect
from energy.transport.mqtt import MqttSettings
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.fault_load import POINTS, MqttSender, Sender, check_books

RECOVERY_S = 30.0
"""Within which every sender is confirmed something new once the fault is over; a few seconds where there is time."""


async def register(database: StorageSettings, senders: Sequence[Sender]) -> None:
    """Make the senders' points known."""
    async with connect(database) as connection:
        for sender in senders:
            await apply(connection, worker.registry(sender.address.gateway, POINTS))


async def confirmed(senders: Sequence[Sender], more: int, within: float = RECOVERY_S) -> None:
    """Wait until every sender is confirmed so many more than now."""
    goal = [len(sender.confirmed) + more for sender in senders]
    await eventually(lambda: all(len(one.confirmed) >= count for one, count in zip(senders, goal, strict=True)), within)


@asynccontextmanager
async def load(database: StorageSettings, senders: Sequence[Sender], within: float) -> AsyncIterator[None]:
    """The senders send for the length of the block; then all that is left is confirmed, and the books must balance.

    Args:
        database: how the test itself reaches it.
        senders: whose points are registered.
        within: longest time of it all, real seconds.
    """
    async with asyncio.timeout(within):
        async with asyncio.TaskGroup() as group:
            for sender in senders:
                group.create_task(sender.run())
            await confirmed(senders, 1)
            yield
            for sender in senders:
                sender.finishing = True
        async with connect(database) as connection:
            await check_books(connection, senders)


def settings(database: StorageSettings, broker: MqttSettings) -> IngestSettings:
    """A worker that the broker keeps its messages for, and that gives up early what does not answer."""
    made = worker.settings(database, broker, session_expiry_s=60)
    eager = msgspec.structs.replace(database, connect_timeout_s=2.0, answer_timeout_s=3.0)
    return msgspec.structs.replace(made, database=eager)


def mqtt_senders(broker: MqttSettings, count: int = 2) -> list[Sender]:
    """Senders by MQTT."""
    return [MqttSender(broker=broker) for _ in range(count)]


def database_name() -> str:
    """For a database of the test's own."""
    return f"test_{uuid.uuid4().hex[:12]}"
