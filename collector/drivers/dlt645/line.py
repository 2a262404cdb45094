"""One line of DL/T 645-2007 meters, on a serial port or behind a serial converter.

One request is on the way at a time. An answer says who sent it and which data it holds, but not which request it
answers. So a late answer could pass for that to a later request for the same data, and the line is therefore kept quiet
after every exchange that went wrong, and what comes meanwhile is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from collector.drivers.dlt645 import frames
from collector.drivers.dlt645.frames import Frame, FrameReader, Request
from collector.drivers.dlt645.settings import Dlt645LineSettings, Dlt645SerialLine
from collector.drivers.line import Answer
from collector.drivers.serial_port import SerialPort
from collector.drivers.streams import Stream, TcpStream
from collector.errors import LostLineError, MismatchError, RefusedReadError, SilentUnitError


class Dlt645Line:
    """A line with any number of meters; opens by itself when a request needs it.

    Args:
        stream: the port or the connection; `str` of it is for people.
        time_out: real seconds within which every frame of an answer has to be there whole.
        quiet: real seconds that nothing is sent for after an exchange that went wrong.
        wake_bytes: FE bytes before each request.
        now_ms: data time.

    Attributes:
        discarded: bytes that came while nothing was asked, and were thrown away.
    """

    def __init__(
        self, stream: Stream, *, time_out: float, quiet: float, wake_bytes: int, now_ms: Callable[[], int]
    ) -> None:
        self._stream = stream
        self._time_out = time_out
        self._quiet = quiet
        self._wake_bytes = wake_bytes
        self._now_ms = now_ms
        self._turn = asyncio.Lock()
        self._quiet_until = 0.0
        self._doubtful = False
        self.discarded = 0

    def __str__(self) -> str:
        return str(self._stream)

    @property
    def connected(self) -> bool:
        """Whether the port is open, or the connection stands."""
        return self._stream.connected

    async def ask(self, unit: str, request: Request) -> Answer:
        """Ask the meter of an address; of an answer in several frames all are fetched.

        The answer's data is what follows the data identifier. Its time is that of the first frame: later frames
        carry on with the values that the meter had then.

        Raises:
            LineError: the port does not open, or no connection.
            LostLineError: it broke before the answer came.
            SilentUnitError: no whole answer in time.
            MismatchError: an answer that belongs to another request, or is damaged.
            RefusedReadError: the meter answered with an error byte.
        """
        async with self._turn:
            await self._open()
            clean = False
            try:
                answer = await self._read(unit, request)
                clean = True
            except RefusedReadError:
                clean = True
                raise
            finally:
                if not clean:
                    self._keep_quiet()
        return answer

    def close(self) -> None:
        """Close the port or drop the connection; the next request opens it again."""
        self._stream.close()

    async def _open(self) -> None:
        """Open the line, after its time of quiet: what comes meanwhile is dropped, on the connection as it was."""
        await asyncio.sleep(self._quiet_until - asyncio.get_running_loop().time())
        if self._doubtful and self._stream.reopens_after_fault:
            self._stream.close()
        await self._stream.open()
        self._doubtful = False

    async def _read(self, unit: str, request: Request) -> Answer:
        asked_at = self._now_ms()
        part = await self._exchange(unit, request)
        at = (asked_at + self._now_ms()) // 2
        data, sequence = part.data, 0
        while part.more:
            sequence += 1
            if sequence > frames.MOST_FOLLOWING:
                raise MismatchError(self._said(unit, request, "an answer without end"))
            part = await self._exchange(unit, request, sequence)
            data += part.data
        try:
            frames.check_size(data, request)
        except MismatchError as error:
            raise MismatchError(self._said(unit, request, str(error))) from None
        return Answer(data, at)

    async def _exchange(self, unit: str, request: Request, sequence: int = 0) -> frames.Part:
        """One request, and what its answer brings."""
        sent = frames.request_frame(unit, request, sequence)
        reader = FrameReader()
        try:
            async with asyncio.timeout(self._time_out):
                self.discarded += self._stream.forget()
                await self._stream.write(frames.encode(sent, self._wake_bytes))
                part = frames.take_part(await self._next(reader, sent), unit, request, sequence)
            _see_the_end(reader)
        except TimeoutError:
            what = f"no whole answer, only {reader.waiting} bytes," if reader.waiting else "no answer"
            raise SilentUnitError(self._said(unit, request, f"{what} within {self._time_out:g} s")) from None
        except RefusedReadError as error:
            raise RefusedReadError(error.code, self._said(unit, request, str(error))) from None
        except (MismatchError, LostLineError) as error:
            raise type(error)(self._said(unit, request, str(error))) from error
        return part

    async def _next(self, reader: FrameReader, sent: Frame) -> Frame:
        """The next frame that is not our own: on two wires some converters hear themselves."""
        while True:
            frame = reader.next()
            if frame is None:
                reader.feed(await self._stream.read())
            elif frame != sent:
                return frame

    def _keep_quiet(self) -> None:
        self._quiet_until = asyncio.get_running_loop().time() + self._quiet
        self._doubtful = True

    def _said(self, unit: str, request: Request, what: str) -> str:
        return f"{self} meter {unit}: {request}: {what}"


def dlt645_line(settings: Dlt645LineSettings, now_ms: Callable[[], int]) -> Dlt645Line:
    """The line that a table describes; nothing is opened yet. `now_ms` is data time."""
    stream: Stream
    if isinstance(settings, Dlt645SerialLine):
        stream = SerialPort(
            str(settings.device),
            baud_rate=settings.baud_rate,
            parity=settings.parity,
            stop_bits=settings.stop_bits,
        )
    else:
        stream = TcpStream(settings.host, settings.port, time_out=settings.time_out_s)
    return Dlt645Line(
        stream,
        time_out=settings.time_out_s,
        quiet=settings.quiet_s,
        wake_bytes=settings.wake_bytes,
        now_ms=now_ms,
    )


def _see_the_end(reader: FrameReader) -> None:
    """Take no answer that another one follows: two meters of one address, or a late one ahead of the right one."""
    if reader.next() is not None:
        raise MismatchError("another frame behind the answer")
