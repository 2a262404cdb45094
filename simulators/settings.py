"""What a process of simulated meters is told: its clock, and the lines of meters that it serves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from energy.clocks import ClockSettings
from energy.health import HealthSettings
from simulators.loads.catalogue import LoadSettings

Positive = Annotated[float, msgspec.Meta(gt=0)]


class MeterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One simulated meter.

    Attributes:
        address: Modbus unit id.
        profile: register layout, by name of its file in `collector/profiles/models`.
        carrier: key of its carrier; its base unit of measure is that of `load` and `start`.
        load: what it measures.
        start: what its register shows at `SimulatorSettings.start`, primary side.
        ct, pt: transformer ratios, for layouts that show the secondary side.
    """

    address: Annotated[int, msgspec.Meta(ge=1, le=247)]
    profile: str
    carrier: str
    load: LoadSettings
    start: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    ct: Positive = 1.0
    pt: Positive = 1.0


class LineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The meters behind one TCP address.

    Attributes:
        name: of the gateway whose meters these are, for logs.
        host: address to listen on.
        port: TCP port; 0 lets the system choose one.
        meters: each at an address of its own.
    """

    name: str
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)]
    meters: tuple[MeterSettings, ...]

    def __post_init__(self) -> None:
        addresses = [meter.address for meter in self.meters]
        if doubled := sorted({address for address in addresses if addresses.count(address) > 1}):
            raise ValueError(f"two meters at address {', '.join(map(str, doubled))} of {self.name}")


class SimulatorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A process of simulated meters.

    Attributes:
        lines: what it serves.
        start: data time at which the registers show their start values.
        utc_offset_s: offset of the meters' local clock from UTC, seconds.
        clock: data time.
        health: the endpoint for health and metrics.
        port_within_s: real seconds for which a port in use is tried again before the process gives up.
        grace_s: real seconds that stopping may take.
    """

    lines: tuple[LineSettings, ...]
    start: datetime
    utc_offset_s: int = 0
    clock: ClockSettings = ClockSettings()
    health: HealthSettings = HealthSettings()
    port_within_s: Annotated[float, msgspec.Meta(ge=0)] = 10.0
    grace_s: Positive = 5.0
