"""Modbus lines with serial units behind them, at a port and behind a converter, for tests."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from collector.drivers.line import Answer as LineAnswer
from collector.drivers.modbus.line import ModbusLine, modbus_line
from collector.drivers.modbus.settings import ModbusMeter, ModbusRtuLine, ModbusRtuOverTcpLine
from collector.planning.planner import Read
from tests.support.modbus_peer import Answer, Peer, SerialPeer, modbus_peer, rtu_reply, serial_peer

TWO_WORDS = Read(3, 10, 2, ())
METERS = (ModbusMeter(unit_id=1, profile="generic_belt_scale", point="a"),)
FAST = 115_200
"""Baud; a frame takes next to no time."""
KINDS = ("serial", "over tcp")

Units = Peer | SerialPeer


class Lines:
    """Makes lines of one kind to units that answer as told."""

    def __init__(self, kind: str, directory: Path) -> None:
        self.kind = kind
        self._device = directory / "ttyUSB0"

    @asynccontextmanager
    async def to(
        self, answer: Answer, *, time_out: float = 5, quiet: float = 0.15, baud_rate: int = FAST
    ) -> AsyncIterator[tuple[ModbusLine, Units]]:
        """A line to units that answer so."""
        if self.kind == "serial":
            settings = ModbusRtuLine(
                device=self._device, baud_rate=baud_rate, time_out_s=time_out, quiet_s=quiet, meters=METERS
            )
            with serial_peer(self._device, answer) as units, closing(modbus_line(settings, lambda: 1_000)) as line:
                yield line, units
        else:
            async with modbus_peer(answer, rtu=True) as peer:
                over_tcp = ModbusRtuOverTcpLine(
                    host="127.0.0.1",
                    port=peer.port,
                    baud_rate=baud_rate,
                    time_out_s=time_out,
                    quiet_s=quiet,
                    meters=METERS,
                )
                with closing(modbus_line(over_tcp, lambda: 1_000)) as line:
                    yield line, peer


def words(answer: LineAnswer) -> tuple[int, ...]:
    """The registers of an answer."""
    return struct.unpack(f">{len(answer.data) // 2}H", answer.data)


def right(request: bytes) -> bytes:
    """The right answer: unit and function."""
    return rtu_reply(request, [request[0], request[1]])
