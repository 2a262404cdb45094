"""The line of DL/T 645 meters on a serial port: a pair of pseudo terminals with a meter at the far end."""

from __future__ import annotations

import asyncio
import os
import socket
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from collector.drivers.dlt645.frames import ReadData
from collector.drivers.dlt645.line import Dlt645Line, dlt645_line
from collector.drivers.dlt645.settings import Dlt645Meter, Dlt645SerialLine
from collector.drivers.serial_port import SerialPort
from collector.drivers.settings import Parity
from collector.errors import LineError, LostLineError, MismatchError, SilentUnitError
from tests.support.dlt645_peer import METER, TOTAL, reply
from tests.support.eventually import eventually
from tests.support.serial_pair import SerialPair, serial_pair

READ = ReadData(TOTAL, 4, 4)
VALUE = b"\x78\x56\x34\x12"


class FarEnd:
    """The other port, in a test's hands.

    Attributes:
        heard: what came in.
        answer: is sent when the next whole request has come; nothing when empty.
    """

    def __init__(self, device: str) -> None:
        self._descriptor = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.heard = b""
        self.answer = b""
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    def _read(self) -> None:
        try:
            self.heard += os.read(self._descriptor, 4096)
        except OSError:
            self.close()
            return
        if self.heard.endswith(b"\x16") and self.answer:
            self.send(self.answer)
            self.answer = b""

    def send(self, data: bytes) -> None:
        """Send, asked or not."""
        os.write(self._descriptor, data)

    def close(self) -> None:
        """Let go of the port."""
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1


def settings(device: str, *, time_out: float = 5.0, quiet: float = 0.05) -> Dlt645SerialLine:
    """A line with one meter."""
    meter = Dlt645Meter(profile="none", address=METER)
    return Dlt645SerialLine(device=Path(device), time_out_s=time_out, quiet_s=quiet, meters=(meter,))


@asynccontextmanager
async def serial_line(
    *, time_out: float = 5.0, quiet: float = 0.05
) -> AsyncIterator[tuple[Dlt645Line, FarEnd, SerialPair]]:
    """A line on a port, the far end of its wire, and the wire."""
    with serial_pair() as pair:
        far = FarEnd(pair.theirs)
        line = dlt645_line(settings(pair.ours, time_out=time_out, quiet=quiet), lambda: 1_000)
        try:
            yield line, far, pair
        finally:
            line.close()
            far.close()


def right_answer(value: bytes = VALUE) -> bytes:
    """What the meter says to `READ`."""
    return reply(bytes.fromhex("68785634120000681104333334 33CC16"), value)


def attributes_of(device: str) -> list[Any]:
    """How the port is set, as the kernel has it."""
    descriptor = os.open(device, os.O_RDWR | os.O_NOCTTY)
    try:
        return termios.tcgetattr(descriptor)
    finally:
        os.close(descriptor)


async def test_a_read_goes_over_the_wire() -> None:
    """The port opens by itself and stays open."""
    async with serial_line() as (line, far, _):
        before = line.connected
        far.answer = b"\xfe" + right_answer()
        assert (await line.ask(METER, READ)).data == VALUE
        assert (before, line.connected) == (False, True)
        assert far.heard.startswith(b"\xfe\xfe\xfe\xfe\x68")


async def test_the_port_is_set_as_the_meters_are() -> None:
    """2400 baud and raw bytes of eight bits; a pseudo terminal has no parity to look at."""
    async with serial_line() as (line, far, pair):
        far.answer = right_answer()
        await line.ask(METER, READ)
        attributes = attributes_of(pair.ours)
        assert attributes[5] == termios.B2400
        assert attributes[2] & termios.CSIZE == termios.CS8
        assert not attributes[3] & (termios.ECHO | termios.ICANON)


@pytest.mark.parametrize(("parity", "letter"), [("none", "N"), ("even", "E"), ("odd", "O")])
async def test_parity_and_stop_bits_are_handed_on(parity: Parity, letter: str) -> None:
    """To pyserial, as far as a pseudo terminal lets one see."""
    with serial_pair() as pair:
        port = SerialPort(pair.ours, baud_rate=9600, parity=parity, stop_bits=2)
        await port.open()
        assert port._port is not None
        assert (port._port.baudrate, port._port.parity, port._port.stopbits) == (9600, letter, 2)
        port.close()


async def test_a_late_answer_is_dropped_while_the_line_is_quiet() -> None:
    """The port stays open, what comes in the time of quiet is read and dropped."""
    async with serial_line(time_out=0.1, quiet=0.3) as (line, far, _):
        with pytest.raises(SilentUnitError):
            await line.ask(METER, READ)
        assert line.connected
        far.heard = b""
        asking = asyncio.ensure_future(line.ask(METER, READ))
        far.send(right_answer(b"\x99\x99\x99\x99"))
        far.answer = right_answer()
        assert (await asking).data == VALUE


