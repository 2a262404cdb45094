"""HTTP push against a real worker and a real database: what senders are told is what the database holds."""

from __future__ import annotations

import asyncio
import gzip
import json
import uuid
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from backports import zstd

from energy.readings import Reading
from energy.registry.store import apply
from energy.storage import Connection, StorageSettings
from energy.transport.mqtt import MqttSettings
from energy.wire import MAX_ENVELOPE_BYTES, Address, RefusalCode, Status, decode_status_answer, encode, encode_envelope
from energy.wire.push import STATUS_PATH
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.http_push import pushing, with_http
from tests.support.ingest_world import START_MS


@pytest.fixture
def settings(database: StorageSettings, mqtt: MqttSettings) -> IngestSettings:
    """A worker that takes HTTP push."""
    return with_http(worker.settings(database, mqtt))


@pytest.fixture
async def gateway(connection: Connection) -> Address:
    """A registered gateway with two points."""
    address = worker.address()
    await apply(connection, worker.registry(address.gateway, 2))
    return address


def envelope(gateway: Address, seq: int, count: int = 3, point: int = 0, stream: str = "a" * 32) -> bytes:
    """An envelope of `count` readings, a second apart, at times of its own number."""
    code, start = f"{gateway.gateway}-{point}", START_MS + seq * 100_000
    return encode_envelope(stream, seq, [Reading(code, start + 1000 * i, float(i)) for i in range(count)])


async def stored(connection: Connection) -> int:
    """How many readings are stored."""
    count: int = await connection.fetchval("select count(*) from readings")
    return count


