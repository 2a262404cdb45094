"""One worker between a real broker and a real database: what senders are told is what the database holds."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from energy.clocks import DataClock
from energy.readings import Reading
from energy.registry.store import apply
from energy.storage import Connection, StorageSettings
from energy.transport.mqtt import MqttSettings, connect
from energy.wire import Acknowledgement, RefusalCode, Status, decode_acknowledgement, encode, encode_envelope
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.ingest_gateway import FakeGateway
from tests.support.ingest_world import START_MS


@pytest.fixture
def settings(database: StorageSettings, mqtt: MqttSettings) -> IngestSettings:
    """A worker's settings."""
    return worker.settings(database, mqtt)


def readings(gateway: str, point: int, count: int, start: int = 0) -> list[Reading]:
    """`count` readings of one point, a second apart."""
    return [Reading(f"{gateway}-{point}", START_MS + 1000 * (start + i), float(start + i)) for i in range(count)]


async def sums(connection: Connection) -> tuple[int, ...]:
    """(offered, stored, duplicates, conflicts, rejected) over all batches."""
    return tuple(
        await connection.fetchrow(
            "select coalesce(sum(offered), 0)::int, coalesce(sum(stored), 0)::int, coalesce(sum(duplicates), 0)::int,"
            " coalesce(sum(conflicts), 0)::int, coalesce(sum(rejected), 0)::int from ingest_batch"
        )
        or ()
    )


async def test_everything_confirmed_is_stored_once(
    connection: Connection, settings: IngestSettings, mqtt: MqttSettings
) -> None:
    """Several gateways at once, with an unknown point and a foreign one among their readings."""
    addresses = [worker.address() for _ in range(3)]
    for address in addresses:
        await apply(connection, worker.registry(address.gateway, 4))
    bad = [Reading("nobody's", START_MS, 1.0), Reading(f"{addresses[0].gateway}-0", START_MS, 1.0)]
    gateways = [
        FakeGateway(
            mqtt,
            address,
            uuid.uuid4().hex,
            [
                [
                    *readings(address.gateway, seq % 4, 50, 50 * seq),
                    *(bad if seq == 7 and address != addresses[0] else ()),
                ]
                for seq in range(20)
            ],
        )
        for address in addresses
    ]
    async with worker.running(settings), asyncio.timeout(30), asyncio.TaskGroup() as group:
        for gateway in gateways:
            group.create_task(gateway.run())
    assert await connection.fetchval("select count(*) from readings") == 3 * 20 * 50
    assert await sums(connection) == (3004, 3000, 0, 0, 4)
    for gateway in gateways[1:]:
        assert {(refusal.seq, refusal.index, refusal.code) for refusal in gateway.refused} == {
            (8, 50, RefusalCode.UNKNOWN_POINT),
            (8, 51, RefusalCode.NOT_OWNER),
        }
    assert await connection.fetchval("select count(*) from rejects") == 4


async def test_a_malformed_message_is_answered_and_blocks_nobody(
    connection: Connection, settings: IngestSettings, mqtt: MqttSettings
) -> None:
    """It is kept whole and acknowledged; the envelope behind it is stored. Each answer tells the platform's time."""
    address = worker.address()
    clock = DataClock(settings.clock)
    began = clock.now_ms()
    await apply(connection, worker.registry(address.gateway, 1))
    async with worker.running(settings), connect(mqtt) as link:
        await link.subscribe(address.ack)
        await link.publish(address.up, b"\x00 nonsense")
        await link.publish(address.up, encode_envelope("a" * 32, 1, readings(address.gateway, 0, 1)))
        answers: list[Acknowledgement] = []
        async with asyncio.timeout(20):
            async for message in link.messages:
                answers.append(decode_acknowledgement(message.payload))
                if answers[-1].confirmed == [1]:
                    break
    assert {answer.stream for answer in answers} == {None, "a" * 32}
    assert all(answer.at is not None and began <= answer.at <= clock.now_ms() for answer in answers)
    assert await connection.fetchval("select payload from rejects") == b"\x00 nonsense"


