"""The collector and three Modbus implementations that are not ours agree: libmodbus, pymodbus's simulator, mbpoll.

On Modbus TCP and on RTU over a pseudo-terminal, for every data type in every order of bytes.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType as PymodbusType
from pymodbus.simulator import SimData, SimDevice

from benchmarks.libmodbus import build_server, modbus_tree
from collector.drivers.modbus.line import ModbusLine, modbus_line
from collector.drivers.modbus.settings import ModbusMeter, ModbusRtuLine, ModbusTcpLine
from collector.errors import RefusedReadError, SilentUnitError
from collector.planning.planner import Read
from collector.registers import DataType, WordOrder
from energy.errors import SetupError
from simulators.faults.schedule import ValueFault
from simulators.serving.line import Line, Reply, Unit
from simulators.serving.mbap import MbapFraming
from simulators.serving.pdu import READ_DISCRETE_INPUTS, Request, bits_pdu, registers_pdu
from simulators.serving.rtu import RtuFraming
from simulators.serving.tcp import TcpServer
from simulators.serving.terminal import TerminalServer
from tests.support.modbus_cases import BITS, FIRST, Case, bit_cases, cases, read_all
from tests.support.modbus_tools import libmodbus_server, mbpoll
from tests.support.serial_pair import serial_pair

UNIT = 7
METERS = (ModbusMeter(unit_id=UNIT, profile="generic_belt_scale", point="a"),)
BAUD = 115_200
KINDS = ("tcp", "rtu")

pytestmark = pytest.mark.timeout(600)  # The first test fetches packages, where they are not there yet.


def tcp_line(port: int) -> ModbusLine:
    """A line to that port."""
    return modbus_line(ModbusTcpLine(host="127.0.0.1", port=port, time_out_s=5, meters=METERS), lambda: 0)


def rtu_line(device: str, *, time_out: float = 5) -> ModbusLine:
    """A line at that port."""
    settings = ModbusRtuLine(device=Path(device), baud_rate=BAUD, time_out_s=time_out, quiet_s=0.05, meters=METERS)
    return modbus_line(settings, lambda: 0)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server on libmodbus."""
    return build_server(tmp_path_factory.mktemp("libmodbus"))


@asynccontextmanager
async def line_to_libmodbus(kind: str, program: Path, contents: Sequence[str]) -> AsyncIterator[ModbusLine]:
    """A line to the server on libmodbus that serves these contents."""
    async with AsyncExitStack() as stack:
        if kind == "tcp":
            server = libmodbus_server(program, "tcp", "127.0.0.1", "0", "0", contents=contents)
            line = tcp_line(int(await stack.enter_async_context(server)))
        else:
            pair = stack.enter_context(serial_pair())
            server = libmodbus_server(program, "rtu", pair.theirs, str(BAUD), str(UNIT), contents=contents)
            await stack.enter_async_context(server)
            line = rtu_line(pair.ours)
        yield stack.enter_context(closing(line))


@asynccontextmanager
async def line_to_pymodbus(kind: str, device: SimDevice) -> AsyncIterator[ModbusLine]:
    """A line to pymodbus's server with that device."""
    async with AsyncExitStack() as stack:
        server: ModbusTcpServer | ModbusSerialServer
        if kind == "tcp":
            server = ModbusTcpServer(device, address=("127.0.0.1", 0))
            await server.serve_forever(background=True)
            transport: Any = server.transport
            line = tcp_line(transport.sockets[0].getsockname()[1])
        else:
            pair = stack.enter_context(serial_pair())
            server = ModbusSerialServer(device, port=pair.theirs, baudrate=BAUD)
            await server.serve_forever(background=True)
            line = rtu_line(pair.ours)
        stack.push_async_callback(server.shutdown)
        yield stack.enter_context(closing(line))


def entries(word: str, served: Sequence[Case]) -> Iterator[str]:
    """Lines for the server on libmodbus."""
    for case in served:
        for at, number in enumerate(case.words, case.register.address):
            yield f"{word} {at} {number}"


