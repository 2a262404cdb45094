"""The simulated meters as an independent client sees them: pymodbus reads every shipped profile."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pymodbus.client import AsyncModbusTcpClient

from collector.profiles import load_profile, profile_names
from energy.carriers import carrier, carriers
from simulators.devices import Fault, Line, MeterDevice
from simulators.modbus_server import LineServer
from simulators.registers import Counter, CounterScale
from tests.support.eventually import eventually

START_MS = 1_772_294_400_000
NAMES = [name for name in profile_names() if load_profile(name).carrier in carriers() and name != "spirax_vlm20"]
"""Profiles of carriers; the unit of measure of the one left out is set in its menu."""


class Bench:
    """A line with one meter per shipped profile, and a clock that stands where the test puts it."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self.scales: dict[str, CounterScale] = {}
        self.meters = {address: self._device(name) for address, name in enumerate(NAMES, 1)}
        self.addresses = {name: address for address, name in enumerate(NAMES, 1)}
        self.server = LineServer(Line(self.meters), lambda: self.now_ms, "127.0.0.1", 0)

    def _device(self, name: str) -> MeterDevice:
        profile = load_profile(name)
        self.scales[name] = CounterScale(profile.counter_register, carrier(profile.carrier).unit)
        return MeterDevice(profile, Counter(self.scales[name], 5000.0), lambda at_ms: (at_ms - START_MS) / 1000)


@asynccontextmanager
async def connected(bench: Bench) -> AsyncIterator[AsyncModbusTcpClient]:
    """Pymodbus on the bench's line, without repeats."""
    await bench.server.start()
    client = AsyncModbusTcpClient("127.0.0.1", port=bench.server.port, retries=0, timeout=0.5, reconnect_delay=0)
    try:
        assert await client.connect()
        yield client
    finally:
        client.close()
        await bench.server.stop()


async def read_counter(client: AsyncModbusTcpClient, name: str, address: int) -> list[int]:
    """The counter's words of one meter."""
    register = load_profile(name).counter_register
    read = client.read_holding_registers if register.function_code == 3 else client.read_input_registers
    answer = await read(register.address, count=register.type.words, device_id=address)
    assert not answer.isError(), answer
    return list(answer.registers)


async def test_pymodbus_reads_every_profile() -> None:
    """Each counter shows its start and what it has counted at the moment of asking."""
    bench = Bench()
    async with connected(bench) as client:
        for elapsed_s in (0, 1234):
            bench.now_ms = START_MS + elapsed_s * 1000
            for name, address in bench.addresses.items():
                words = tuple(await read_counter(client, name, address))
                value = bench.scales[name].value(words)
                assert value == pytest.approx(5000.0 + elapsed_s, abs=bench.scales[name].quantum(value) + 1e-9)


async def test_refusals_carry_the_code_that_real_devices_send() -> None:
    """11 for a unit id that nobody has, 2 for an address outside, 1 for another function, 3 for too much at once."""
    bench = Bench()
    acrel, belt = bench.addresses["acrel_dtsd1352"], bench.addresses["generic_belt_scale"]
    async with connected(bench) as client:
        answers = [
            await client.read_holding_registers(10, count=2, device_id=200),
            await client.read_holding_registers(9999, count=2, device_id=acrel),
            await client.read_holding_registers(3, count=1, device_id=belt),
            await client.read_input_registers(10, count=2, device_id=acrel),
            await client.read_coils(0, count=8, device_id=acrel),
            await client.write_register(10, 1, device_id=acrel),
            await client.read_holding_registers(10, count=15, device_id=acrel),
        ]
    assert [answer.isError() for answer in answers] == [True, True, False, True, True, True, True]
    codes = [answer.exception_code for answer in answers if answer.isError()]
    assert codes == [11, 2, 1, 1, 1, 3]


async def test_forbidden_ranges_are_refused_and_holes_read_zero() -> None:
    """What the profile forbids costs the whole read; what nobody uses in between is zero."""
    bench = Bench()
    async with connected(bench) as client:
        forbidden = await client.read_holding_registers(9, count=4, device_id=bench.addresses["fuxin_gas"])
        hole = await client.read_holding_registers(4, count=1, device_id=bench.addresses["acrel_dtsd1352"])
    assert forbidden.exception_code == 2
    assert hole.registers == [0]


