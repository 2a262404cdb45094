"""A serial port on the event loop. The only importer of pyserial, which configures the port; bytes go past it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios

import serial  # type: ignore[import-untyped]  # pyserial ships no types

from collector.drivers.settings import Parity, StopBits
from collector.drivers.streams import Inbox, reason
from collector.errors import LineError, LostLineError

_CHUNK = 4096
_PARITIES = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}


class SerialPort:
    """One serial port, of eight data bits; nobody else may have it open.

    pyserial's own reads block, and those of the known asyncio adapters go through asyncio's transports. Watching the
    descriptor works on asyncio's loop and on uvloop alike.

    Args:
        device: path of the port, e.g. `/dev/ttyS1`.
        baud_rate: bits a second.
        parity: the parity bit.
        stop_bits: 1 or 2.
    """

    # Opening a port moves its control lines, which feed some converters.
    reopens_after_fault = False

    def __init__(self, device: str, *, baud_rate: int, parity: Parity, stop_bits: StopBits) -> None:
        self._device = device
        self._options = {
            "baudrate": baud_rate,
            "bytesize": serial.EIGHTBITS,
            "parity": _PARITIES[parity],
            "stopbits": stop_bits,
        }
        self._port: serial.Serial | None = None
        self._writable: asyncio.Event | None = None
        self._inbox = Inbox()

    def __str__(self) -> str:
        return self._device

    @property
    def connected(self) -> bool:
        """Whether the port is open."""
        return self._port is not None

    async def open(self) -> None:
        """Open the port, unless it is open; raises LineError."""
        if self._port is not None:
            return
        try:
            port = serial.Serial(self._device, timeout=0, exclusive=True, **self._options)
        except (OSError, ValueError, termios.error) as error:
            raise LineError(f"{self}: {reason(error)}") from error
        self._port, self._inbox = port, Inbox()
        asyncio.get_running_loop().add_reader(port.fd, self._receive)

    def forget(self) -> int:
        """Drop what came and was not read, also what the system still holds; returns how many bytes had come."""
        dropped = self._inbox.forget()
        if self._port is not None:
            with contextlib.suppress(termios.error):  # lost: who reads or writes will say so
                termios.tcflush(self._port.fd, termios.TCIFLUSH)
        return dropped

    async def write(self, data: bytes) -> None:
        """Send, waiting while the port takes no more; raises LostLineError."""
        rest = memoryview(data)
        while rest:
            if self._port is None:
                raise LostLineError("the port was closed")
            try:
                rest = rest[os.write(self._port.fd, rest) :]
            except BlockingIOError:
                await self._room(self._port.fd)
            except OSError as error:
                self._fail(error)

    async def read(self) -> bytes:
        """What came since the last call, at least one byte; raises LostLineError."""
        return await self._inbox.read()

    def close(self) -> None:
        """Give the port back."""
        if self._port is None:
            return
        port, self._port = self._port, None
        asyncio.get_running_loop().remove_reader(port.fd)
        if self._writable is not None:
            # Before the descriptor is closed: the system may give its number to another file at once.
            asyncio.get_running_loop().remove_writer(port.fd)
            self._writable.set()
        port.close()
        self._inbox.lose("the port was closed")

    def _receive(self) -> None:
        if self._port is None:
            return
        try:
            data = os.read(self._port.fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._break(f"port lost: {error}")
            return
        if data:
            self._inbox.put(data)
        else:
            # A terminal says by an empty read that it was hung up: the adapter was unplugged.
            self._break("port lost: hung up")

    def _break(self, why: str) -> None:
        self._inbox.lose(why)
        self.close()

    def _fail(self, error: OSError) -> None:
        self._break(f"port lost: {error}")
        raise LostLineError(f"port lost: {error}") from error

    async def _room(self, descriptor: int) -> None:
        """Wait until the port takes more, or is closed."""
        loop = asyncio.get_running_loop()
        ready = self._writable = asyncio.Event()
        loop.add_writer(descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            self._writable = None
            if self._port is not None:
                loop.remove_writer(descriptor)
