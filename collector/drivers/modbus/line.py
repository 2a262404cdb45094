"""One Modbus TCP connection to a gateway address, with any number of units behind it. The only importer of pymodbus.

One request is on the way at a time. After a time-out, a cancelled read or an answer that does not fit, the connection
is dropped: what is still under way then finds nobody, and a late reply is never taken for the next one. pymodbus itself
checks neither the function nor the length of an answer and skips foreign ones in silence, so that the check is here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from collector.errors import LineError, LostLineError, MismatchError, RefusedReadError, SilentUnitError
from collector.planning.planner import Read

_HEADER = 8  # MBAP header and function code
_EXCEPTION_LENGTH = 3  # unit, function, exception code; as much as unit, function and byte count
_NO_TIME_OUT_OF_ITS_OWN = 3600.0

# What pymodbus has to say about single attempts is said by us, once per transition.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


class Answer:
    """What a unit answered.

    Attributes:
        words: the registers, as many as asked for.
        at: data time in the middle between request and answer, ms UTC.
    """

    __slots__ = ("at", "words")

    def __init__(self, words: tuple[int, ...], at: int) -> None:
        self.words = words
        self.at = at


class ModbusLine:
    """The connection to one gateway address; connects by itself when a read needs it.

    Args:
        host: name or address.
        port: TCP port.
        time_out: real seconds within which a connection or an answer has to come.
        now_ms: data time.
    """

    def __init__(self, host: str, port: int, *, time_out: float, now_ms: Callable[[], int]) -> None:
        self._host, self._port = host, port
        self._time_out = time_out
        self._now_ms = now_ms
        self._client: AsyncModbusTcpClient | None = None
        self._turn = asyncio.Lock()
        self._unit = 0
        self._request = b""
        self._sent_at = self._answered_at = 0

    def __str__(self) -> str:
        return f"{self._host}:{self._port}"

    @property
    def connected(self) -> bool:
        """Whether the connection stands."""
        return self._client is not None and self._client.connected

    async def read(self, unit: int, request: Read) -> Answer:
        """Ask a unit for registers.

        Raises:
            LineError: no connection.
            LostLineError: the connection was lost before the answer came.
            SilentUnitError: no answer in time.
            MismatchError: an answer that belongs to another request, or of the wrong length.
            RefusedReadError: the device answered with an exception.
        """
        async with self._turn:
            client = await self._connect()
            clean = False
            try:
                answer = await self._ask(client, unit, request)
                clean = True
            finally:
                if not clean:
                    self.close()
        if isinstance(answer, ExceptionResponse):
            raise RefusedReadError(answer.exception_code, f"{self} unit {unit}: exception {answer.exception_code}")
        return Answer(tuple(answer.registers), (self._sent_at + self._answered_at) // 2)

    def close(self) -> None:
        """Drop the connection; the next read makes a new one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _connect(self) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        self.close()
        client = AsyncModbusTcpClient(
            self._host,
            port=self._port,
            reconnect_delay=0,
            retries=0,
            timeout=_NO_TIME_OUT_OF_ITS_OWN,
            trace_packet=self._watch,
            trace_connect=self._lost,
        )
        try:
            async with asyncio.timeout(self._time_out):
                connected = await client.connect()
        except TimeoutError:
            connected = False
        if not connected:
            client.close()
            raise LineError(f"{self}: no connection")
        self._client = client
        return client

    async def _ask(self, client: AsyncModbusTcpClient, unit: int, request: Read) -> ModbusPDU:
        self._unit = unit
        ask = client.read_input_registers if request.function_code == 4 else client.read_holding_registers  # noqa: PLR2004 - the function code itself
        try:
            async with asyncio.timeout(self._time_out):
                answer = await ask(request.address, count=request.count, device_id=unit)
        except TimeoutError:
            raise SilentUnitError(f"{self} unit {unit}: no answer within {self._time_out:g} s") from None
        except ModbusException as error:
            raise LostLineError(f"{self} unit {unit}: {error}") from error
        finally:
            self._request = b""
        return answer

    def _watch(self, sending: bool, data: bytes) -> bytes:  # noqa: FBT001 - pymodbus's signature
        """See every packet on its way: take the time, and stop an answer that does not belong to the request."""
        if sending:
            self._request = data
            self._sent_at = self._now_ms()
        elif fault := _foreign(self._request, data):
            self._fail(MismatchError(f"{self} unit {self._unit}: {fault}"))
            return b""
        else:
            self._answered_at = self._now_ms()
        return data

    def _lost(self, connected: bool) -> None:  # noqa: FBT001 - pymodbus's signature
        if not connected:
            self._fail(LostLineError(f"{self} unit {self._unit}: connection lost"))

    def _fail(self, error: Exception) -> None:
        """End the read under way at once: pymodbus would wait for its time-out."""
        if self._client is None:
            return
        waiting = self._client.ctx.response_future
        if self._request and not waiting.done():
            waiting.set_exception(error)
        else:
            # Something came although nothing was asked: what follows on this connection cannot be trusted.
            self.close()


def _foreign(request: bytes, data: bytes) -> str:
    """Why `data`, the start of an answer, does not belong to `request`; empty when it may.

    Transaction and protocol stand in bytes 0 to 3, the length of the rest in 4 and 5, the unit in 6, the function in 7
    (its top bit marks an exception); the number of registers asked for in 10 and 11 of the request.
    """
    if not request:
        return "an answer that nobody asked for"
    if len(data) < _HEADER:
        return ""
    length = int.from_bytes(data[4:6], "big")
    size = 2 * int.from_bytes(request[10:12], "big")
    refused = data[7] & 0x80
    checks = (
        ("transaction and protocol", data[:4], request[:4]),
        ("unit", data[6], request[6]),
        ("function", data[7] & 0x7F, request[7]),
        ("length", length, _EXCEPTION_LENGTH if refused else _EXCEPTION_LENGTH + size),
        ("byte count", size if refused else int.from_bytes(data[8:9] or size.to_bytes(1, "big"), "big"), size),
        ("bytes after the end", max(0, len(data) - (_HEADER - 2) - length), 0),
    )
    return next((f"{what} {got!r} instead of {due!r}" for what, got, due in checks if got != due), "")
