"""Simulated meters for tests: one line that serves given profiles, its clock in the test's hand.

async with simulated("eastron_sdm630", "acrel_dtsd1352") as line:
    line.port                                   # Modbus TCP; transport="rtu" gives line.path instead
    line.unit_ids["eastron_sdm630"]             # 1; the others follow in their order
    line.faults["acrel_dtsd1352"].add(FaultSettings(kind=FaultKind.SILENCE))
    line.now_ms += 60_000
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from collector.profiles import load_any_profile, load_profile, profile_names
from simulators.building import build_lines
from simulators.faults.record import FaultRecord
from simulators.faults.schedule import UnitFaults
from simulators.faults.settings import FaultSettings
from simulators.meters.device import MeterDevice
from simulators.service import line_server
from simulators.serving.conversation import Now
from simulators.serving.line import Line
from simulators.serving.tcp import TcpServer
from simulators.serving.terminal import TerminalServer
from simulators.settings import LineSettings, MeterSettings, SimulatorSettings, Transport

START_MS = 1_772_294_400_000
"""2026-03-01T00:00+08:00."""


def modbus_profiles() -> list[str]:
    """Names of all shipped profiles that speak Modbus."""
    return [name for name in profile_names() if load_any_profile(name).protocol == "modbus"]


class Simulated:
    """A line that is served.

    Attributes:
        now_ms: data time, ms UTC; it stands until the test moves it.
        line: what answers.
        record: the faults that were injected.
        units: what answers, by unit id.
        unit_ids: by name of the profile; the last one where several meters have it.
        devices, faults: of each meter, by name of the profile, likewise.
    """

    def __init__(self, settings: SimulatorSettings, now: Now | None = None) -> None:
        (line_settings,) = settings.lines
        self.now_ms = START_MS
        self.record = FaultRecord()
        self.line: Line = build_lines(settings, START_MS, self.record)[line_settings.name]
        self.units = self.line.units
        self.server = line_server(line_settings, self.line, now or (lambda: self.now_ms))
        self.unit_ids = {meter.profile: meter.unit_id for meter in line_settings.meters}
        self.devices: dict[str, MeterDevice] = {}
        self.faults: dict[str, UnitFaults] = {}
        for name, unit_id in self.unit_ids.items():
            unit = self.units[unit_id]
            if isinstance(unit.device, MeterDevice):
                self.devices[name] = unit.device
            self.faults[name] = unit.faults

    @property
    def port(self) -> int:
        """The TCP port."""
        assert isinstance(self.server, TcpServer)
        return self.server.port

    @property
    def path(self) -> str:
        """The pseudo-terminal."""
        assert isinstance(self.server, TerminalServer)
        return self.server.path

    def values(self, profile: str) -> dict[str, Any]:
        """What each register of a meter shows now, by name: the raw number, or text."""
        device = self.devices[profile]
        shown = {}
        for register in load_profile(profile).registers:
            span = range(register.start, register.end)
            words = device.read(register.function_code, span, self.now_ms)
            shown[register.name] = register.decode(dict(zip(span, words, strict=True)))
        return shown


def line_settings(profiles: Sequence[str], transport: Transport = "tcp", **keys: Any) -> LineSettings:
    """A line with one meter per profile, unit ids from 1 in their order; `keys` go to each meter."""
    meters = tuple(MeterSettings(unit_id=at, profile=name, **keys) for at, name in enumerate(profiles, 1))
    return LineSettings(name="line", transport=transport, meters=meters)


@asynccontextmanager
async def simulated(
    *profiles: str,
    transport: Transport = "tcp",
    faults: Sequence[FaultSettings] = (),
    seed: int = 0,
    now: Now | None = None,
    **keys: Any,
) -> AsyncIterator[Simulated]:
    """Serve one meter of each profile on one line.

    Args:
        profiles: names of shipped profiles.
        transport: `tcp`, `rtu` (a pseudo-terminal) or `rtu-over-tcp`.
        faults: what goes wrong, as in the table `[[faults]]`.
        seed: of what they leave to chance.
        now: data time, ms UTC, instead of the one that stands until the test moves it.
        keys: further keys of every meter, such as `latency_s`.
    """
    line = line_settings(profiles, transport, **keys)
    served = Simulated(SimulatorSettings(lines=(line,), faults=tuple(faults), seed=seed), now)
    await served.server.start()
    try:
        yield served
    finally:
        await served.server.stop()
