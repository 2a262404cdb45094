"""A TCP proxy that breaks the line on purpose: cut, stalled, forgotten, dropped, restored."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from energy.waiting import first_of
from tests.support.eventually import eventually

_CHUNK = 65_536


class TcpProxy:
    """Carries connections to a server; made by `tcp_proxy`.

    Attributes:
        host: where it listens.
        port: likewise.
        connections: how many were accepted so far.
        cut_after: after so many further bytes to the server every connection breaks; None for never.
    """

    def __init__(self, server_host: str, server_port: int) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.connections = 0
        self.cut_after: int | None = None
        self._server = (server_host, server_port)
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._forgotten: list[asyncio.Event] = []

    @property
    def alive(self) -> int:
        """Connections being carried now."""
        return len(self._writers) // 2

    async def restore(self) -> None:
        """Listen (again), on the port that it had."""
        if self._listener is None:
            self._listener = await asyncio.start_server(self._carry, self.host, self.port)
            self.port = self._listener.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection and refuse new ones."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.drop_all()

    def drop_all(self) -> None:
        """Break every connection with a reset; new ones are accepted."""
        for writer in self._writers:
            writer.transport.abort()

    def stall(self) -> None:
        """Keep every connection open and carry nothing: the fault that only a time-out finds."""
        self._flowing.clear()

    def forget(self) -> None:
        """Carry nothing of the present connections, whose ends learn nothing of it; new ones are carried."""
        self.stall()
        self._forgotten.append(self._flowing)
        self._flowing = asyncio.Event()
        self._flowing.set()

    def resume(self) -> None:
        """Carry again, also what waited meanwhile."""
        for flowing in (*self._forgotten, self._flowing):
            flowing.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._server)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, server_writer}
        self._writers |= ends
        flowing = self._flowing
        try:
            await first_of(
                self._pump(reader, server_writer, flowing, counted=True), self._pump(server_reader, writer, flowing)
            )
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        flowing: asyncio.Event,
        *,
        counted: bool = False,
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(_CHUNK):
                await flowing.wait()
                sink.write(self._allowed(chunk) if counted else chunk)
                await sink.drain()
                if counted and self.cut_after == 0:
                    self.cut_after = None
                    break
            # What was written must leave before the other end is closed too.
            sink.close()
            await sink.wait_closed()

    def _allowed(self, chunk: bytes) -> bytes:
        """What of a chunk is carried before the connection breaks."""
        if self.cut_after is None:
            return chunk
        allowed = chunk[: self.cut_after]
        self.cut_after -= len(allowed)
        return allowed


@contextlib.asynccontextmanager
async def tcp_proxy(server_host: str, server_port: int) -> AsyncIterator[TcpProxy]:
    """A proxy in front of a server, listening on a free port, until the end of the block."""
    proxy = TcpProxy(server_host, server_port)
    await proxy.restore()
    try:
        yield proxy
    finally:
        proxy.resume()
        await proxy.cut()
        await eventually(lambda: not proxy.alive)
