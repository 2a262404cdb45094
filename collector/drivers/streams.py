"""Byte streams for protocols that have no library of their own.

A driver opens the stream, forgets what came unasked, such as the late answer of a unit that was given up, sends a
request and reads what comes.
"""

from __future__ import annotations

import asyncio
import errno
from typing import Protocol

from collector.errors import LineError, LostLineError

MOST_WAITING = 4096
"""Bytes that are kept of what nobody has read yet: more than any answer has; the rest is dropped."""


_IN_USE = frozenset({errno.EAGAIN, errno.EBUSY})
"""What a locked port is refused with: by `flock`, and by terminals that are opened exclusively."""


def reason(error: Exception) -> str:
    """Why something did not open, for people."""
    if isinstance(error, OSError) and error.errno in _IN_USE:
        return "another process has locked it: perhaps a running collector"
    return str(error)


class Stream(Protocol):
    """A way for bytes to and fro, which may be opened again after it was closed."""

    @property
    def connected(self) -> bool:
        """Whether it is open."""

    @property
    def reopens_after_fault(self) -> bool:
        """Whether a fault of one exchange calls for a fresh connection."""

    async def open(self) -> None:
        """Open it; nothing happens when it is open.

        Raises:
            LineError: it cannot be opened.
        """

    def forget(self) -> int:
        """Drop what came and was not read; returns how many bytes."""

    async def write(self, data: bytes) -> None:
        """Send.

        Raises:
            LostLineError: it broke.
        """

    async def read(self) -> bytes:
        """What came since the last call, at least one byte.

        Raises:
            LostLineError: it broke.
        """

    def close(self) -> None:
        """Close it."""


class Inbox:
    """What came in and waits to be read."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._stir = asyncio.Event()
        self._lost: str | None = None

    def put(self, data: bytes) -> None:
        """Take in what came."""
        self._data += data[: MOST_WAITING - len(self._data)]
        self._stir.set()

    def lose(self, why: str) -> None:
        """Tell whoever reads that nothing comes any more; the first reason stays."""
        self._lost = self._lost or why
        self._stir.set()

    def forget(self) -> int:
        """Drop what came and was not read; returns how many bytes."""
        dropped = len(self._data)
        self._data.clear()
        return dropped

    async def read(self) -> bytes:
        """What came since the last call, at least one byte; raises LostLineError when nothing comes any more."""
        while not self._data:
            if self._lost is not None:
                raise LostLineError(self._lost)
            self._stir.clear()
            await self._stir.wait()
        data = bytes(self._data)
        self.forget()
        return data


class _Receiver(asyncio.Protocol):
    """Puts what a connection brings into an inbox."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def data_received(self, data: bytes) -> None:
        self._inbox.put(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._inbox.lose(f"connection lost: {error or 'closed by the other side'}")


class TcpStream:
    """A TCP connection to a serial converter.

    Args:
        host: name or address.
        port: TCP port.
        time_out: real seconds within which a connection has to be made.
    """

    # A silent unit and a converter that was switched off look alike: only a new connection tells them apart.
    reopens_after_fault = True

    def __init__(self, host: str, port: int, *, time_out: float) -> None:
        self._host, self._port = host, port
        self._time_out = time_out
        self._transport: asyncio.Transport | None = None
        self._inbox = Inbox()

    def __str__(self) -> str:
        return f"{self._host}:{self._port}"

    @property
    def connected(self) -> bool:
        """Whether the connection stands."""
        return self._transport is not None and not self._transport.is_closing()

    async def open(self) -> None:
        """Connect, unless the connection stands; raises LineError."""
        if self.connected:
            return
        self.close()
        inbox = self._inbox = Inbox()
        connect = asyncio.get_running_loop().create_connection
        try:
            async with asyncio.timeout(self._time_out):
                self._transport, _ = await connect(lambda: _Receiver(inbox), self._host, self._port)
        except TimeoutError:
            raise LineError(f"{self}: no connection within {self._time_out:g} s") from None
        except OSError as error:
            raise LineError(f"{self}: no connection: {error}") from error

    def forget(self) -> int:
        """Drop what came and was not read; returns how many bytes."""
        return self._inbox.forget()

    async def write(self, data: bytes) -> None:
        """Send; raises LostLineError when the connection is gone."""
        if self._transport is None or self._transport.is_closing():
            raise LostLineError("connection lost")
        # A request is some twenty bytes and the next one waits for its answer: no need to wait for the socket.
        self._transport.write(data)

    async def read(self) -> bytes:
        """What came since the last call, at least one byte; raises LostLineError."""
        return await self._inbox.read()

    def close(self) -> None:
        """Drop the connection, with all that is still under way."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
