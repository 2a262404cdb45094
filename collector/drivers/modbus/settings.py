"""The tables of Modbus lines and their meters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from collector.drivers.settings import BaudRate, LineBase, MeterBase, Parity, Port, StopBits
from energy.config import Host, NotNegative
from energy.transport.tls import TlsSettings

MODBUS_PORT = 502
"""Where Modbus TCP servers listen by default (IANA)."""
MODBUS_TLS_PORT = 802
"""Where Modbus servers with TLS listen by default (IANA)."""
LAST_SERIAL_UNIT = 247
"""The highest unit id on a serial line; those above are reserved there."""

UnitId = Annotated[int, msgspec.Meta(ge=1, le=255)]
"""A Modbus unit: 1 to 247 on a serial line, 255 for a device that speaks TCP itself; nobody answers 0, a broadcast."""

_BITS = 11
"""Bits of a character on the line: start, eight of data, parity and stop, or two stop bits without parity."""
_GAP_CHARACTERS = 3.5
_SHORTEST_GAP_S = 0.00175
"""Above 19 200 baud the gap is fixed (serial line guide V1.02, section 2.5.1.1)."""


class ModbusMeter(MeterBase, frozen=True, kw_only=True):
    """One meter of a Modbus line.

    Attributes:
        unit_id: its Modbus unit.
    """

    unit_id: UnitId

    @property
    def address(self) -> int:
        """How the line calls it."""
        return self.unit_id


Meters = Annotated[tuple[ModbusMeter, ...], msgspec.Meta(min_length=1)]


class ModbusTcpLine(LineBase, frozen=True, kw_only=True, tag="modbus-tcp"):
    """A Modbus TCP server: one device, or a gateway with units behind it.

    Attributes:
        host: name or address.
        port: TCP port.
        meters: the units.
    """

    host: Host
    port: Port = MODBUS_PORT
    meters: Meters

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.host}:{self.port}"


class ModbusTlsLine(LineBase, frozen=True, kw_only=True, tag="modbus-tls"):
    """A Modbus TCP server behind TLS; its certificate is always verified.

    Attributes:
        host: name or address, as the server's certificate has it.
        port: TCP port.
        tls: whom to trust, and our own certificate.
        meters: the units.
    """

    host: Host
    port: Port = MODBUS_TLS_PORT
    tls: TlsSettings = TlsSettings()
    meters: Meters

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.host}:{self.port}"


class SerialUnits(LineBase, frozen=True, kw_only=True):
    """What lines have in common that end in a serial one.

    Attributes:
        baud_rate: bits per second on the serial line.
        quiet_s: real seconds for which the line is kept quiet and its input discarded, after the time in which an
            answer could have come, when there was none or it did not fit.
        meters: the units.
    """

    baud_rate: BaudRate = 9600
    quiet_s: NotNegative = 0.3
    meters: Meters

    def __post_init__(self) -> None:
        super().__post_init__()
        if wrong := [meter.unit_id for meter in self.meters if meter.unit_id > LAST_SERIAL_UNIT]:
            raise ValueError(f"unit_id goes up to {LAST_SERIAL_UNIT} on a serial line, not {wrong[0]}")

    @property
    def byte_s(self) -> float:
        """Real seconds that one byte takes on the line."""
        return _BITS / self.baud_rate

    @property
    def gap_s(self) -> float:
        """Real seconds of silence by which a unit knows that a frame begins."""
        return max(_GAP_CHARACTERS * self.byte_s, _SHORTEST_GAP_S)


class ModbusRtuLine(SerialUnits, frozen=True, kw_only=True, tag="modbus-rtu"):
    """A serial line at a port of this machine, eight data bits.

    Attributes:
        device: the port, e.g. `/dev/ttyUSB0` or, better, a name below `/dev/serial/by-id`.
        parity: as set at the meters.
        stop_bits: likewise; the standard wants 2 where there is no parity, and most meters 1.
    """

    device: Path
    parity: Parity = "none"
    stop_bits: StopBits = 1

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return str(self.device)


class ModbusRtuOverTcpLine(SerialUnits, frozen=True, kw_only=True, tag="modbus-rtu-over-tcp"):
    """A serial line behind a converter that passes the bytes on as they are.

    Attributes:
        host: name or address of the converter.
        port: its TCP port.
    """

    host: Host
    port: Port

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.host}:{self.port}"


ModbusLineSettings = ModbusTcpLine | ModbusTlsLine | ModbusRtuLine | ModbusRtuOverTcpLine
"""Any Modbus line."""
