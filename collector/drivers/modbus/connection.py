"""The bytes' way to Modbus units: TCP, TLS or a serial port. The only importer of pymodbus.

pymodbus makes the connections and moves the bytes. It is given no requests, since it checks neither function nor length
of an answer and skips foreign ones in silence: `collector.drivers.modbus.line` does that with the bytes themselves.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import termios
from collections.abc import Callable
from typing import Protocol

from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient, AsyncModbusTlsClient

from collector.drivers.modbus.settings import (
    ModbusLineSettings,
    ModbusRtuLine,
    ModbusRtuOverTcpLine,
    ModbusTcpLine,
    ModbusTlsLine,
)
from collector.drivers.streams import reason
from collector.errors import LineError, LostLineError
from energy.errors import SetupError

Client = AsyncModbusTcpClient | AsyncModbusSerialClient
_PARITIES = {"none": "N", "even": "E", "odd": "O"}

# What pymodbus has to say about single attempts is said by us, once per transition.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


class Listener(Protocol):
    """Who hears what comes."""

    def received(self, data: bytes) -> None:
        """All bytes that came since the last `send` or `forget`."""

    def lost(self) -> None:
        """The connection is gone, and nobody on our side closed it."""


class Connection:
    """One connection, used until it is lost or closed.

    Args:
        settings: of the line.
        listener: hears what comes.
    """

    def __init__(self, settings: ModbusLineSettings, listener: Listener) -> None:
        self._settings = settings
        self._listener = listener
        self._made: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._client = _client(settings, self._on_packet, self._on_connect)
        # An answer merged with others is longer than one frame; pymodbus would drop it without a word.
        self._client.ctx.max_buffer_size = sys.maxsize

    @property
    def connected(self) -> bool:
        """Whether it stands."""
        return self._client.connected

    async def open(self, time_out: float) -> None:
        """Connect.

        Raises:
            LineError: it could not be done, for a network's lines within `time_out` real seconds.
        """
        opened = False
        transport: asyncio.Transport | None = None
        try:
            # A port opens in one go, however long the system takes, and nothing is gained by giving up then.
            async with asyncio.timeout(None if isinstance(self._settings, ModbusRtuLine) else time_out):
                # pymodbus's own `connect` keeps the reason to itself, and can swallow a cancellation on Python 3.11.
                transport, _ = await self._client.ctx.call_create()
                # A serial port is set up in the loop's next turn, and must not be closed before.
                await self._made
            opened = True
        except TimeoutError:
            raise LineError(f"{self._settings.place}: no connection within {time_out:g} s") from None
        except (OSError, ValueError, termios.error) as error:
            raise LineError(f"{self._settings.place}: no connection: {reason(error)}") from error
        finally:
            if not opened and transport is not None:
                asyncio.get_running_loop().call_soon(transport.close)

    def send(self, frame: bytes) -> None:
        """Send with the loop's next step, and forget what came before; raises LostLineError."""
        if not self.connected:
            # It was closed in the moment in which it was made, as servers do that have enough connections.
            raise LostLineError("connection lost")
        # The lines whose turn it is in this step write in a row: that costs each of them less, and their answers come
        # together too.
        asyncio.get_running_loop().call_soon(self._write, frame)

    def _write(self, frame: bytes) -> None:
        if self.connected:  # else the listener has heard that it is lost
            self._client.ctx.send(frame)

    def forget(self) -> None:
        """Discard what came."""
        self._client.ctx.recv_buffer = b""

    def close(self) -> None:
        """Close it; the listener hears no more."""
        self._client.close()

    def _on_packet(self, sending: bool, data: bytes) -> bytes:  # noqa: FBT001 - pymodbus's signature
        if not sending:
            self._listener.received(data)
        # Nothing is left for pymodbus to take apart; it keeps the bytes and shows them again with the next ones.
        return b""

    def _on_connect(self, connected: bool) -> None:  # noqa: FBT001 - pymodbus's signature
        if not connected:
            self._listener.lost()
        elif not self._made.done():
            self._made.set_result(None)


def _client(
    settings: ModbusLineSettings, packets: Callable[[bool, bytes], bytes], connects: Callable[[bool], None]
) -> Client:
    match settings:
        case ModbusTcpLine() | ModbusRtuOverTcpLine():
            framer = FramerType.SOCKET if isinstance(settings, ModbusTcpLine) else FramerType.RTU
            return AsyncModbusTcpClient(
                settings.host,
                port=settings.port,
                framer=framer,
                reconnect_delay=0,
                trace_packet=packets,
                trace_connect=connects,
            )
        case ModbusTlsLine():
            try:
                context = settings.tls.context(f"the line {settings.place}")
            except SetupError as error:
                raise LineError(str(error)) from error
            return AsyncModbusTlsClient(
                settings.host,
                port=settings.port,
                sslctx=context,
                reconnect_delay=0,
                trace_packet=packets,
                trace_connect=connects,
            )
        case ModbusRtuLine():
            return AsyncModbusSerialClient(
                str(settings.device),
                baudrate=settings.baud_rate,
                bytesize=8,
                parity=_PARITIES[settings.parity],
                stopbits=settings.stop_bits,
                reconnect_delay=0,
                trace_packet=packets,
                trace_connect=connects,
            )
