"""The HTTP client against servers that misbehave at the level of bytes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from energy.errors import TransportError
from energy.transport.http import MOST_ANSWER_BYTES, Answer, HttpClient, http_client
from tests.support.eventually import eventually

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Answers each request with the next of its scripts; `None` closes the connection without a word."""

    def __init__(self, scripts: Sequence[bytes | None]) -> None:
        self.requests: list[bytes] = []
        self.connections = self.open = 0
        self._scripts = list(scripts)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self.open += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while self._scripts and (script := await self._script(reader)) is not None:
                writer.write(script)
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        self.open -= 1

    async def _script(self, reader: asyncio.StreamReader) -> bytes | None:
        """Read a request; what to answer."""
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        await reader.readexactly(len(b"body"))
        return self._scripts.pop(0)


@asynccontextmanager
async def talking(
    scripts: Sequence[bytes | None], *, timeout_s: float = 5.0
) -> AsyncIterator[tuple[HttpClient, Server]]:
    """A client and the server that it talks to."""
    server = Server(scripts)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    options = {"Quotawatt-Gateway": "610303/gw-1"}
    async with http_client(
        f"http://127.0.0.1:{port}/a/", headers=options, connections=2, timeout_s=timeout_s, context=None
    ) as client:
        yield client, server
    listener.close()
    await listener.wait_closed()
    await eventually(lambda: not server.open)


async def test_a_request_has_its_headers_and_reuses_the_connection() -> None:
    """Two requests, one connection."""
    async with talking([OK, OK]) as (client, server):
        assert await client.post("/b", b"body") == Answer(200, b"ok", None)
        assert await client.post("/b", b"body") == Answer(200, b"ok", None)
        assert server.connections == 1
        assert server.requests[0].startswith(b"POST /a/b HTTP/1.1\r\n")
        assert b"\r\nQuotawatt-Gateway: 610303/gw-1\r\n" in server.requests[0]


async def test_a_connection_that_was_closed_meanwhile_costs_one_more_attempt() -> None:
    """Servers close idle connections, sometimes in the very moment in which they are used."""
    async with talking([OK, None, OK]) as (client, server):
        await client.post("/b", b"body")
        assert (await client.post("/b", b"body")).body == b"ok"
        assert server.connections == 2


async def test_a_server_that_always_hangs_up_is_lost() -> None:
    """Two attempts, and no third."""
    async with talking([None, None, OK]) as (client, server):
        with pytest.raises(TransportError, match=r"127\.0\.0\.1"):
            await client.post("/b", b"body")
        assert len(server.requests) == 2


async def test_a_port_at_which_nobody_listens_is_named() -> None:
    """With what is wrong, and without a word on certificates where there are none."""
    async with http_client("http://127.0.0.1:1", headers={}, connections=1, timeout_s=5.0, context=None) as client:
        with pytest.raises(TransportError, match=r"127\.0\.0\.1:1/b: cannot connect: ") as caught:
            await client.post("/b", b"body")
    assert "ssl" not in str(caught.value)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\nhalf", id="half an answer"),
        pytest.param(b"220 mail.example.org ESMTP\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", id="half a header"),
    ],
)
async def test_a_broken_answer_is_none(script: bytes) -> None:
    """It is a fault of the transport, whatever its status said."""
    async with talking([script]) as (client, _):
        with pytest.raises(TransportError):
            await client.post("/b", b"body")


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    """A gateway has little memory."""
    size = MOST_ANSWER_BYTES + 1
    async with talking([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)]) as (client, _):
        with pytest.raises(TransportError, match="more than 1048576 bytes"):
            await client.post("/b", b"body")


async def test_a_silent_server_is_given_up() -> None:
    """After the time-out, and no later."""
    async with talking([b"", OK], timeout_s=0.2) as (client, _):
        with pytest.raises(TransportError, match="no answer in time"):
            await client.post("/b", b"body")


async def test_a_redirect_is_an_answer_like_any_other() -> None:
    """It is not followed: a token must not go elsewhere."""
    script = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with talking([script, OK]) as (client, server):
        assert (await client.post("/b", b"body")).status == 302
        assert len(server.requests) == 1


async def test_nobody_there_is_a_fault_of_the_transport() -> None:
    """With the address in the message."""
    async with http_client("http://127.0.0.1:1", headers={}, connections=1, timeout_s=5.0, context=None) as client:
        with pytest.raises(TransportError, match=r"http://127\.0\.0\.1:1/b"):
            await client.post("/b", b"body")