async def test_a_meter_can_say_that_it_has_no_value() -> None:
    """A float counter answers NaN; one without a marker refuses with exception 4."""
    bench = Bench()
    eastron, acrel = bench.addresses["eastron_sdm630"], bench.addresses["acrel_dtsd1352"]
    async with connected(bench) as client:
        for address in (eastron, acrel):
            bench.meters[address].fault = Fault(not_available=True)
        words = await read_counter(client, "eastron_sdm630", eastron)
        refusal = await client.read_holding_registers(10, count=2, device_id=acrel)
    assert load_profile("eastron_sdm630").counter_register.decode(dict(enumerate(words, 72))) is None
    assert refusal.exception_code == 4


async def test_a_silent_meter_leaves_the_others_alone() -> None:
    """Its reads time out, the next meter on the same connection answers, and it comes back when it is healed."""
    bench = Bench()
    silent, other = bench.addresses["acrel_dtsd1352"], bench.addresses["chint_dtsu666"]
    reader, writer = await _raw(bench)
    bench.meters[silent].fault = Fault(silent=True)
    writer.write(_read_frame(1, silent, 10) + _read_frame(2, other, 4126))
    assert (await _frame(reader))[:2] == b"\x00\x02"
    bench.meters[silent].fault = Fault()
    writer.write(_read_frame(3, silent, 10))
    assert (await _frame(reader))[:2] == b"\x00\x03"
    writer.close()
    await bench.server.stop()


async def test_a_late_answer_keeps_its_own_transaction() -> None:
    """While one meter dawdles another answers; the late frame still carries the number of its own request."""
    bench = Bench()
    slow, other = bench.addresses["acrel_dtsd1352"], bench.addresses["chint_dtsu666"]
    reader, writer = await _raw(bench)
    bench.meters[slow].fault = Fault(delay_s=0.05)
    writer.write(_read_frame(1, slow, 10) + _read_frame(2, other, 4126))
    frames = [await _frame(reader), await _frame(reader)]
    assert [(frame[1], frame[6]) for frame in frames] == [(2, other), (1, slow)]
    writer.close()
    await bench.server.stop()


async def test_a_meter_can_refuse_with_any_exception() -> None:
    """Busy (6) and its like, as a fault asks for."""
    bench = Bench()
    address = bench.addresses["acrel_dtsd1352"]
    bench.meters[address].fault = Fault(exception=6)
    async with connected(bench) as client:
        answer = await client.read_holding_registers(10, count=2, device_id=address)
    assert answer.exception_code == 6


async def test_bytes_that_are_no_modbus_close_the_connection() -> None:
    """A browser that knocks is shown out; nothing else suffers."""
    bench = Bench()
    reader, writer = await _raw(bench)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    await bench.server.stop()


async def test_a_client_that_never_reads_is_not_read_either() -> None:
    """Its answers do not pile up: the server stops taking requests until the client catches up, and then loses none."""
    bench = Bench()
    reader, writer = await _raw(bench)
    address, requests, answer_bytes = bench.addresses["schneider_iem3155"], 40_000, 259
    frame = struct.pack(">HHHBBHH", 1, 0, 6, address, 3, 2999, 125)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(_send(writer, frame, requests))
        await eventually(lambda: _paused(bench), within=30)
        for _ in range(requests):
            await reader.readexactly(answer_bytes)
    writer.close()
    await bench.server.stop()


def _paused(bench: Bench) -> bool:
    """Whether the server has stopped reading its only client."""
    return any(one._transport is not None and not one._transport.is_reading() for one in bench.server._connections)


async def _send(writer: asyncio.StreamWriter, frame: bytes, count: int) -> None:
    for _ in range(count // 100):
        writer.write(frame * 100)
        await writer.drain()


async def _raw(bench: Bench) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    await bench.server.start()
    return await asyncio.open_connection("127.0.0.1", bench.server.port)


def _read_frame(transaction: int, unit: int, address: int) -> bytes:
    return struct.pack(">HHHBBHH", transaction, 0, 6, unit, 3, address, 2)


async def _frame(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(5):
        head = await reader.readexactly(6)
        return head + await reader.readexactly(int.from_bytes(head[4:6], "big"))
