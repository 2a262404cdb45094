"""One Modbus line with any number of units behind it: TCP, TLS, RTU at a serial port, or RTU over TCP.

One request is on the way at a time. An answer is judged by `collector.drivers.modbus.frames` as its bytes come; what
does not fit never becomes a value.

- TCP and TLS: after a time-out, a cancelled read or a mismatch the connection is dropped. What is still under way then
  finds nobody, and the numbers of transactions go on, so that no answer fits a later request.
- RTU: an answer carries no number. After a time-out, a cancelled read, a mismatch or a lost connection the line is kept
  quiet: nothing is sent, and what comes is counted and thrown away, until the request's time-out and `quiet_s` after it
  are over. Input while the line is quiet does not make the quiet time longer; input that nobody asked for begins one.

What stays undetectable on RTU: an answer that comes later than time-out and quiet time, or one that is sent twice,
while the same unit is asked with the same function for as many registers; and damage that a CRC of 16 bits does not
show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from collector.drivers.deadline import Deadline
from collector.drivers.line import Answer
from collector.drivers.modbus.connection import Connection
from collector.drivers.modbus.frames import Asked, RtuAsked, TcpAsked, next_transaction
from collector.drivers.modbus.settings import ModbusLineSettings, SerialUnits
from collector.errors import LostLineError, MismatchError, RefusedReadError, SilentUnitError
from collector.planning.planner import Read
from energy.errors import TransportError

_MOST_SILENT = 5
"""Requests in a row without an answer from anybody after which a connection that still stands is made anew: a converter
that was switched off says nothing."""


class ModbusLine:
    """The line; it connects by itself when a request needs it.

    Args:
        settings: its table.
        now_ms: data time.

    Attributes:
        discarded: bytes that came while nothing was asked, and were thrown away.
    """

    def __init__(self, settings: ModbusLineSettings, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._rtu = settings if isinstance(settings, SerialUnits) else None
        self._now_ms = now_ms
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None
        self._transaction = 0
        self._asked: Asked | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._answered_at = 0
        self._gap_until = self._quiet_until = 0.0
        self._silent = 0
        self._allowed = 0.0
        self._deadline = Deadline(self._silence)
        self.discarded = 0

    def __str__(self) -> str:
        return self._settings.place

    @property
    def connected(self) -> bool:
        """Whether the connection stands, or the port is open."""
        return self._connection is not None and self._connection.connected

    async def ask(self, unit: int, request: Read) -> Answer:
        """Ask a unit for registers, coils or inputs: see `collector.drivers.line.Line.ask`."""
        async with self._turn:
            if self._rtu is not None:
                await self._settle()
            connection = self._connection
            if connection is None or not connection.connected:
                connection = await self._connect()
            try:
                return await self._exchange(connection, unit, request)
            except (LostLineError, MismatchError, SilentUnitError) as error:
                raise type(error)(f"{self} unit {unit}: {error}") from None
            except RefusedReadError as error:
                raise RefusedReadError(error.code, f"{self} unit {unit}: {error}") from None

    def close(self) -> None:
        """Drop the connection; the next request makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._deadline.close()
        self._fail(LostLineError("closed"))

    def received(self, data: bytes) -> None:
        """Hear what came on the connection."""
        answer = self._answer
        if answer is None or self._asked is None or answer.done():
            self._unasked(data)
            return
        try:
            payload = self._asked.judge(data)
        except TransportError as error:
            self._silent = 0
            self._fail(error)
        else:
            if payload is None:
                return
            answer.set_result(payload)
        self._answered_at = self._now_ms()
        if self._connection is not None:
            self._connection.forget()

    def lost(self) -> None:
        """Hear that the connection is gone."""
        self._fail(LostLineError("connection lost"))

    async def _connect(self) -> Connection:
        self.close()
        connection = Connection(self._settings, self)
        await connection.open(self._settings.time_out_s)
        self._connection = connection
        return connection

    async def _settle(self) -> None:
        """Wait until the line may be used: units need a gap to see where a frame begins."""
        now = asyncio.get_running_loop().time()
        if now < self._gap_until:
            await asyncio.sleep(self._gap_until - now)
        # Once: whoever keeps talking on the line shall not stop us for ever.
        if (rest := self._quiet_until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(rest)

    async def _exchange(self, connection: Connection, unit: int, request: Read) -> Answer:
        loop = asyncio.get_running_loop()
        asked = self._asked = self._next(unit, request)
        answer = self._answer = loop.create_future()
        trusted = False
        sent, sent_at = loop.time(), self._now_ms()
        allowed = self._allowed = self._time_for(asked)
        self._deadline.set(sent + allowed)
        try:
            connection.send(asked.frame)
            data = await answer
            trusted = True
        except RefusedReadError:
            trusted = True
            raise
        finally:
            self._deadline.meet()
            self._answer = self._asked = None
            if trusted:
                self._silent = 0
                self._rest(loop.time())
            else:
                self._distrust(sent + allowed)
        return Answer(data, (sent_at + self._answered_at) // 2)

    def _next(self, unit: int, request: Read) -> Asked:
        if self._rtu is not None:
            return RtuAsked(unit, request)
        self._transaction = next_transaction(self._transaction)
        return TcpAsked(self._transaction, unit, request)

    def _time_for(self, asked: Asked) -> float:
        """Real seconds until the answer has to be complete: on a slow line its bytes take longer than a unit thinks."""
        if self._rtu is None:
            return self._settings.time_out_s
        return self._settings.time_out_s + (len(asked.frame) + asked.answer_size) * self._rtu.byte_s

    def _silence(self) -> None:
        self._silent += 1
        self._fail(SilentUnitError(f"no answer within {self._allowed:.3g} s"))

    def _fail(self, error: TransportError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def _rest(self, now: float) -> None:
        """After an answer that fits."""
        if self._rtu is not None:
            self._gap_until = now + self._rtu.gap_s

    def _distrust(self, until: float) -> None:
        """Make sure that what may still be under way until then is taken for nobody's answer."""
        if self._rtu is None or self._silent >= _MOST_SILENT:
            self._silent = 0
            self.close()
        if self._rtu is not None:
            self._quiet_until = until + self._rtu.quiet_s

    def _unasked(self, data: bytes) -> None:
        """Something came although nothing was asked: what follows on this connection cannot be trusted."""
        self.discarded += len(data)
        if self._connection is not None:
            self._connection.forget()
        now = asyncio.get_running_loop().time()
        if self._rtu is None:
            self.close()
        elif now >= self._quiet_until:
            self._quiet_until = now + self._rtu.quiet_s


def modbus_line(settings: ModbusLineSettings, now_ms: Callable[[], int]) -> ModbusLine:
    """The line that a table describes.

    Args:
        settings: its table.
        now_ms: data time.
    """
    return ModbusLine(settings, now_ms)