async def test_a_late_answer_that_comes_with_the_right_one_is_no_value() -> None:
    """Two answers behind one request: neither can be trusted."""
    async with serial_line() as (line, far, _):
        far.answer = right_answer(b"\x99\x99\x99\x99") + right_answer()
        with pytest.raises(MismatchError, match="another frame behind"):
            await line.ask(METER, READ)


async def test_an_unplugged_port_ends_the_read_at_once() -> None:
    """The next read says that the port is not there."""
    async with serial_line(time_out=30) as (line, far, pair):
        asking = asyncio.ensure_future(line.ask(METER, READ))
        await eventually(lambda: far.heard)
        far.close()
        pair.unplug()
        with pytest.raises(LostLineError, match="port lost"):
            await asking
        assert not line.connected
        with pytest.raises(LineError):
            await line.ask(METER, READ)


async def test_a_port_that_is_closed_ends_the_read_at_once() -> None:
    """As when the line leaves the configuration while a meter is asked."""
    async with serial_line(time_out=30) as (line, far, _):
        asking = asyncio.ensure_future(line.ask(METER, READ))
        await eventually(lambda: far.heard)
        line.close()
        with pytest.raises(LostLineError, match="closed"):
            await asking


async def test_a_port_in_use_is_said_to_be_so() -> None:
    """Two masters on one port would read each other's answers."""
    async with serial_line() as (line, far, pair):
        far.answer = right_answer()
        await line.ask(METER, READ)
        second = dlt645_line(settings(pair.ours), lambda: 0)
        with pytest.raises(LineError, match="another process has locked it"):
            await second.ask(METER, READ)


async def test_a_missing_port_is_a_fault_of_the_line(tmp_path: Path) -> None:
    """The message names it."""
    line = dlt645_line(settings(str(tmp_path / "ttyUSB9")), lambda: 0)
    with pytest.raises(LineError, match="ttyUSB9"):
        await line.ask(METER, READ)


async def test_a_file_is_no_port(tmp_path: Path) -> None:
    """What pyserial and termios have to say comes out as a fault of the line too."""
    (tmp_path / "file").touch()
    with pytest.raises(LineError):
        await dlt645_line(settings(str(tmp_path / "file")), lambda: 0).ask(METER, READ)


async def test_a_port_that_takes_no_more_is_waited_for() -> None:
    """A write larger than the port's buffer goes out whole, without blocking the loop."""
    with serial_pair() as pair:
        far = FarEnd(pair.theirs)
        port = SerialPort(pair.ours, baud_rate=2400, parity="even", stop_bits=1)
        await port.open()
        data = bytes(range(256)) * 200
        async with asyncio.timeout(10):
            await port.write(data)
            await eventually(lambda: len(far.heard) == len(data))
        assert far.heard == data
        port.close()
        far.close()


async def test_a_port_that_is_closed_ends_a_write_that_waits() -> None:
    """Nobody waits for ever, and the descriptor is not watched any more when the system gives it to somebody else."""
    with serial_pair() as pair:
        port = SerialPort(pair.ours, baud_rate=2400, parity="even", stop_bits=1)
        await port.open()
        pair.pause()
        writing = asyncio.create_task(port.write(bytes(1_000_000)))
        await eventually(lambda: port._writable is not None)
        port.close()
        with pytest.raises(LostLineError, match="the port was closed"):
            async with asyncio.timeout(5):
                await writing
        one, other = socket.socketpair()
        with one, other:
            one.setblocking(False)
            loop = asyncio.get_running_loop()
            loop.call_soon(other.send, b"x")
            async with asyncio.timeout(5):
                assert await loop.sock_recv(one, 1) == b"x"


async def test_what_the_loop_has_not_seen_yet_is_forgotten_too() -> None:
    """A late answer may wait in the system's buffer while the loop is busy: it is no answer to the next request."""
    with serial_pair() as pair:
        port = SerialPort(pair.ours, baud_rate=2400, parity="even", stop_bits=1)
        await port.open()
        pair.feed_ours(b"late")
        port.forget()
        pair.feed_ours(b"right")
        async with asyncio.timeout(5):
            assert await port.read() == b"right"
        port.close()


def test_it_works_on_uvloop() -> None:
    """The loop of the collector."""

    async def read() -> bytes:
        async with serial_line() as (line, far, _):
            far.answer = right_answer()
            return (await line.ask(METER, READ)).data

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(read()) == VALUE
