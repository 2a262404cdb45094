"""A DL/T 645 peer whose answers a test writes byte by byte, independent of any library and of our own frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

Answer = Callable[[bytes], Sequence[bytes] | None]
"""From a request frame, without FE, to the pieces of the answer; None is silence."""

METER = "000012345678"
TOTAL = "00010000"


def frame(address: str, control: int, data: bytes) -> bytes:
    """A frame, its data given without the offset."""
    body = b"\x68" + bytes.fromhex(address)[::-1] + bytes([0x68, control, len(data)])
    body += bytes((byte + 0x33) % 256 for byte in data)
    return body + bytes([sum(body) % 256, 0x16])


def item(data_id: str, data: bytes) -> bytes:
    """The data of an answer: identifier and value, both low byte first already for the value."""
    return bytes.fromhex(data_id)[::-1] + data


def asked(request: bytes) -> tuple[str, int, bytes]:
    """Address, control byte and data of a request."""
    return request[1:7][::-1].hex(), request[8], bytes((byte - 0x33) % 256 for byte in request[10:-2])


def reply(request: bytes, data: bytes) -> bytes:
    """The right answer to a read: that value."""
    address, control, wanted = asked(request)
    return frame(address, control | 0x80, wanted[:4] + data)


def refusal(request: bytes, code: int) -> bytes:
    """The answer by which a meter refuses a request."""
    address, control, _ = asked(request)
    return frame(address, control | 0xC0, bytes([code]))


class Peer:
    """The meters' side of a test.

    Attributes:
        port: where it listens.
        answer: how it answers; a test may change it at any time.
        requests: all frames that came in, without FE.
        received: all bytes that came in.
        connections: how many connections were made.
        writers: those connections.
    """

    def __init__(self, answer: Answer) -> None:
        self.port = 0
        self.answer = answer
        self.requests: list[bytes] = []
        self.received = b""
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self._handlers: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        self.writers.append(writer)
        if (handler := asyncio.current_task()) is not None:
            self._handlers.add(handler)
        try:
            while True:
                await self._answer_one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        self.received += first
        if first != b"\x68":
            return
        head = first + await reader.readexactly(9)
        request = head + await reader.readexactly(head[9] + 2)
        self.received += request[1:]
        self.requests.append(request)
        for piece in self.answer(request) or ():
            writer.write(piece)
            await writer.drain()
            # Let the pieces arrive one by one.
            await asyncio.sleep(0.001)

    def send(self, data: bytes) -> None:
        """Send on the newest connection, asked or not."""
        self.writers[-1].write(data)

    def hang_up(self) -> None:
        """Close all connections."""
        for writer in self.writers:
            writer.close()

    async def end(self) -> None:
        """Close all connections and wait until their handlers are gone."""
        self.hang_up()
        if self._handlers:
            await asyncio.wait(self._handlers, timeout=5)


@asynccontextmanager
async def dlt645_peer(answer: Answer) -> AsyncIterator[Peer]:
    """A peer on a free loopback port."""
    peer = Peer(answer)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        await peer.end()
        await server.wait_closed()
