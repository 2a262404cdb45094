"""Long bodies sent and long answers read at once, against servers that misbehave at the level of bytes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from energy.errors import TransportError
from energy.transport.http import MOST_ANSWER_BYTES, HttpClient, http_client
from tests.support.eventually import eventually

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def chunk(data: bytes) -> bytes:
    """As HTTP cuts bodies."""
    return b"%x\r\n%s\r\n" % (len(data), data)


@asynccontextmanager
async def talking(script: Script) -> AsyncIterator[HttpClient]:
    """A client of a server that answers so, once it has read the head."""
    over: list[bool] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        over.append(False)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"Expect: 100-continue" in head
            await script(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        over[-1] = True

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with http_client(url, headers={}, connections=1, timeout_s=5.0, context=None) as client:
        yield client
    listener.close()
    await listener.wait_closed()
    await eventually(lambda: all(over))


async def endless(sent: list[int]) -> AsyncIterator[bytes]:
    """A body that never ends, and counts its pieces."""
    while True:
        sent.append(1)
        yield b"x" * 1024
        await asyncio.sleep(0)


async def some() -> AsyncIterator[bytes]:
    """A short body."""
    yield b"one"
    yield b"two"


async def lines(client: HttpClient, body: AsyncIterator[bytes], idle_s: float = 5.0) -> tuple[int, list[bytes]]:
    """The status and the lines of the answer."""
    async with client.stream("/f", body, parameters={"a": "ä b"}, idle_s=idle_s) as answer:
        return answer.status, [line async for line in answer.lines]


async def test_the_answer_is_read_while_the_body_is_sent() -> None:
    """The server answers after the first piece and waits for the second, whose sender waits for that answer."""
    answered = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CONTINUE)
        assert await reader.readexactly(len(chunk(b"one"))) == chunk(b"one")
        writer.write(OK + chunk(b"first\nsec"))
        assert await reader.readexactly(len(chunk(b"two"))) == chunk(b"two")
        writer.write(chunk(b"ond\nthird") + chunk(b""))

    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        await answered.wait()
        yield b"two"

    async with (
        talking(script) as client,
        client.stream("/f", body(), parameters={}, idle_s=5.0) as answer,
    ):
        found = []
        async for line in answer.lines:
            found.append(line)
            answered.set()
    assert found == [b"first", b"second", b"third"]


async def test_a_body_is_not_begun_where_it_is_not_wanted() -> None:
    """The head is enough for a refusal."""
    sent: list[int] = []

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwho?")

    async with talking(script) as client:
        assert await lines(client, endless(sent)) == (401, [b"who?"])
    assert not sent


async def test_a_body_that_is_refused_meanwhile_is_not_sent_to_its_end() -> None:
    """This one would have none."""
    sent: list[int] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CONTINUE)
        await reader.readexactly(4_000)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno\n")
        while await reader.read(65_536):
            pass

    async with talking(script) as client:
        assert await lines(client, endless(sent)) == (400, [b"no"])
    assert sent


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param(OK + b"9\r\nhalf", r"127\.0\.0\.1", id="half an answer"),
        pytest.param(b"220 mail.example.org ESMTP\r\n", r"127\.0\.0\.1", id="another protocol"),
        pytest.param(b"", r"127\.0\.0\.1", id="nothing"),
        pytest.param(OK + chunk(b"x" * (MOST_ANSWER_BYTES + 1)), "a line of more than 1048576 bytes", id="no line end"),
    ],
)
async def test_a_broken_answer_is_a_fault_of_the_transport(answer: bytes, says: str) -> None:
    """Whatever its status said."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CONTINUE)
        await reader.readuntil(chunk(b""))
        writer.write(answer)
        await writer.drain()

    async with talking(script) as client:
        with pytest.raises(TransportError, match=says):
            await lines(client, some())


async def test_a_server_that_falls_silent_is_given_up() -> None:
    """After the time-out, however long the whole may take."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CONTINUE)
        await reader.readuntil(chunk(b""))
        writer.write(OK + chunk(b"first\n"))
        await reader.read()

    async with talking(script) as client:
        with pytest.raises(TransportError, match="no answer in time"):
            await lines(client, some(), idle_s=0.3)
