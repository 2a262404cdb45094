"""The collector's Modbus line among random faults of simulated meters: what it gives is right, or it gives nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.drivers.modbus.line import ModbusLine, modbus_line
from collector.drivers.modbus.settings import (
    ModbusLineSettings,
    ModbusMeter,
    ModbusRtuLine,
    ModbusRtuOverTcpLine,
    ModbusTcpLine,
)
from collector.planning.planner import Read
from energy.errors import TransportError
from simulators.faults.kinds import OF_FRAMES, FaultKind
from simulators.faults.settings import FaultSettings
from simulators.meters.device import MeterDevice
from simulators.settings import Transport
from tests.support.simulated import START_MS, Simulated, simulated

TIME_OUT_S = 0.05
READS = [(unit, Read(4, address, 4, ())) for unit, address in ((1, 0), (2, 6), (3, 70), (1, 4), (2, 12), (3, 74))]
"""All answers are of one length: only transaction, unit, function or their time tell them apart."""
ROUNDS = 20
CHANCE = 0.04


def line_to(line: Simulated, transport: Transport) -> ModbusLine:
    """The collector's line to simulated meters, impatient and soon ready again."""
    meters = tuple(ModbusMeter(unit_id=unit, profile="eastron_sdm630") for unit in line.units)
    settings: ModbusLineSettings
    if transport == "rtu":
        settings = ModbusRtuLine(
            device=Path(line.path), baud_rate=115_200, time_out_s=TIME_OUT_S, quiet_s=0.1, meters=meters
        )
    elif transport == "tcp":
        settings = ModbusTcpLine(host="127.0.0.1", port=line.port, time_out_s=TIME_OUT_S, meters=meters)
    else:
        settings = ModbusRtuOverTcpLine(
            host="127.0.0.1", port=line.port, baud_rate=115_200, time_out_s=TIME_OUT_S, quiet_s=0.1, meters=meters
        )
    return modbus_line(settings, lambda: START_MS)


@pytest.mark.parametrize("transport", ["tcp", "rtu", "rtu-over-tcp"])
async def test_no_fault_of_a_frame_becomes_a_value(transport: Transport) -> None:
    """Hundreds of reads with every kind of spoilt answer among them: each answer that is given is the right one."""
    others = sorted(OF_FRAMES - {FaultKind.DELAY})
    late = FaultSettings(kind=FaultKind.DELAY, probability=CHANCE, delay_s=2 * TIME_OUT_S)
    faults = [late, *(FaultSettings(kind=kind, probability=CHANCE) for kind in others)]
    async with simulated(*["eastron_sdm630"] * 3, transport=transport, faults=faults, seed=7, start=1000.0) as line:
        right = [_right(line, unit, read) for unit, read in READS]
        assert len(set(right)) == len(READS)
        asked = line_to(line, transport)
        given = wrong = 0
        for _ in range(ROUNDS):
            for (unit, read), data in zip(READS, right, strict=True):
                try:
                    answer = await asked.ask(unit, read)
                except TransportError:
                    continue
                given += 1
                wrong += answer.data != data
        asked.close()
        assert len({one.kind for one in line.record.injected}) >= len(OF_FRAMES) - 1
    assert wrong == 0
    assert given > 0.5 * ROUNDS * len(READS)


def _right(line: Simulated, unit: int, read: Read) -> bytes:
    """What a read should bring, asked of the device itself."""
    device = line.units[unit].device
    assert isinstance(device, MeterDevice)
    words = device.read(read.function_code, range(read.address, read.end), START_MS)
    return b"".join(word.to_bytes(2, "big") for word in words)
