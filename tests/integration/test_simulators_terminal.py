"""Simulated meters on a pseudo-terminal, as programs that open serial ports meet them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
import serial  # type: ignore[import-untyped]  # pyserial has no types
from pymodbus.framer.rtu import FramerRTU

from energy.errors import SetupError
from simulators.faults.kinds import FaultKind
from simulators.faults.settings import FaultSettings
from simulators.serving.conversation import PAUSE_S
from simulators.serving.line import Line
from simulators.serving.rtu import RtuFraming
from simulators.serving.terminal import TerminalServer
from tests.support.eventually import eventually, never_within
from tests.support.simulated import simulated

METER = "eastron_sdm630"


def request(unit: int = 1, address: int = 72) -> bytes:
    """A read of two input registers."""
    body = bytes((unit, 4)) + address.to_bytes(2, "big") + b"\0\2"
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


async def answer_of(port: serial.Serial, asked: bytes, count: int = 9) -> bytes:
    """What comes back, read without blocking the loop that serves it."""
    port.write(asked)
    return await asyncio.to_thread(port.read, count)


async def test_a_program_may_come_and_go() -> None:
    """The terminal stays when a client closes it, and the next one gets its own answers."""
    async with simulated(METER, transport="rtu", start=5000.0) as line:
        answers = []
        for _ in range(2):
            with serial.Serial(line.path, 9600, timeout=5) as port:
                answers.append(await answer_of(port, request()))
        assert answers[0] == answers[1]
        assert answers[0][:3] == bytes((1, 4, 4))


async def test_bytes_are_passed_as_they_are() -> None:
    """No line editing, no echo, no translation of line ends: an answer full of 0A and 0D arrives."""
    async with simulated(METER, transport="rtu", start=0.0) as line:
        line.faults[METER].add(FaultSettings(kind=FaultKind.REPLACEMENT, from_request=1, start=8.817968))
        # The float32 nearest to it is 41 0D 16 66 hexadecimal: a carriage return is among its bytes.
        with serial.Serial(line.path, 9600, timeout=5) as port:
            answer = await answer_of(port, request())
        assert answer[3:5] == b"\x41\x0d"


async def test_a_unit_that_nobody_has_and_a_broadcast_are_silent() -> None:
    """As on a bus; the next request is answered."""
    async with simulated(METER, transport="rtu") as line:
        with serial.Serial(line.path, 9600, timeout=5) as port:
            for unit in (9, 0):
                port.write(request(unit))
            await never_within(0.05, lambda: port.in_waiting)
            assert (await answer_of(port, request()))[0] == 1


async def test_a_pause_ends_a_frame_that_was_begun() -> None:
    """Half a request, a pause, a whole one: the whole one is answered."""
    async with simulated(METER, transport="rtu") as line:
        with serial.Serial(line.path, 9600, timeout=5) as port:
            port.write(b"\1\x10\0\0\0\2\xff")
            await never_within(1.5 * PAUSE_S, lambda: port.in_waiting)
            assert (await answer_of(port, request()))[:3] == bytes((1, 4, 4))


async def test_what_nobody_reads_stops_nobody() -> None:
    """A client that only asks fills the terminal's buffer; the rest is lost as on a wire, and serving goes on."""
    async with simulated(METER, transport="rtu") as line:
        with serial.Serial(line.path, 9600, timeout=5) as port:
            for _ in range(1000):
                port.write(request())
                await asyncio.sleep(0)
            await eventually(lambda: line.faults[METER].requests == 1000)
            port.reset_input_buffer()
            assert (await answer_of(port, request()))[:3] == bytes((1, 4, 4))


async def test_an_answer_that_is_late_for_the_end_is_dropped() -> None:
    """The terminal is closed while an answer waits: nothing is written to whatever has its number then."""
    late = FaultSettings(kind=FaultKind.DELAY, delay_s=0.02)
    async with simulated(METER, transport="rtu", faults=[late]) as line:
        client = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
        os.write(client, request())
        await eventually(lambda: line.faults[METER].requests)
        await line.server.stop()
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        await never_within(0.05, lambda: _readable(reading))
        for descriptor in (client, reading, writing):
            os.close(descriptor)


def _readable(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 100)
    except BlockingIOError:
        return b""


def terminal(link: Path | None) -> TerminalServer:
    """A terminal without meters."""
    return TerminalServer(Line("line", RtuFraming(), {}), lambda: 0, link)


async def test_a_link_gives_a_path_that_stays(tmp_path: Path) -> None:
    """It leads to the terminal while it is served, one that was left behind is replaced, and it is taken away after."""
    link = tmp_path / "meters"
    link.symlink_to("/dev/pts/left-behind")
    server = terminal(link)
    await server.start()
    assert (str(link.readlink()), server.place, server.listening) == (server.path, str(link), True)
    await server.stop()
    assert not link.is_symlink()
    assert not server.listening


async def test_a_link_of_a_newer_process_is_left_alone(tmp_path: Path) -> None:
    """The first one to stop does not take the second one's path away."""
    link = tmp_path / "meters"
    old, new = terminal(link), terminal(link)
    await old.start()
    await new.start()
    await old.stop()
    assert str(link.readlink()) == new.path
    await new.stop()


async def test_a_link_to_somewhere_else_is_kept(tmp_path: Path) -> None:
    """Only what leads to a pseudo-terminal can be left from an earlier process; a real port's name is not ours."""
    link = tmp_path / "ttyMeters"
    link.symlink_to("/dev/ttyUSB0")
    server = terminal(link)
    with pytest.raises(SetupError, match="ttyMeters cannot be served: File exists"):
        await server.start()
    assert str(link.readlink()) == "/dev/ttyUSB0"


async def test_what_stands_in_the_links_place_is_kept(tmp_path: Path) -> None:
    """A file is not ours to take away; the message says where."""
    link = tmp_path / "meters"
    link.write_text("precious", encoding="utf-8")
    server = terminal(link)
    with pytest.raises(SetupError, match="meters cannot be served: File exists"):
        await server.start()
    assert link.read_text(encoding="utf-8") == "precious"
    assert not server.listening
