"""The simulated meters as an independent client sees them: pymodbus reads every shipped profile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.framer import FramerType

from collector.profiles import Register, load_profile
from simulators.faults.kinds import FaultKind
from simulators.faults.settings import FaultSettings
from simulators.settings import Transport
from tests.support.simulated import Simulated, modbus_profiles, simulated

TRANSPORTS: tuple[Transport, ...] = ("tcp", "rtu", "rtu-over-tcp")
_READ = {1: "read_coils", 2: "read_discrete_inputs", 3: "read_holding_registers", 4: "read_input_registers"}


def client_of(line: Simulated, transport: Transport) -> Any:
    """Pymodbus's own client for the transport, without repeats."""
    if transport == "rtu":
        return AsyncModbusSerialClient(line.path, baudrate=115_200, retries=0, timeout=2, reconnect_delay=0)
    framer = FramerType.SOCKET if transport == "tcp" else FramerType.RTU
    return AsyncModbusTcpClient("127.0.0.1", port=line.port, framer=framer, retries=0, timeout=2, reconnect_delay=0)


@asynccontextmanager
async def connected(line: Simulated, transport: Transport = "tcp") -> AsyncIterator[Any]:
    """Pymodbus on a line."""
    client = client_of(line, transport)
    try:
        assert await client.connect()
        yield client
    finally:
        client.close()


async def read(client: Any, register: Register, unit_id: int) -> dict[int, int]:
    """The cells of one register's parts, read in one go."""
    count = register.end - register.start
    answer = await getattr(client, _READ[register.function_code])(register.start, count=count, device_id=unit_id)
    assert not answer.isError(), (register.name, answer)
    cells = answer.bits[:count] if register.of_bits else answer.registers
    return dict(enumerate(map(int, cells), register.start))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_pymodbus_reads_every_register_of_every_profile(transport: Transport) -> None:
    """Over TCP, on a pseudo-terminal and in RTU frames over TCP each value is the one that the meter shows."""
    async with simulated(*modbus_profiles(), transport=transport, start=5000.0) as line:
        line.now_ms += 1_234_000
        async with connected(line, transport) as client:
            for name, unit_id in line.unit_ids.items():
                for register in load_profile(name).registers:
                    cells = await read(client, register, unit_id)
                    assert register.decode(cells) == line.values(name)[register.name], (name, register.name)


async def test_refusals_carry_the_code_that_real_devices_send() -> None:
    """11 for a unit id that nobody has, 2 for an address outside, 1 for another function, 3 for too much at once."""
    async with simulated("acrel_dtsd1352", "generic_belt_scale") as line, connected(line) as client:
        answers = [
            await client.read_holding_registers(10, count=2, device_id=200),
            await client.read_holding_registers(9999, count=2, device_id=1),
            await client.read_holding_registers(3, count=1, device_id=2),
            await client.read_input_registers(10, count=2, device_id=1),
            await client.read_coils(0, count=8, device_id=1),
            await client.write_register(10, 1, device_id=1),
            await client.read_holding_registers(10, count=15, device_id=1),
        ]
    assert [answer.isError() for answer in answers] == [True, True, False, True, True, True, True]
    codes = [answer.exception_code for answer in answers if answer.isError()]
    assert codes == [11, 2, 1, 1, 1, 3]


async def test_forbidden_ranges_are_refused_and_holes_read_zero() -> None:
    """What the profile forbids costs the whole read; what nobody uses in between is zero."""
    async with simulated("fuxin_gas", "acrel_dtsd1352") as line, connected(line) as client:
        forbidden = await client.read_holding_registers(9, count=4, device_id=1)
        hole = await client.read_holding_registers(4, count=1, device_id=2)
    assert forbidden.exception_code == 2
    assert hole.registers == [0]


async def test_a_meter_can_say_that_it_has_no_value() -> None:
    """A float counter answers NaN; one without a marker refuses with exception 4."""
    missing = FaultSettings(kind=FaultKind.NOT_AVAILABLE)
    async with simulated("eastron_sdm630", "acrel_dtsd1352", faults=[missing]) as line, connected(line) as client:
        eastron = load_profile("eastron_sdm630").counter_register
        cells = await read(client, eastron, 1)
        refusal = await client.read_holding_registers(10, count=2, device_id=2)
    assert eastron.decode(cells) is None
    assert refusal.exception_code == 4
