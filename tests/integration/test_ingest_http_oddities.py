"""Requests that two servers might understand in two ways, and plain ones in unusual shapes."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from energy.registry.store import apply
from energy.storage import Connection, StorageSettings
from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from energy.wire.push import GATEWAY_HEADER, READINGS_PATH, gateway_header
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.http_push import GENEROUS, HOST, envelope, head, pushing, raw, with_http

QUICK = msgspec.structs.replace(GENEROUS, first_request_s=1.0, body_s=0.5, idle_s=0.5)


@pytest.fixture
def settings(database: StorageSettings, mqtt: MqttSettings) -> IngestSettings:
    """A worker without HTTP push."""
    return worker.settings(database, mqtt)


@pytest.fixture
async def gateway(connection: Connection) -> Address:
    """A registered gateway."""
    address = worker.address()
    await apply(connection, worker.registry(address.gateway, 1))
    return address


def _odd(gateway: Address) -> dict[str, tuple[bytes, bytes]]:
    """Requests that two servers might understand in two ways; with the answer's status, or nothing at all."""
    body = envelope(gateway)
    length = f"Content-Length: {len(body)}"
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    name = f"{GATEWAY_HEADER}: {gateway_header(gateway)}"
    return {
        "two lengths": (head(gateway, length, "Content-Length: 3") + body, b"400"),
        "one length twice": (head(gateway, length, length) + body, b"400"),
        "length and chunks": (head(gateway, length, "Transfer-Encoding: chunked") + chunk, b"400"),
        "chunked twice": (head(gateway, "Transfer-Encoding: chunked, chunked") + chunk, b"400"),
        "unknown transfer": (head(gateway, "Transfer-Encoding: nonsense") + body, b"400"),
        "a length with a sign": (head(gateway, f"Content-Length: +{len(body)}") + body, b"400"),
        "a length below zero": (head(gateway, "Content-Length: -1") + body, b"400"),
        "a chunk's length is none": (head(gateway, "Transfer-Encoding: chunked") + b"zz\r\n", b"400"),
        "the gateway twice": (head(gateway, length, name) + body, b"400"),
        "two tokens": (head(gateway, length, "Authorization: Bearer a", "Authorization: Bearer b") + body, b"400"),
        "a space before the colon": (head(gateway, length, f"{GATEWAY_HEADER} : 610303/other") + body, b"400"),
        "a folded header": (head(gateway, length, f"{GATEWAY_HEADER}:\r\n 610303/other") + body, b"400"),
        "a line end in a header": (head(gateway, length, "X: a\rb") + body, b"400"),
        "a zero in a header": (head(gateway, length, "X: a\0b") + body, b"400"),
        "a huge header": (head(gateway, length, "X: " + "x" * 100_000) + body, b"400"),
        "many headers": (head(gateway, length, *(f"X-{n}: 1" for n in range(1_000))) + body, b"400"),
        "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        "another version": (head(gateway, length).replace(b"HTTP/1.1", b"HTTP/3.0") + body, b"400"),
        "another path": (head(gateway, length, path="/v1/readings/") + body, b"404"),
        "a path with dots": (head(gateway, length, path="/x/../v1/readings") + body, b"404"),
        "another method": (head(gateway, length).replace(b"POST", b"PUT") + body, b"405"),
        "a tunnel": (b"CONNECT other:443 HTTP/1.1\r\nHost: other\r\n\r\n", b"404"),
    }


async def test_odd_requests_leave_nothing_behind(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """What two servers could understand in two ways is taken by neither; no answer tells more than its status."""
    wrong = {}
    async with pushing(with_http(settings, QUICK)) as push:
        for name, (request, expected) in _odd(gateway).items():
            answer = await raw(push.port, request)
            status = answer[9:12]
            if status != expected or b"Traceback" in answer or b"aiohttp" in answer:
                wrong[name] = answer
        assert not wrong
        assert await connection.fetchval("select count(*) from readings") == 0
        assert (await push.post(gateway, envelope(gateway))).status == 200
    assert await connection.fetchval("select count(*) from readings") == 1


async def test_even_requests_in_other_shapes_are_taken(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """One byte at a time, in chunks, two at once, after asking first, as HTTP/1.0, with an absolute address."""
    bodies = [envelope(gateway, seq) for seq in range(1, 8)]
    lengths = [f"Content-Length: {len(body)}" for body in bodies]
    chunks = b"".join(b"1;x=y\r\n%c\r\n" % byte for byte in bodies[0]) + b"0\r\nTrailer: x\r\n\r\n"
    close = "Connection: close"
    absolute = head(gateway, lengths[4], close, path=f"http://x{READINGS_PATH}")
    requests = [
        head(gateway, "Transfer-Encoding: chunked", close) + chunks,
        head(gateway, lengths[1]) + bodies[1] + head(gateway, lengths[2], close) + bodies[2],
        head(gateway, lengths[3], close).replace(b"HTTP/1.1", b"HTTP/1.0") + bodies[3],
        absolute + bodies[4],
        head(gateway, lengths[5], "Upgrade: websocket", "Connection: upgrade, close", path=f"{READINGS_PATH}?x=1")
        + bodies[5],
    ]
    async with pushing(with_http(settings)) as push:
        answers = [await raw(push.port, request) for request in requests]
        reader, writer = await asyncio.open_connection(HOST, push.port)
        writer.write(head(gateway, lengths[6], close, "Expect: 100-continue"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        for byte in bodies[6]:
            writer.write(bytes([byte]))
            await writer.drain()
        answers.append(await reader.read())
        writer.close()
    assert [answer.count(b"HTTP/1.1 200 ") + answer.count(b"HTTP/1.0 200 ") for answer in answers] == [1, 2, 1, 1, 1, 1]
    assert await connection.fetchval("select count(*) from readings") == 7
