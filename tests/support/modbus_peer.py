"""Modbus peers whose answers a test writes byte by byte, independent of any library: on TCP, with TLS, on a pty."""

from __future__ import annotations

import asyncio
import os
import ssl
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

Answer = Callable[[bytes], bytes | None]
"""From a request frame to the bytes of the answer; None is silence."""

RTU_REQUEST = 8
"""Bytes of a read on a serial line: unit, function, address, count, CRC."""


def reply(request: bytes, words: list[int]) -> bytes:
    """The right answer to a read in Modbus TCP: those words, with the request's transaction, unit and function."""
    data = b"".join(word.to_bytes(2, "big") for word in words)
    return request[:4] + (3 + len(data)).to_bytes(2, "big") + request[6:8] + bytes([len(data)]) + data


def refusal(request: bytes, code: int) -> bytes:
    """The answer by which a device refuses a read in Modbus TCP."""
    return request[:4] + (3).to_bytes(2, "big") + bytes([request[6], request[7] | 0x80, code])


def asked(request: bytes) -> tuple[int, int, int, int]:
    """Unit, function, address and count of a read in Modbus TCP."""
    return request[6], request[7], int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big")


def with_crc(frame: bytes) -> bytes:
    """A frame of a serial line with its checksum, computed bit by bit as the standard's appendix describes it."""
    register = 0xFFFF
    for byte in frame:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return frame + register.to_bytes(2, "little")


def rtu_reply(request: bytes, words: list[int]) -> bytes:
    """The right answer to a read on a serial line."""
    data = b"".join(word.to_bytes(2, "big") for word in words)
    return with_crc(request[:2] + bytes([len(data)]) + data)


def rtu_refusal(request: bytes, code: int) -> bytes:
    """The answer by which a device on a serial line refuses a read."""
    return with_crc(bytes([request[0], request[1] | 0x80, code]))


class Peer:
    """The server's side of a test, on TCP.

    Args:
        answer: how it answers.
        rtu: whether it speaks as on a serial line.

    Attributes:
        port: where it listens.
        answer: how it answers; a test may change it at any time.
        requests: all frames that came in.
        connections: how many connections were made.
    """

    def __init__(self, answer: Answer, *, rtu: bool = False) -> None:
        self.port = 0
        self.answer = answer
        self.requests: list[bytes] = []
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self._rtu = rtu
        self._handlers: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        self.writers.append(writer)
        if (handler := asyncio.current_task()) is not None:
            self._handlers.add(handler)
        try:
            while True:
                request = await self._request(reader)
                self.requests.append(request)
                answer = self.answer(request)
                if answer is not None:
                    writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def write(self, data: bytes) -> None:
        """Say something unasked on the newest connection."""
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

    async def _request(self, reader: asyncio.StreamReader) -> bytes:
        if self._rtu:
            return await reader.readexactly(RTU_REQUEST)
        header = await reader.readexactly(6)
        return header + await reader.readexactly(int.from_bytes(header[4:6], "big"))


@asynccontextmanager
async def modbus_peer(answer: Answer, *, rtu: bool = False, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """A peer on a free loopback port."""
    peer = Peer(answer, rtu=rtu)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        await peer.end()
        await server.wait_closed()


class SerialPeer:
    """The units' side of a serial line, on a pseudo-terminal.

    Args:
        device: path under which the port appears, like the name that udev gives to a USB converter.
        answer: how it answers.

    Attributes:
        device: the path.
        answer: how it answers; a test may change it at any time.
        requests: all frames that came in.
    """

    def __init__(self, device: Path, answer: Answer) -> None:
        self.device = device
        self.answer = answer
        self.requests: list[bytes] = []
        self._end = self._port = -1
        self._rest = b""

    def plug_in(self) -> None:
        """Make the port appear."""
        # The port's end stays open here too: a pseudo-terminal that nobody has open is hung up.
        self._end, self._port = os.openpty()
        tty.setraw(self._port)
        self.device.symlink_to(os.ttyname(self._port))
        os.set_blocking(self._end, False)
        asyncio.get_running_loop().add_reader(self._end, self._read)

    def unplug(self) -> None:
        """Make the port vanish, also for those who have it open."""
        if self._end < 0:
            return
        asyncio.get_running_loop().remove_reader(self._end)
        os.close(self._end)
        os.close(self._port)
        self._end = -1
        self.device.unlink()

    def write(self, data: bytes) -> None:
        """Say something unasked."""
        os.write(self._end, data)

    def _read(self) -> None:
        self._rest += os.read(self._end, 4096)
        while len(self._rest) >= RTU_REQUEST:
            request, self._rest = self._rest[:RTU_REQUEST], self._rest[RTU_REQUEST:]
            self.requests.append(request)
            answer = self.answer(request)
            if answer is not None:
                self.write(answer)


@contextmanager
def serial_peer(device: Path, answer: Answer) -> Iterator[SerialPeer]:
    """A plugged-in port with units behind it."""
    peer = SerialPeer(device, answer)
    peer.plug_in()
    try:
        yield peer
    finally:
        peer.unplug()
