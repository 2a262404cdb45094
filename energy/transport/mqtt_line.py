"""The socket under an MQTT connection: takes the packets that come by the thousand past the client library.

paho reads a packet in four system calls and builds a table of all properties for it, about 100 µs a message with its
acknowledgements; here all that has come is read at once, and a message costs a few µs. The library sees every other
packet, as from a socket of its own, and has no messages to care for.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable

from energy.transport.mqtt_packets import KIND, PUBACK, PUBLISH, find_packet

_READ_BYTES = 262_144


class Line:
    """What paho takes for its socket.

    Args:
        connection: the open, non-blocking connection, with or without TLS.
        take: given first byte and body of each PUBLISH and PUBACK, in order with what paho reads. What it raises ends
            the reading.

    Attributes:
        lingering: at the end, leave the connection open for `finish`.
    """

    def __init__(self, connection: socket.socket, take: Callable[[int, bytes], None]) -> None:
        self.lingering = False
        self._released = False
        self._connection = connection
        self._take = take
        self._incoming = bytearray()
        self._others = bytearray()

    def recv(self, size: int) -> bytes:
        """At most `size` bytes of a packet that is paho's; b"" at the end of the line.

        Raises:
            BlockingIOError: none has come.
            OSError: the line is lost, or the broker breaks the protocol.
        """
        if not self._others and not self._sort():
            piece = self._connection.recv(_READ_BYTES)
            if not piece:
                return b""
            self._incoming += piece
            if not self._sort():
                raise BlockingIOError
        part = bytes(self._others[:size])
        del self._others[:size]
        return part

    def pending(self) -> int:
        """Not 0 while reading again makes sense before more comes: aiomqtt asks, as it would an SSL socket."""
        hidden = self._connection.pending() if isinstance(self._connection, ssl.SSLSocket) else 0
        return hidden or len(self._others) or int(bool(self._incoming) and find_packet(self._incoming, 0) is not None)

    def send(self, data: bytes | bytearray) -> int:
        """As a socket's."""
        return self._connection.send(data)

    def fileno(self) -> int:
        """As a socket's."""
        return self._connection.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - a socket's signature
        """As a socket's."""
        self._connection.setblocking(flag)

    def close(self) -> None:
        """Close, or leave that to `finish`."""
        self._released = True
        if not self.lingering:
            self._connection.close()

    def cut(self) -> None:
        """End the line at once; paho finds out in its next read, and closes."""
        self.lingering = False
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        if self._released:
            self._connection.close()

    async def finish(self, bound: float) -> None:
        """Say that nothing more will be sent, and close when the broker has, or after `bound` real seconds.

        Closing while the broker still sends would reset the line, and what it has not read yet would be lost. Does
        nothing on a line that paho did not close while it was `lingering`.
        """
        if not self._released or self._connection.fileno() < 0:
            return
        # Without TLS from here on: what comes is thrown away unread, and asyncio takes no SSL socket.
        rest = socket.socket(fileno=self._connection.detach())
        with contextlib.closing(rest), contextlib.suppress(OSError, TimeoutError):
            rest.setblocking(False)
            rest.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(bound):
                while await asyncio.get_running_loop().sock_recv(rest, _READ_BYTES):
                    pass

    def _sort(self) -> bool:
        """Take the packets that are ours from what has come; true when the next one is paho's and all there."""
        position = 0
        try:
            while not self._others and (found := find_packet(self._incoming, position)):
                begin, end = found
                first = self._incoming[position]
                if first & KIND in (PUBLISH, PUBACK):
                    self._take(first, bytes(self._incoming[begin:end]))
                else:
                    self._others += self._incoming[position:end]
                position = end
        finally:
            del self._incoming[:position]
        return bool(self._others)