CONTENTS = [
    *entries("coil", bit_cases(1)),
    *entries("discrete", bit_cases(2)),
    *entries("holding", cases(3)),
    *entries("input", cases(4)),
]


def expected(served: Sequence[Case]) -> dict[str, Any]:
    """The raw numbers by name."""
    return {case.register.name: case.number for case in served}


def served_cases(function_code: int) -> list[Case]:
    """What a function code reads."""
    return bit_cases(function_code) if function_code <= READ_DISCRETE_INPUTS else cases(function_code)


@pytest.mark.parametrize("function_code", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", KINDS)
async def test_libmodbus_gives_every_value(kind: str, function_code: int, program: Path) -> None:
    """All types and orders, by all four function codes, in several reads."""
    served = served_cases(function_code)
    async with line_to_libmodbus(kind, program, CONTENTS) as line:
        assert await read_all(line, UNIT, [case.register for case in served]) == expected(served)


@pytest.mark.parametrize("kind", KINDS)
async def test_libmodbus_means_the_same_by_an_order_of_bytes(kind: str, program: Path) -> None:
    """Its own functions put the numbers into the registers."""
    contents = [*(f"float {2 * at} {order} -1234.5" for at, order in enumerate(WordOrder)), "int32 8 -5", "int64 10 -6"]
    typed = [
        *((2 * at, DataType.F32, order, -1234.5) for at, order in enumerate(WordOrder)),
        (8, DataType.I32, WordOrder.ABCD, -5),
        (10, DataType.I64, WordOrder.ABCD, -6),
    ]
    served = [
        Case(_as(cases(3)[0], name=f"at_{at}", address=at, type=type_, order=order), (), number)
        for at, type_, order, number in typed
    ]
    async with line_to_libmodbus(kind, program, contents) as line:
        assert await read_all(line, UNIT, [case.register for case in served]) == expected(served)


async def test_libmodbus_serves_many_connections(program: Path) -> None:
    """Benchmarks use fifty."""
    async with libmodbus_server(program, "tcp", "127.0.0.1", "0", "0", contents=CONTENTS) as port:
        lines = [tcp_line(int(port)) for _ in range(50)]
        answers = await asyncio.gather(*(line.ask(UNIT, Read(3, FIRST, 1, ())) for line in lines))
        for line in lines:
            line.close()
    assert {answer.data for answer in answers} == {b"\xbe\xef"}


@pytest.mark.parametrize("kind", KINDS)
async def test_libmodbus_refuses_as_we_understand_it(kind: str, program: Path) -> None:
    """Exception 2 for an address beyond the last one; the line is good for the next read."""
    async with line_to_libmodbus(kind, program, CONTENTS) as line:
        with pytest.raises(RefusedReadError) as caught:
            await line.ask(UNIT, Read(3, 0xFFFF, 2, ()))
        assert caught.value.code == 2
        assert (await line.ask(UNIT, Read(3, FIRST, 1, ()))).data == b"\xbe\xef"


async def test_a_unit_that_nobody_has_is_silent_on_a_serial_line(program: Path) -> None:
    """And the line is good for the next read."""
    with serial_pair() as pair:
        async with libmodbus_server(program, "rtu", pair.theirs, str(BAUD), str(UNIT), contents=CONTENTS):
            with closing(rtu_line(pair.ours, time_out=0.2)) as line:
                with pytest.raises(SilentUnitError):
                    await line.ask(UNIT + 1, Read(3, FIRST, 1, ()))
                assert (await line.ask(UNIT, Read(3, FIRST, 1, ()))).data == b"\xbe\xef"


def pymodbus_registers(served: Sequence[Case]) -> list[SimData]:
    """The words of all values in one piece."""
    words = [word for case in served for word in case.words]
    return [SimData(FIRST, values=words, datatype=PymodbusType.REGISTERS)]


def pymodbus_bits() -> list[SimData]:
    """The coils or inputs."""
    return [SimData(FIRST, values=[bool(bit) for bit in BITS], datatype=PymodbusType.BITS)]


@pytest.mark.parametrize("function_code", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", KINDS)
async def test_pymodbus_gives_every_value(kind: str, function_code: int) -> None:
    """All types and orders, by all four function codes, in several reads."""
    served = served_cases(function_code)
    tables = (pymodbus_bits(), pymodbus_bits(), pymodbus_registers(cases(3)), pymodbus_registers(cases(4)))
    async with line_to_pymodbus(kind, SimDevice(UNIT, tables)) as line:
        assert await read_all(line, UNIT, [case.register for case in served]) == expected(served)


@pytest.mark.parametrize("kind", KINDS)
async def test_pymodbus_means_the_same_by_a_data_type(kind: str) -> None:
    """It puts the numbers into the registers by its own types."""
    typed: list[tuple[int, DataType, PymodbusType, Any]] = [
        (0, DataType.U16, PymodbusType.UINT16, 65_000),
        (1, DataType.I16, PymodbusType.INT16, -2),
        (2, DataType.U32, PymodbusType.UINT32, 4_000_000_000),
        (4, DataType.I32, PymodbusType.INT32, -3),
        (6, DataType.U64, PymodbusType.UINT64, 2**63 + 1),
        (10, DataType.I64, PymodbusType.INT64, -4),
        (14, DataType.F32, PymodbusType.FLOAT32, -1234.5),
        (16, DataType.F64, PymodbusType.FLOAT64, 98_765.4321),
    ]
    served = [
        Case(_as(cases(3)[0], name=f"at_{at}", address=at, type=type_), (), value) for at, type_, _, value in typed
    ]
    data = [SimData(at, values=value, datatype=theirs) for at, _, theirs, value in typed]
    async with line_to_pymodbus(kind, SimDevice(UNIT, data)) as line:
        assert await read_all(line, UNIT, [case.register for case in served]) == expected(served)


class Table:
    """A device that serves given words and bits."""

    def __init__(self, cells: Mapping[int, Mapping[int, int]]) -> None:
        self._cells = cells

    def answer(self, request: Request, at_ms: int, faults: Sequence[ValueFault]) -> Reply | None:
        """The cells of a read."""
        del at_ms, faults
        span = request.span()
        assert span is not None
        cells = [self._cells[request.function].get(at, 0) for at in range(span[0], span[0] + span[1])]
        pdu = bits_pdu if request.function <= READ_DISCRETE_INPUTS else registers_pdu
        return Reply(pdu(request.function, cells))


TABLE = Table(
    {
        function: {
            at: word for case in served_cases(function) for at, word in enumerate(case.words, case.register.address)
        }
        for function in (1, 2, 3, 4)
    }
)


@asynccontextmanager
async def simulator(kind: str) -> AsyncIterator[tuple[list[str], Callable[[], ModbusLine]]]:
    """Our simulated line: how mbpoll, and how the collector, is told where it is."""
    framing = MbapFraming() if kind == "tcp" else RtuFraming()
    line = Line("line", framing, {UNIT: Unit(TABLE)})
    server: TcpServer | TerminalServer
    server = TcpServer(line, lambda: 0, "127.0.0.1", 0) if kind == "tcp" else TerminalServer(line, lambda: 0)
    await server.start()
    try:
        if isinstance(server, TcpServer):
            port = server.port
            yield ["-m", "tcp", "-p", str(port), "-a", str(UNIT), "127.0.0.1"], lambda: tcp_line(port)
        else:
            path = server.path
            place = ["-m", "rtu", "-b", str(BAUD), "-P", "none", "-a", str(UNIT), path]
            yield place, lambda: rtu_line(path)
    finally:
        await server.stop()


SHOWN: dict[str, tuple[DataType, WordOrder, str, Callable[[str], Any]]] = {
    "u16": (DataType.U16, WordOrder.ABCD, "", lambda shown: int(shown.split()[0])),
    "i16": (DataType.I16, WordOrder.ABCD, ":int16", int),
    "i32": (DataType.I32, WordOrder.ABCD, ":int", int),
    "i32 low word first": (DataType.I32, WordOrder.CDAB, ":int", int),
    "f32": (DataType.F32, WordOrder.ABCD, ":float", float),
    "f32 low word first": (DataType.F32, WordOrder.CDAB, ":float", float),
}


@pytest.mark.parametrize("function_code", [3, 4])
@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("kind", KINDS)
async def test_mbpoll_and_the_collector_read_the_same_number(kind: str, shown: str, function_code: int) -> None:
    """The types that mbpoll knows, off our simulators; 3 is mbpoll's word for input registers."""
    type_, order, suffix, number = SHOWN[shown]
    (case,) = (case for case in cases(function_code) if case.register.type is type_ and case.register.order is order)
    table = {3: "4", 4: "3"}[function_code]
    big_endian = ["-B"] if order is WordOrder.ABCD else []
    at = case.register.address
    async with simulator(kind) as (place, line_to):
        told = await mbpoll("-t", f"{table}{suffix}", *big_endian, "-r", str(at), "-c", "1", *place)
        with closing(line_to()) as line:
            read = await read_all(line, UNIT, [case.register])
    assert number(told[at]) == read[case.register.name] == case.number


@pytest.mark.parametrize("function_code", [3, 4])
@pytest.mark.parametrize("kind", KINDS)
async def test_mbpoll_and_the_collector_read_the_same_words(kind: str, function_code: int) -> None:
    """Of the types that mbpoll does not know it shows the words."""
    served = cases(function_code)
    words = [word for case in served for word in case.words]
    table = {3: "4", 4: "3"}[function_code]
    told: dict[int, str] = {}
    async with simulator(kind) as (place, line_to):
        for at in range(FIRST, FIRST + len(words), 100):
            count = min(100, FIRST + len(words) - at)
            told |= await mbpoll("-t", f"{table}:hex", "-r", str(at), "-c", str(count), *place)
        with closing(line_to()) as line:
            read = await read_all(line, UNIT, [case.register for case in served])
    assert [int(told[at], 16) for at in range(FIRST, FIRST + len(words))] == words
    assert read == expected(served)


@pytest.mark.parametrize("function_code", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
async def test_mbpoll_and_the_collector_read_the_same_bits(kind: str, function_code: int) -> None:
    """Coils are mbpoll's 0, discrete inputs its 1."""
    served = bit_cases(function_code)
    async with simulator(kind) as (place, line_to):
        table = str(function_code - 1)
        told = await mbpoll("-t", table, "-r", str(FIRST), "-c", str(len(BITS)), *place)
        with closing(line_to()) as line:
            read = await read_all(line, UNIT, [case.register for case in served])
    assert tuple(int(told[FIRST + at]) for at in range(len(BITS))) == BITS
    assert read == expected(served)


async def test_a_libmodbus_client_reads_the_libmodbus_server(program: Path) -> None:
    """The two tools work with each other, so that a failure above is ours."""
    async with libmodbus_server(program, "tcp", "127.0.0.1", "0", "0", contents=CONTENTS) as port:
        told = await mbpoll("-t", "4:hex", "-r", str(FIRST), "-c", "2", "-p", port, "127.0.0.1")
    assert [int(value, 16) for value in told.values()] == [0xBEEF, 0xBEEF]


def test_a_machine_without_a_compiler_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing, and how to get it."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SetupError, match="no C compiler") as caught:
        build_server(tmp_path)
    assert "apt install gcc" in caught.value.advice


def test_the_tools_are_not_the_systems() -> None:
    """They come out of the cache of programs."""
    assert (modbus_tree() / "usr/bin/mbpoll").is_file()


def _as(case: Case, **changes: Any) -> Any:
    """A register like the case's."""
    return msgspec.structs.replace(case.register, **changes)
