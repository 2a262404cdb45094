"""Workers that come and go, and a broker that drops: nothing but a resend is the price."""

from __future__ import annotations

import asyncio
import signal
import uuid
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from energy.readings import Reading
from energy.registry.store import apply
from energy.storage import StorageSettings, connect
from energy.transport.mqtt import MqttSettings
from energy.transport.mqtt import connect as connect_broker
from energy.wire import shared_up
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.ingest_gateway import FakeGateway
from tests.support.ingest_world import START_MS
from tests.support.private_broker import private_broker

GATEWAYS, ENVELOPES, READINGS = 3, 120, 20
RESEND_S = 0.5
"""Each resend halves what the session of a dead worker still swallows."""


def group_of(size: int, database: StorageSettings, mqtt: MqttSettings) -> list[IngestSettings]:
    """Workers that share one subscription, with sessions that outlive a test."""
    made = [worker.settings(database, mqtt, session_expiry_s=600) for _ in range(size)]
    shared = made[0].receive
    return [msgspec.structs.replace(one, receive=shared) for one in made]


async def gateways_of(database: StorageSettings, mqtt: MqttSettings) -> list[FakeGateway]:
    """Some gateways with a load each."""
    made = []
    async with connect(database) as connection:
        for _ in range(GATEWAYS):
            address = worker.address()
            await apply(connection, worker.registry(address.gateway, READINGS))
            envelopes = [
                [Reading(f"{address.gateway}-{i}", START_MS + 1000 * seq, seq + i / 8) for i in range(READINGS)]
                for seq in range(ENVELOPES)
            ]
            made.append(FakeGateway(mqtt, address, uuid.uuid4().hex, envelopes, RESEND_S))
    return made


async def check(database: StorageSettings, gateways: list[FakeGateway]) -> None:
    """Every reading is stored once, and nothing was refused."""
    async with connect(database) as connection:
        rows = await connection.fetch("select code, ts, value from readings join point using (point_id)")
        assert not await connection.fetchval("select count(*) from reading_conflicts")
    stored = {(row["code"], round(row["ts"].timestamp() * 1000), row["value"]) for row in rows}
    sent = {(one.point, one.at, one.value) for g in gateways for envelope in g.envelopes for one in envelope}
    assert stored == sent
    assert len(rows) == len(sent)
    assert not any(gateway.refused for gateway in gateways)


async def both_receive(database: StorageSettings, mqtt: MqttSettings) -> bool:
    """Whether two workers have committed something: some envelopes of a stranger are sent for that."""
    stranger = worker.address()
    envelopes = [[Reading("nobody's", START_MS, 1.0)]] * 4
    await FakeGateway(mqtt, stranger, uuid.uuid4().hex, envelopes).run()
    async with connect(database) as connection:
        return bool(await connection.fetchval("select count(distinct worker) = 2 from ingest_batch"))


async def test_a_worker_that_goes_away_for_good_costs_a_resend(
    database: StorageSettings, mqtt: MqttSettings, tmp_path: Path
) -> None:
    """Killed with its window full, it never comes back; the broker keeps handing its session a share of the messages.

    What lies there is confirmed to nobody, so the gateways send it again until the other worker gets it.
    """
    gone, staying = group_of(2, database, mqtt)
    gateways = await gateways_of(database, mqtt)
    async with asyncio.timeout(100), AsyncExitStack() as stack:
        await stack.enter_async_context(worker.running(staying))
        sending = await stack.enter_async_context(asyncio.TaskGroup())
        with worker.process(gone, tmp_path) as process:
            await eventually(lambda: both_receive(database, mqtt), 30)
            process.send_signal(signal.SIGSTOP)  # from now on its window fills
            for gateway in gateways:
                sending.create_task(gateway.run())
            await eventually(lambda: all(gateway.sent >= ENVELOPES for gateway in gateways), 30)
            assert not any(gateway.done for gateway in gateways)
        # The block's end killed it. Whatever its session holds comes to nobody.
    assert sum(gateway.sent for gateway in gateways) > GATEWAYS * ENVELOPES
    await check(database, gateways)


async def test_what_the_broker_dropped_from_a_full_queue_comes_again(database: StorageSettings, tmp_path: Path) -> None:
    """While no worker is there the broker acknowledges every message and keeps 50 of them."""
    lines = ("allow_anonymous true", "max_queued_messages 50", "set_tcp_nodelay true")
    async with private_broker(tmp_path, *lines) as mqtt:
        (settings,) = group_of(1, database, mqtt)
        async with connect_broker(mqtt, client_id=settings.worker, clean_start=False, session_expiry=600) as link:
            await link.subscribe(shared_up(settings.receive.group))
        gateways = await gateways_of(database, mqtt)
        async with asyncio.timeout(100), asyncio.TaskGroup() as group:
            for gateway in gateways:
                group.create_task(gateway.run())
            await eventually(lambda: all(gateway.sent >= ENVELOPES for gateway in gateways), 30)
            assert not any(gateway.confirmed for gateway in gateways)
            async with worker.running(settings):
                await eventually(lambda: all(gateway.done for gateway in gateways), 60)
    assert sum(gateway.sent for gateway in gateways) > GATEWAYS * ENVELOPES
    await check(database, gateways)