async def test_an_answer_comes_after_the_commit(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """The very moment it is there, the readings are; it names the envelope, the refused readings and the time."""
    readings = [Reading(f"{gateway.gateway}-0", START_MS, 1.0), Reading("nobody's", START_MS, 1.0)]
    async with pushing(settings) as push:
        answer = await push.post(gateway, encode_envelope("a" * 32, 7, readings))
        assert await stored(connection) == 1
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert parsedate_to_datetime(answer.headers["Date"]).tzinfo
    assert answer.headers["Server"] == "quotawatt"
    told = answer.acknowledgement
    assert (told.stream, told.confirmed) == ("a" * 32, [7])
    assert [(one.seq, one.index, one.code) for one in told.refused] == [(7, 1, RefusalCode.UNKNOWN_POINT)]
    assert told.at is not None
    assert told.at >= START_MS


async def test_the_same_envelope_again_is_confirmed_and_counts_once(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """Also when both are on the way at once."""
    async with pushing(settings) as push:
        answers = await asyncio.gather(*(push.post(gateway, envelope(gateway, 1)) for _ in range(4)))
    assert [answer.acknowledgement.confirmed for answer in answers] == [[1]] * 4
    assert await stored(connection) == 3


async def test_compressed_bodies_are_taken(connection: Connection, settings: IngestSettings, gateway: Address) -> None:
    """As a whole, and in pieces of one byte."""
    seq = 0
    async with pushing(settings) as push:
        for encoding, compress in (("gzip", gzip.compress), ("zstd", zstd.compress), ("GZIP", gzip.compress)):
            seq += 2
            body = compress(envelope(gateway, seq))
            assert (await push.post(gateway, body, Content_Encoding=encoding)).acknowledgement.confirmed == [seq]
            dripped = drops(compress(envelope(gateway, seq + 1)))
            assert (await push.post(gateway, dripped, Content_Encoding=encoding)).acknowledgement.confirmed == [seq + 1]
    assert await stored(connection) == 18


async def drops(body: bytes) -> AsyncIterator[bytes]:
    """Byte by byte."""
    for byte in body:
        yield bytes([byte])


def numbered(readings: int = 1, v: int = 1, **further: Any) -> bytes:
    """An envelope with number 5, and with what does not belong into one."""
    content = {"v": v, "stream": "b" * 32, "seq": 5, "readings": [["p", 1, 1]] * readings, **further}
    return json.dumps(content).encode()


MALFORMED, TOO_LARGE = RefusalCode.MALFORMED, RefusalCode.TOO_LARGE


WHOLE: dict[str, tuple[bytes, int, RefusalCode, list[int]]] = {
    "no JSON": (b"\x00 nonsense", 400, MALFORMED, []),
    "nothing": (b"", 400, MALFORMED, []),
    "no readings": (numbered(0), 400, MALFORMED, [5]),
    "another version": (numbered(v=2), 422, RefusalCode.UNSUPPORTED_VERSION, [5]),
    "too many readings": (numbered(1001), 413, TOO_LARGE, [5]),
    "too many bytes": (numbered(x="x" * MAX_ENVELOPE_BYTES), 413, TOO_LARGE, [5]),
    "too deep": (numbered(x=json.loads("[" * 40 + "]" * 40)), 400, MALFORMED, [5]),
    "far too deep": (b"[" * 500_000, 400, MALFORMED, []),
}


async def test_an_envelope_refused_whole_is_kept_and_says_so(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """With the status of its code, its number confirmed where it could be read, and the next one is not held up."""
    async with pushing(settings) as push:
        for name, (body, status, code, confirmed) in WHOLE.items():
            answer = await push.post(gateway, body)
            told = answer.acknowledgement
            assert (answer.status, [one.code for one in told.refused], told.confirmed) == (status, [code], confirmed), (
                name
            )
            kept = await connection.fetchrow(
                "select code, carrier from rejects where payload = $1", body[:MAX_ENVELOPE_BYTES]
            )
            assert tuple(kept or ()) == (code, "http"), name
        assert (await push.post(gateway, envelope(gateway, 1))).status == 200


async def test_what_is_not_compressed_as_it_says_is_malformed(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """Cut off, followed by something, or not compressed at all; it is kept as far as it could be read."""
    async with pushing(settings) as push:
        for encoding, whole in (("gzip", gzip.compress(b"1")), ("zstd", zstd.compress(b"2"))):
            for body in (whole[:-1], whole + b"more", b"{}", b""):
                answer = await push.post(gateway, body, Content_Encoding=encoding)
                assert (answer.status, answer.acknowledgement.confirmed) == (400, [])
        assert (await push.post(gateway, b"{}", Content_Encoding="br")).status == 415
    kept = await connection.fetch("select distinct payload from rejects")
    assert {row["payload"] for row in kept} == {b"", b"1", b"2"}


async def test_a_status_is_kept_and_answered(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """By commands, of which there are none yet; one that cannot be read is refused."""
    status = Status(1, online=True, stream="c" * 32, kept_from=3, last_seq=9)
    async with pushing(settings) as push:
        answer = await push.post(gateway, encode(status), STATUS_PATH)
        assert answer.status == 200
        assert decode_status_answer(answer.body).commands == []
        assert (await push.post(gateway, b"{}", STATUS_PATH)).status == 400

        async def kept() -> bool:
            row = await connection.fetchrow("select * from gateway_status where gateway = $1", gateway.gateway)
            return row is not None and (row["online"], row["last_seq"]) == (True, 9)

        await eventually(kept)


async def test_a_hundred_gateways_at_once(connection: Connection, settings: IngestSettings) -> None:
    """Each with envelopes beside each other: all is committed, and each is told of its own."""
    addresses = [worker.address() for _ in range(100)]
    for address in addresses:
        await apply(connection, worker.registry(address.gateway, 1))
    streams = {address: uuid.uuid4().hex for address in addresses}
    async with pushing(settings) as push:

        async def send(address: Address, seq: int) -> bool:
            answer = await push.post(address, envelope(address, seq, stream=streams[address]))
            told = answer.acknowledgement
            return (told.stream, told.confirmed, told.refused) == (streams[address], [seq], [])

        assert all(await asyncio.gather(*(send(address, seq) for address in addresses for seq in range(1, 5))))
    assert await stored(connection) == 100 * 4 * 3
    assert await connection.fetchval("select sum(stored) from ingest_batch") == 100 * 4 * 3
