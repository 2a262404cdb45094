"""The Modbus line at a serial port that vanishes, that is in use, or that is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from collector.drivers.modbus.connection import Connection
from collector.drivers.modbus.line import modbus_line
from collector.drivers.modbus.settings import ModbusRtuLine
from collector.drivers.settings import Parity
from collector.errors import LineError, LostLineError
from tests.support.eventually import eventually
from tests.support.modbus_peer import SerialPeer
from tests.support.modbus_rtu import METERS, TWO_WORDS, Lines, right, words


async def test_a_port_that_vanishes_is_opened_again(tmp_path: Path) -> None:
    """A USB converter is unplugged during a read, and comes back."""
    async with Lines("serial", tmp_path).to(lambda _: None, time_out=60, quiet=0) as (line, units):
        assert isinstance(units, SerialPeer)
        reading = asyncio.ensure_future(line.ask(1, TWO_WORDS))
        await eventually(lambda: units.requests)
        units.unplug()
        with pytest.raises(LostLineError, match="unit 1: connection lost"):
            await reading
        assert not line.connected
        line._quiet_until = 0
        with pytest.raises(LineError, match=r"ttyUSB0: no connection: .*No such file"):
            await line.ask(1, TWO_WORDS)
        units.answer = right
        units.plug_in()
        assert words(await line.ask(1, TWO_WORDS)) == (1, 3)


async def test_a_port_that_vanishes_between_reads_is_noticed(tmp_path: Path) -> None:
    """The next read says that there is no port."""
    async with Lines("serial", tmp_path).to(right) as (line, units):
        assert isinstance(units, SerialPeer)
        await line.ask(1, TWO_WORDS)
        units.unplug()
        await eventually(lambda: not line.connected)
        with pytest.raises(LineError):
            await line.ask(1, TWO_WORDS)


async def test_a_port_in_use_is_an_error_of_the_line(tmp_path: Path) -> None:
    """Two programs on one line would take each other's answers."""
    async with Lines("serial", tmp_path).to(right) as (line, units):
        assert isinstance(units, SerialPeer)
        await line.ask(1, TWO_WORDS)
        second = modbus_line(ModbusRtuLine(device=units.device, meters=METERS), lambda: 0)
        with pytest.raises(LineError, match="no connection: another process has locked it"):
            await second.ask(1, TWO_WORDS)
        assert words(await line.ask(1, TWO_WORDS)) == (1, 3)


async def test_something_that_is_no_port_is_an_error_of_the_line(tmp_path: Path) -> None:
    """A plain file takes no baud rate."""
    (tmp_path / "file").touch()
    line = modbus_line(ModbusRtuLine(device=tmp_path / "file", meters=METERS), lambda: 0)
    with pytest.raises(LineError, match="no connection"):
        await line.ask(1, TWO_WORDS)


@pytest.mark.parametrize(("parity", "letter"), [("none", "N"), ("even", "E"), ("odd", "O")])
async def test_a_port_gets_its_settings(parity: Parity, letter: str) -> None:
    """What pymodbus is told; a pseudo-terminal has no parity to try it on."""
    settings = ModbusRtuLine(device=Path("/dev/ttyX"), baud_rate=1200, parity=parity, stop_bits=2, meters=METERS)
    told = Connection(settings, modbus_line(settings, lambda: 0))._client.ctx.comm_params
    assert (told.host, told.baudrate, told.bytesize, told.parity, told.stopbits) == ("/dev/ttyX", 1200, 8, letter, 2)


@pytest.mark.parametrize(
    "scenario", [test_a_port_that_vanishes_is_opened_again, test_a_port_that_vanishes_between_reads_is_noticed]
)
def test_ports_vanish_on_uvloop_too(scenario: Callable[[Path], Coroutine[Any, Any, None]], tmp_path: Path) -> None:
    """It watches descriptors in its own way."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario(tmp_path))
