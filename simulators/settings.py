"""What a process of simulated meters is told: its clock, the lines that it serves, and what goes wrong on them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from energy.clocks import ClockSettings
from energy.config import Host, NotNegative, Positive
from energy.health import HealthSettings
from simulators.faults.settings import FaultSettings
from simulators.loads.catalogue import LoadSettings
from simulators.replay.settings import ReplaySettings

Transport = Literal["tcp", "rtu", "rtu-over-tcp"]


class MeterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One simulated meter.

    Attributes:
        unit_id: its Modbus unit.
        profile: its registers, by name of a profile.
        carrier: key of its carrier; the profile's when empty. Its base unit of measure is that of `load` and `start`.
        load: what it measures; a usual load for its carrier when absent.
        start: what its counter shows at `SimulatorSettings.start`, primary side.
        ct, pt: transformer ratios, for layouts that show the secondary side.
        unit: unit of measure of the counter as set in the meter's menu, where that is not the profile's.
        latency_s: real seconds that an ordinary answer takes.
    """

    unit_id: Annotated[int, msgspec.Meta(ge=1, le=247)]
    profile: str
    carrier: str = ""
    load: LoadSettings | None = None
    start: NotNegative = 0.0
    ct: Positive = 1.0
    pt: Positive = 1.0
    unit: str = ""
    latency_s: NotNegative = 0.0


class LineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The meters behind one address.

    Attributes:
        name: for logs, and for faults that concern this line alone.
        transport: `tcp` (Modbus TCP), `rtu` (a pseudo-terminal) or `rtu-over-tcp`.
        host: address to listen on, where it is TCP.
        port: TCP port; 0 lets the system choose one.
        link: of `rtu`: a symbolic link to the pseudo-terminal, for a path that stays the same.
        meters: each at a unit id of its own.
        replay: a recording that answers instead of meters.
    """

    name: str
    transport: Transport = "tcp"
    host: Host = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0
    link: Path | None = None
    meters: tuple[MeterSettings, ...] = ()
    replay: ReplaySettings | None = None

    def __post_init__(self) -> None:
        units = [meter.unit_id for meter in self.meters]
        if doubled := sorted({unit for unit in units if units.count(unit) > 1}):
            raise ValueError(f"two meters at unit id {', '.join(map(str, doubled))} of {self.name}")
        if bool(self.meters) == (self.replay is not None):
            raise ValueError(f"{self.name} needs either meters or a replay")
        if self.transport == "rtu" and self.port:
            raise ValueError(f"{self.name} is a pseudo-terminal: it has no port")
        if self.transport != "rtu" and self.link is not None:
            raise ValueError(f"{self.name} listens on TCP: it has no link")


class SimulatorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A process of simulated meters.

    Attributes:
        lines: what it serves.
        start: data time at which the counters show their start values; when the process starts if absent.
        utc_offset_s: offset of the meters' local clock from UTC, seconds.
        profile_dirs: directories with profiles of one's own.
        faults: what goes wrong, and when.
        seed: of everything that faults leave to chance: the same seed and requests give the same faults.
        clock: data time.
        health: the endpoint for health and metrics.
        port_within_s: real seconds for which a port in use is tried again before the process gives up.
        grace_s: real seconds that stopping may take.
    """

    lines: Annotated[tuple[LineSettings, ...], msgspec.Meta(min_length=1)]
    start: datetime | None = None
    utc_offset_s: int = 0
    profile_dirs: tuple[Path, ...] = ()
    faults: tuple[FaultSettings, ...] = ()
    seed: int = 0
    clock: ClockSettings = ClockSettings()
    health: HealthSettings = HealthSettings()
    port_within_s: NotNegative = 10.0
    grace_s: Positive = 5.0

    def __post_init__(self) -> None:
        if self.start is not None and self.start.tzinfo is None:
            raise ValueError("start needs a zone, e.g. 2026-03-01T00:00:00+08:00")
        names = [line.name for line in self.lines]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two lines of one name: {', '.join(doubled)}")
