"""TCP servers on asyncio, for Modbus TCP and for RTU over TCP: answers are made at the moment of asking."""

from __future__ import annotations

import asyncio
import errno
from typing import cast

from energy.errors import SetupError, TransportError
from simulators import metrics
from simulators.serving.conversation import Conversation, Now
from simulators.serving.framing import FrameError
from simulators.serving.line import Line

_IN_USE = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)


class TcpServer:
    """Serves one line on a TCP port.

    Args:
        line: the meters.
        now: data time, read for each request.
        host: address to listen on.
        port: TCP port; 0 lets the system choose one, see `port` once it serves.
    """

    def __init__(self, line: Line, now: Now, host: str, port: int) -> None:
        self.line = line
        self._now = now
        self._host = host
        self._wanted_port = port
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        if self._server is None:
            raise RuntimeError("the server is not listening")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def listening(self) -> bool:
        """Whether clients can connect."""
        return self._server is not None and self._server.is_serving()

    @property
    def place(self) -> str:
        """`host:port`, with the port that was chosen once it listens."""
        return f"{self._host}:{self._wanted_port if self._server is None else self.port}"

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            TransportError: the port is in use: another process may leave it.
            SetupError: the address cannot be listened on at all.
        """
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            self._server = await loop.create_server(
                lambda: _Connection(Conversation(self.line, self._now, loop.time, began_s), self._connections),
                self._host,
                self._wanted_port,
            )
        except OSError as error:
            if error.errno in _IN_USE:
                raise TransportError(f"{self.place} cannot be listened on: {error.strerror}") from error
            raise SetupError(
                f"{self.place} cannot be listened on: {error}", advice="Choose another host or port."
            ) from error

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        await self._server.wait_closed()
        self._server = None


class _Connection(asyncio.Protocol):
    """One client; answers in the order of the requests, save those that are delayed."""

    def __init__(self, conversation: Conversation, connections: set[_Connection]) -> None:
        self._conversation = conversation
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A TCP server has no other; uvloop's does not inherit from it.
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)
        metrics.connection_opened()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._connections.discard(self)
        metrics.connection_closed()

    def data_received(self, data: bytes) -> None:
        try:
            for sent in self._conversation.hear(data):
                if sent.delay_s:
                    self._loop.call_later(sent.delay_s, self._send, sent.data)
                else:
                    self._send(sent.data)
        except FrameError:
            metrics.stream_broken()
            self.close()

    def pause_writing(self) -> None:
        """A client that does not read its answers gets no more: they must not pile up here."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def _send(self, data: bytes) -> None:
        """The client may have gone while a delayed answer waited."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
