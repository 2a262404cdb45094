"""Whatever a gateway sends: what is refused is kept with its payload, answered and acknowledged, and stalls nobody."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass

import msgspec
import pytest

from energy.registry.store import apply
from energy.storage import Connection, Pool, StorageSettings
from energy.transport.mqtt import Link, MqttSettings, connect
from energy.wire import Address, Refusal, RefusalCode, decode_acknowledgement, encode_envelope
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually, never_within
from tests.support.ingest_gateway import FakeGateway
from tests.support.ingest_world import START_MS
from tests.support.rejects_world import unknown

STREAM = "ab" * 16
WINDOW = 50


@pytest.fixture
def settings(database: StorageSettings, mqtt: MqttSettings) -> IngestSettings:
    """A worker with a small receive window."""
    own = worker.settings(database, mqtt)
    return msgspec.structs.replace(own, receive=msgspec.structs.replace(own.receive, window=WINDOW))


@pytest.fixture
async def gateway(connection: Connection) -> Address:
    """A gateway with two points, of which one may show 0 to 1 000 only, and beside it another one with a point."""
    own, other = worker.address(), Address(worker.REGION, "gw-other")
    await apply(connection, worker.registry(own.gateway, 2))
    await apply(connection, worker.registry(other.gateway, 1))
    await connection.execute("update point set low = 0, high = 1000 where code = $1", f"{own.gateway}-1")
    return own


class Listener:
    """Collects what a gateway is told."""

    def __init__(self) -> None:
        self.refused: list[Refusal] = []
        self.confirmed: set[int] = set()

    async def listen(self, link: Link) -> None:
        """Until it is cancelled."""
        async for message in link.messages:
            answer = decode_acknowledgement(message.payload)
            self.confirmed.update(answer.confirmed)
            self.refused += answer.refused


@dataclass(frozen=True)
class Case:
    """A message that is refused, as one of `gateway`, with the payload that is kept."""

    body: bytes
    kept: bytes


def envelope(seq: int, *readings: list[object], version: int = 1) -> bytes:
    """An envelope of whatever readings."""
    return json.dumps({"v": version, "stream": STREAM, "seq": seq, "readings": readings}).encode()


def cases(own: str) -> dict[RefusalCode, Case]:
    """For each code a message of the gateway `own` that is refused for it; envelopes are numbered in this order."""
    known, bounded = f"{own}-0", f"{own}-1"
    single: dict[RefusalCode, list[object]] = {
        RefusalCode.UNKNOWN_POINT: ["nobody's", START_MS, 1.0, 0],
        RefusalCode.NOT_OWNER: ["gw-other-0", START_MS, 1.0, 0],
        RefusalCode.UNKNOWN_QUALITY: [known, START_MS, 1.0, 4],
        RefusalCode.NOT_FINITE: [known, START_MS, None, 0],
        RefusalCode.FUTURE: [known, START_MS + 86_400_000, 1.0, 0],
        RefusalCode.TOO_OLD: [known, 86_400_000, 1.0, 0],
        RefusalCode.OUT_OF_RANGE: [bounded, START_MS, 1_000.5, 0],
        RefusalCode.STORAGE_REFUSED: [known, START_MS, 666.0, 0],
    }
    found = {
        code: Case(envelope(seq, reading), msgspec.json.encode(reading))
        for seq, (code, reading) in enumerate(single.items(), 1)
    }
    for code, body in (
        (RefusalCode.MALFORMED, b"\x00 nonsense"),
        (RefusalCode.UNSUPPORTED_VERSION, envelope(100, [known, START_MS, 1.0], version=2)),
        (RefusalCode.TOO_LARGE, envelope(101, *([known, START_MS + n, 1.0] for n in range(1_001)))),
    ):
        found[code] = Case(body, body)
    return found


async def test_each_code_is_answered_and_finds_its_row(
    connection: Connection, settings: IngestSettings, mqtt: MqttSettings, gateway: Address
) -> None:
    """Every refusal of the closed list, provoked from outside: the sender's answer, and the payload that is kept."""
    provoked = cases(gateway.gateway)
    assert set(provoked) == set(RefusalCode), "each code needs a message that provokes it"
    await connection.execute("alter table readings add check (value <> 666)")
    told = Listener()
    async with worker.running(settings), connect(mqtt) as link, asyncio.TaskGroup() as group:
        await link.subscribe(gateway.ack)
        listening = group.create_task(told.listen(link))
        for case in provoked.values():
            await link.publish(gateway.up, case.body)
        await eventually(lambda: len(told.refused) >= len(provoked), 30)
        listening.cancel()
    assert sorted(refusal.code for refusal in told.refused) == sorted(RefusalCode)
    kept = await connection.fetch("select code, payload, gateway, carrier, source, seq, detail from rejects")
    assert {row["code"]: row["payload"] for row in kept} == {code: case.kept for code, case in provoked.items()}
    assert {(row["gateway"], row["carrier"], row["source"]) for row in kept} == {(gateway.gateway, "mqtt", gateway.up)}
    answered = {(refusal.code, refusal.seq, refusal.detail) for refusal in told.refused}
    assert {(row["code"], row["seq"], row["detail"]) for row in kept} == answered
    rejected = await connection.fetchval("select sum(rejected)::int from ingest_batch")
    assert rejected == len(provoked)


