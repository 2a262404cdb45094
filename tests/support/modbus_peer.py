"""A Modbus TCP peer whose answers a test writes byte by byte, independent of any library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Answer = Callable[[bytes], bytes | None]
"""From a request frame to the bytes of the answer; None is silence."""


def reply(request: bytes, words: list[int]) -> bytes:
    """The right answer to a read: those words, with the request's transaction, unit and function."""
    data = b"".join(word.to_bytes(2, "big") for word in words)
    return request[:4] + (3 + len(data)).to_bytes(2, "big") + request[6:8] + bytes([len(data)]) + data


def refusal(request: bytes, code: int) -> bytes:
    """The answer by which a device refuses a read."""
    return request[:4] + (3).to_bytes(2, "big") + bytes([request[6], request[7] | 0x80, code])


def asked(request: bytes) -> tuple[int, int, int, int]:
    """Unit, function, address and count of a read."""
    return request[6], request[7], int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big")


class Peer:
    """The server's side of a test.

    Attributes:
        port: where it listens.
        answer: how it answers; a test may change it at any time.
        requests: all frames that came in.
        connections: how many connections were made.
    """

    def __init__(self, answer: Answer) -> None:
        self.port = 0
        self.answer = answer
        self.requests: list[bytes] = []
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
                header = await reader.readexactly(6)
                request = header + await reader.readexactly(int.from_bytes(header[4:6], "big"))
                self.requests.append(request)
                answer = self.answer(request)
                if answer is not None:
                    writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

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
async def modbus_peer(answer: Answer) -> AsyncIterator[Peer]:
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
