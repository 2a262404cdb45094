"""From settings to the things that answer: lines, meters, replayed units. No I/O, save reading files."""

from __future__ import annotations

from functools import partial

import msgspec

from collector.profiles import DISPLAY, Library, Profile
from collector.profiles.conversion import target_unit
from energy.carriers import carriers
from energy.recordings import load_recording
from simulators.faults.record import FaultRecord
from simulators.faults.schedule import UnitFaults
from simulators.loads.catalogue import LoadSettings
from simulators.loads.shapes import Load
from simulators.meters.counter import Counter, CounterScale
from simulators.meters.device import MeterDevice
from simulators.replay.device import replayed
from simulators.replay.settings import ReplaySettings
from simulators.serving.framing import Framing
from simulators.serving.line import Device, Line, Unit
from simulators.serving.mbap import MbapFraming
from simulators.serving.rtu import RtuFraming
from simulators.settings import LineSettings, MeterSettings, SimulatorSettings

_USUAL_LOADS = {"kWh": 5.0, "m3": 50.0, "GJ": 5.0, "t": 5.0}
"""Mean load per hour where none is given, by the carrier's base unit of measure."""
_USUAL_LOAD = 10.0


def build_lines(settings: SimulatorSettings, start_ms: int, record: FaultRecord) -> dict[str, Line]:
    """Every line by name, ready to answer.

    Args:
        settings: of the process.
        start_ms: data time at which counters show their start values, ms UTC.
        record: takes note of the faults.

    Raises:
        RejectedError: a meter names an unknown profile, carrier, unit of measure or shape, or a start that its counter
            cannot show; a recording cannot be used.
    """
    library = Library(settings.profile_dirs)
    return {line.name: _line(line, settings, library, start_ms, record) for line in settings.lines}


def build_meter(meter: MeterSettings, profile: Profile, start_ms: int, utc_offset_s: int = 0) -> MeterDevice:
    """One meter, which shows `meter.start` at data time `start_ms` (ms UTC).

    Raises:
        RejectedError: as `build_lines` does.
    """
    register = msgspec.structs.replace(profile.counter_register, unit=shown_in(profile, meter))
    unit = target_unit(meter.carrier or profile.carrier, register.unit)
    load = Load(meter.load or _usual_load(unit), utc_offset_s)
    counter = Counter(CounterScale(register, unit, meter.ct, meter.pt), meter.start)
    level = partial(_consumed, load, load.level(start_ms))
    return MeterDevice(profile, counter, level)


def _line(
    line: LineSettings, settings: SimulatorSettings, library: Library, start_ms: int, record: FaultRecord
) -> Line:
    framing: Framing = MbapFraming() if line.transport == "tcp" else RtuFraming()
    units: dict[int, Unit] = {}
    for unit_id, (device, latency_s) in _devices(line, settings, library, start_ms).items():
        rules = [fault for fault in settings.faults if fault.holds_for(line.name, unit_id)]
        faults = UnitFaults(rules, place=(line.name, unit_id), seed=settings.seed, start_ms=start_ms, record=record)
        units[unit_id] = Unit(device, faults, latency_s)
    return Line(line.name, framing, units, settings.seed)


def _devices(
    line: LineSettings, settings: SimulatorSettings, library: Library, start_ms: int
) -> dict[int, tuple[Device, float]]:
    if line.replay is not None:
        return _replayed(line.replay)
    return {
        meter.unit_id: (
            build_meter(meter, library.load(meter.profile), start_ms, settings.utc_offset_s),
            meter.latency_s,
        )
        for meter in line.meters
    }


def _replayed(replay: ReplaySettings) -> dict[int, tuple[Device, float]]:
    return {unit: (device, 0.0) for unit, device in replayed(load_recording(replay.file), replay).items()}


def shown_in(profile: Profile, meter: MeterSettings) -> str:
    """The unit of measure of a meter's counter; where the menu decides and nobody says, that of its carrier."""
    carrier = meter.carrier or profile.carrier
    if meter.unit:
        return meter.unit
    if profile.counter_register.unit != DISPLAY:
        return profile.counter_register.unit
    return carriers()[carrier].unit if carrier in carriers() else "m3"


def _usual_load(unit: str) -> LoadSettings:
    return LoadSettings(
        shape="uk-electricity-a", mean_per_hour=_USUAL_LOADS.get(unit, _USUAL_LOAD), weeks=(0, 1, 2, 3), spread=3
    )


def _consumed(load: Load, before: float, at_ms: int) -> float:
    return load.level(at_ms) - before