async def test_unparseable_messages_do_not_fill_the_window_and_stall_the_consumer(
    connection: Connection, settings: IngestSettings, mqtt: MqttSettings, gateway: Address
) -> None:
    """The trap of that name: a window of fifty, 5 000 messages of one gateway that mean nothing, and another gateway.

    All are kept, answered and acknowledged to the broker, or the window would be full for ever.
    """
    count = 5_000
    bad, told = Address(worker.REGION, f"bad-{gateway.gateway[3:]}"), Listener()
    good = FakeGateway(
        mqtt, gateway, STREAM, [unknown(10, gateway=gateway.gateway, since=10 * n) for n in range(40)], resend_s=30.0
    )
    async with worker.running(settings), connect(mqtt) as link, asyncio.TaskGroup() as group:
        await link.subscribe(bad.ack)
        listening = group.create_task(told.listen(link))
        for number in range(count):
            link.send(bad.up, b"\xff nonsense %d" % number)
        async with asyncio.timeout(60):
            await good.run()
        await eventually(lambda: len(told.refused) >= count, 60)
        listening.cancel()
    assert good.sent == 40, "nothing had to be sent again"
    assert {refusal.code for refusal in told.refused} == {RefusalCode.MALFORMED}
    assert await connection.fetchval("select count(*) from readings") == 400
    assert await connection.fetchval("select count(*) from rejects where gateway = $1", bad.gateway) == count


async def test_a_refusal_is_kept_before_it_is_answered(
    pool: Pool, settings: IngestSettings, mqtt: MqttSettings, gateway: Address
) -> None:
    """As long as the row cannot be written, neither sender nor broker hear of it."""
    told = Listener()
    async with (
        pool.acquire() as connection,
        worker.running(settings),
        connect(mqtt) as link,
        asyncio.TaskGroup() as group,
    ):
        await link.subscribe(gateway.ack)
        listening = group.create_task(told.listen(link))
        async with connection.transaction():
            await connection.execute("lock table rejects in access exclusive mode")
            await link.publish(gateway.up, b"nonsense")

            async def waits() -> bool:
                return bool(await connection.fetchval("select count(*) > 0 from pg_locks where not granted"))

            await eventually(waits, 20)
            await never_within(0.2, lambda: told.refused)
        await eventually(lambda: told.refused, 20)
        listening.cancel()


def hostile(own: str) -> list[tuple[str, bytes]]:
    """Topics and messages that have broken others, or might break the keeping of what is refused."""
    up = f"qw/1/{worker.REGION}/{own}/up"
    noise = random.Random(4).choices(  # noqa: S311 - noise that cannot be compressed
        "abcdefghijklmnopqrstuvwxyz0123456789", k=60_000
    )
    long = "".join(noise)
    nines = "9" * 4_000

    def one(reading: str) -> bytes:
        return f'{{"v":1,"stream":"{STREAM}","seq":5,"readings":[{reading}]}}'.encode("utf-8", "surrogatepass")

    return [
        (up, one(r'["\u0000",1,1.0]')),
        (up, one(r'["a\u0000b",1,1.0]')),
        (up, one(r'["\ud800",1,1.0]')),
        (up, one('["\ud800",1,1.0]')),
        (up, one('["\u202e\x7f",1,1.0]')),
        (up, one(f'["{long}",1,1.0]')),
        (up, one(f'["{own}-0",{nines},1.0]')),
        (up, one(f'["{own}-0",-{nines},1.0]')),
        (up, one(f'["{own}-0",{START_MS},1.0,{nines}]')),
        (up, one(f'["{own}-0",{START_MS},{nines}]')),
        (up, one(f'["{own}-0",{START_MS},1e999]')),
        (up, one("[" * 100_000)),
        (up, b"[" * 262_144),
        (up, b""),
        (up, b"\xff" * 300_000),
        (up, one("[]").replace(b'"seq":5', b'"seq":9223372036854775808')),
        (f"qw/1/{long}/{own}/up", b"{}"),
        (f"qw/1/{worker.REGION}/{long}/up", b"{}"),
        (f"qw/1/{worker.REGION}/{'é' * 2_000}/up", b"\x00"),
    ]


async def test_nothing_that_is_sent_breaks_the_keeping(
    connection: Connection, settings: IngestSettings, mqtt: MqttSettings, gateway: Address
) -> None:
    """Each is kept, all of one number, and what comes after is stored.

    NUL, half surrogate pairs, bytes that are no UTF-8, gigantic numbers, topics longer than an index entry.
    """
    sent = hostile(gateway.gateway)
    async with worker.running(settings), connect(mqtt) as link:
        for topic, body in sent:
            await link.publish(topic, body)

        async def all_kept() -> bool:
            return bool(await connection.fetchval("select count(*) >= $1 from rejects", len(sent)))

        await eventually(all_kept, 30)
        await link.publish(gateway.up, encode_envelope(STREAM, 9, unknown(3, gateway=gateway.gateway)))

        async def stored() -> bool:
            return bool(await connection.fetchval("select count(*) = 3 from readings"))

        await eventually(stored, 20)
    assert await connection.fetchval("select count(*) from rejects") == len(sent)
    assert await connection.fetchval("select max(octet_length(payload)) from rejects") <= 262_144
