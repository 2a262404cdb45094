"""The tables of DL/T 645-2007 lines and their meters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from collector.drivers.dlt645.frames import MOST_WAKE_BYTES, WILDCARD
from collector.drivers.settings import BaudRate, LineBase, MeterBase, Parity, Port, StopBits
from energy.config import Host, NotNegative, Positive

MeterAddress = Annotated[
    str, msgspec.Meta(pattern=rf"^([0-9]{{12}}|{WILDCARD})\Z", description="twelve digits, or twelve A for any meter")
]
"""The twelve digits of a meter's address, or twelve A for whichever meter is there."""


class Dlt645Meter(MeterBase, frozen=True, kw_only=True):
    """One meter of a DL/T 645-2007 line.

    Attributes:
        address: twelve digits as on its nameplate, with leading zeros; `AAAAAAAAAAAA` for the only meter of a line.
    """

    address: MeterAddress


class Dlt645LineBase(LineBase, frozen=True, kw_only=True):
    """What lines of DL/T 645-2007 have in common.

    Attributes:
        time_out_s: real seconds within which each frame of an answer has to be there whole. The standard gives a meter
            0.5 s to begin; at 2400 baud the longest frame takes one more.
        quiet_s: real seconds for which the line is kept quiet and its input discarded when there was no answer, or one
            that did not fit.
        wake_bytes: FE bytes ahead of each request, which wake the receiver of some meters.
        meters: the meters.
    """

    time_out_s: Positive = 2.0
    quiet_s: NotNegative = 0.5
    wake_bytes: Annotated[int, msgspec.Meta(ge=0, le=MOST_WAKE_BYTES)] = MOST_WAKE_BYTES
    meters: Annotated[tuple[Dlt645Meter, ...], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.meters) > 1 and any(meter.address == WILDCARD for meter in self.meters):
            raise ValueError(f"address {WILDCARD} is for a line of one meter: of several all would answer at once")


class Dlt645SerialLine(Dlt645LineBase, frozen=True, kw_only=True, tag="dlt645-serial"):
    """A serial line at a port of this machine, eight data bits.

    Attributes:
        device: the port, e.g. `/dev/ttyUSB0` or, better, a name below `/dev/serial/by-id`.
        baud_rate: as set at the meters.
        parity: likewise; the standard knows even alone.
        stop_bits: likewise; the standard knows 1 alone.
    """

    device: Path
    baud_rate: BaudRate = 2400
    parity: Parity = "even"
    stop_bits: StopBits = 1

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return str(self.device)


class Dlt645TcpLine(Dlt645LineBase, frozen=True, kw_only=True, tag="dlt645-tcp"):
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


Dlt645LineSettings = Dlt645SerialLine | Dlt645TcpLine
"""Any line of DL/T 645-2007."""