async def test_a_point_registered_later_is_found(
    connection: Connection, settings: IngestSettings, mqtt: MqttSettings
) -> None:
    """Unknown at first, then registered while the worker runs: it reads the registry again."""
    address = worker.address()
    async with worker.running(settings):
        first = FakeGateway(mqtt, address, "b" * 32, [readings(address.gateway, 0, 1)])
        async with asyncio.timeout(20):
            await first.run()
        assert [refusal.code for refusal in first.refused] == [RefusalCode.UNKNOWN_POINT]
        await apply(connection, worker.registry(address.gateway, 1))

        async def accepted() -> bool:
            again = FakeGateway(mqtt, address, uuid.uuid4().hex, [readings(address.gateway, 0, 1)])
            await again.run()
            return not again.refused

        assert await eventually(accepted, 20)


async def test_an_orderly_stop_commits_and_acknowledges_what_was_received(
    connection: Connection, settings: IngestSettings, mqtt: MqttSettings
) -> None:
    """A message is either acknowledged and stored by the time the worker has stopped, or it comes again to the next."""
    address, count = worker.address(), 300
    await apply(connection, worker.registry(address.gateway, 1))
    keeping = worker.settings(settings.database, mqtt, session_expiry_s=60)

    async def stored(least: int) -> bool:
        return bool(await connection.fetchval("select count(*) >= $1 from readings", least))

    async with connect(mqtt) as link:
        async with worker.running(keeping):
            for seq in range(1, count):
                link.send(address.up, encode_envelope("c" * 32, seq, readings(address.gateway, 0, 10, 10 * seq)))
            await link.publish(address.up, encode_envelope("c" * 32, count, readings(address.gateway, 0, 10)))
            await eventually(lambda: stored(1), 20)
        async with worker.running(keeping):
            await eventually(lambda: stored(10 * count), 20)
    assert await sums(connection) == (10 * count, 10 * count, 0, 0, 0)


async def test_rows_that_the_database_refuses_do_not_stop_the_others(
    connection: Connection, settings: IngestSettings, mqtt: MqttSettings
) -> None:
    """A poisoned batch is split until the guilty rows stand alone; their sender learns of it."""
    address = worker.address()
    await apply(connection, worker.registry(address.gateway, 1))
    await connection.execute("alter table readings add check (value not between 3 and 4)")
    gateway = FakeGateway(mqtt, address, "e" * 32, [readings(address.gateway, 0, 10)])
    async with worker.running(settings), asyncio.timeout(20):
        await gateway.run()
    assert [(refusal.index, refusal.code) for refusal in gateway.refused] == [
        (3, RefusalCode.STORAGE_REFUSED),
        (4, RefusalCode.STORAGE_REFUSED),
    ]
    assert await sums(connection) == (10, 8, 0, 0, 2)


async def test_statuses_and_last_wills_are_followed(
    connection: Connection, settings: IngestSettings, mqtt: MqttSettings
) -> None:
    """A retained status from before, a newer one, then the will, which takes nothing else away."""
    address = worker.address()
    async with connect(mqtt) as link:
        status = Status(1, online=True, stream="d" * 32, kept_from=3, last_seq=9, at=START_MS)
        await link.publish(address.status, encode(status), retain=True)
        async with worker.running(settings):

            async def shown(online: bool) -> bool:  # noqa: FBT001 - what is looked for
                row = await connection.fetchrow(
                    "select online, stream, kept_from, last_seq from gateway_status where gateway = $1", address.gateway
                )
                return row is not None and tuple(row) == (online, "d" * 32, 3, 9)

            await eventually(lambda: shown(True), 20)
            for nonsense in (b"not a status", b'{"v":1,"online":true,"last_seq":%d}' % 10**30, b""):
                await link.publish(address.status, nonsense)
            await link.publish(address.status, encode(Status(1, online=False)), retain=True)
            await eventually(lambda: shown(False), 20)
        await link.publish(address.status, b"", retain=True)
