"""Values of every sort from a profile of one's own, from the file to the reading: bits, text, units set in a menu."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from collector.checks import load_settings
from collector.commissioning.reading import Shown, read_meter
from collector.errors import RegisterError
from collector.planning.learned_file import LearnedFile
from collector.polling.sweep import Sweep, sweep
from collector.process.lines import open_line, requests_of
from collector.profiles.library import Library
from collector.settings import CollectorSettings
from energy.clocks import DataClock
from energy.readings import Quality
from simulators.faults.schedule import ValueFault
from simulators.serving.line import Line, Reply, Unit
from simulators.serving.mbap import MbapFraming
from simulators.serving.pdu import READ_DISCRETE_INPUTS, Request, bits_pdu, registers_pdu
from simulators.serving.tcp import TcpServer

VALUES = (
    'name = "heat_total", unit = "display", function_code = 3, address = 0, type = "u32"',
    'name = "name", unit = "1", function_code = 3, address = 4, type = "string", words = 3',
    'name = "big", unit = "MWh", function_code = 3, address = 8, type = "f64", scale = 1000',
    'name = "flow", unit = "display", function_code = 4, address = 2, type = "f32"',
    'name = "flow_2", unit = "display", function_code = 4, address = 4, type = "f32"',
    'name = "pump", unit = "1", function_code = 1, address = 9, type = "bit"',
    'name = "valve", unit = "1", function_code = 1, address = 12, type = "bit"',
    'name = "alarm", unit = "1", function_code = 2, address = 9, type = "bit"',
)
PROFILE = f"""
protocol = "modbus"
maker = "none"
model = "none"
carrier = "heat"
counter = "heat_total"
source = "made up"
registers = [
  {",".join(f'{{ {value}, quantity = "any", confidence = "invented" }}' for value in VALUES)}
]
"""
CONFIG = """
spool_dir = "spool"
profile_dirs = ["profiles"]
[[platforms]]
kind = "mqtt"
[[gateways]]
code = "gw-1"
region = "610303"
[[gateways.lines]]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}
[[gateways.lines.meters]]
unit_id = 1
profile = "own"
point = "E"
unit = "MWh"
points = {{ flow = "F", pump = "P", valve = "V", alarm = "A", big = "B" }}
units = {{ flow = "l/h" }}
"""
CELLS = {
    **{(3, at): word for at, word in enumerate((0, 5))},
    **{(3, at): word for at, word in enumerate(struct.unpack(">3H", b"EM-3\0\0"), 4)},
    **{(3, at): word for at, word in enumerate(struct.unpack(">4H", struct.pack(">d", 1e307)), 8)},
    **{(4, at): word for at, word in enumerate(struct.unpack(">4H", struct.pack(">ff", 720.0, 3.0)), 2)},
    (1, 9): 1,
    (2, 9): 0,
    (1, 12): 1,
}
"""What the meter shows, by function code and address."""


class Shows:
    """A device that shows given cells, and zeros elsewhere."""

    def __init__(self, cells: Mapping[tuple[int, int], int]) -> None:
        self._cells = cells

    def answer(self, request: Request, at_ms: int, faults: Sequence[ValueFault]) -> Reply:  # noqa: ARG002 - the simulators' protocol
        """The cells asked for."""
        span = request.span()
        assert span is not None
        found = [self._cells.get((request.function, at), 0) for at in range(span[0], sum(span))]
        return Reply((bits_pdu if request.function <= READ_DISCRETE_INPUTS else registers_pdu)(request.function, found))


@asynccontextmanager
async def a_meter(directory: Path) -> AsyncIterator[CollectorSettings]:
    """The settings of a collector whose only meter is served."""
    (directory / "profiles").mkdir()
    (directory / "profiles" / "own.toml").write_text(PROFILE, encoding="utf-8")
    server = TcpServer(Line("test", MbapFraming(), {1: Unit(Shows(CELLS))}), lambda: 0, "127.0.0.1", 0)
    await server.start()
    try:
        file = directory / "collector.toml"
        file.write_text(CONFIG.format(port=server.port), encoding="utf-8")
        yield load_settings(file)
    finally:
        await server.stop()


async def test_a_poll_gives_each_its_reading(tmp_path: Path) -> None:
    """In base units, from coils and inputs too; a number beyond all numbers costs no other."""
    async with a_meter(tmp_path) as settings:
        (line,) = settings.gateways[0].lines
        (meter,) = line.meters
        clock, result = DataClock(settings.clock), Sweep()
        learned = LearnedFile(settings.learned_file(settings.gateways[0]))
        requests = requests_of(line.place, meter, Library(settings.profile_dirs), learned, clock, gateway="gw-1")
        way = open_line(line, clock)
        await sweep(way, meter.address, requests.exchanges, requests, result)
        way.close()
    assert result.error is None
    shown = {one.point: one.value for one in result.readings}
    assert shown == {"E": 18.0, "F": 0.72, "P": 1.0, "V": 1.0, "A": 0.0}
    assert {one.quality for one in result.readings} == {Quality.MEASURED}
    (fault,) = result.faults
    assert isinstance(fault, RegisterError)
    assert "big" in str(fault)


async def test_whoever_stands_before_the_meter_sees_all(tmp_path: Path) -> None:
    """Text, bits, what the menu's unit of measure makes of a number, and what makes no sense."""
    async with a_meter(tmp_path) as settings:
        (line,) = settings.gateways[0].lines
        attempts = [one async for one in read_meter(settings, settings.gateways[0], line, line.meters[0])]
    assert not [one.error for one in attempts if one.error]
    shown: dict[str, Shown] = {value.name: value for one in attempts for value in one.values}
    assert (shown["heat_total"].shows, shown["heat_total"].unit, shown["heat_total"].sent) == ("5", "MWh", 18.0)
    assert (shown["flow"].shows, shown["flow"].unit) == ("720", "l/h")
    assert (shown["flow_2"].shows, shown["flow_2"].unit, shown["flow_2"].sent) == ("3", "", None)
    assert "menu" in shown["flow_2"].remark
    assert (shown["name"].raw, shown["name"].shows) == ("'EM-3'", "EM-3")
    assert (shown["valve"].raw_bytes, shown["valve"].sent, shown["alarm"].sent) == ("1", 1.0, 0.0)
    assert shown["big"].sent is None
    assert "beyond all numbers" in shown["big"].remark
