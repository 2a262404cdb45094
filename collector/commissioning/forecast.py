"""What the collector will ask on each line, and whether it fits into the interval. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from collector.drivers.dlt645.exchange import exchanges
from collector.drivers.dlt645.settings import Dlt645SerialLine, Dlt645TcpLine
from collector.drivers.meters import sent_values
from collector.drivers.modbus.settings import ModbusRtuLine, ModbusRtuOverTcpLine
from collector.planning.cycle import NetworkTiming, SerialTiming, Timing, read_seconds
from collector.planning.learned_file import LearnedFile
from collector.planning.limits import Learned, limits_of
from collector.planning.planner import plan
from collector.process.lines import meter_key
from collector.profiles import Profile
from collector.profiles.dlt645 import Dlt645Profile
from collector.profiles.library import Library
from collector.settings import LineSettings, MeterSettings

_CHARACTER_BITS = 11
"""Of a character with parity or a second stop bit; without both it is ten, and the line is faster than foretold."""
_CONVERTER_S = 0.01
"""Through a converter and back."""
_DLT645_FRAME = 20
"""Bytes of a frame of DL/T 645: four FE, two starts, address, control, length, identifier, checksum, end."""
_DLT645_BAUD = 2400
"""Behind a converter, whose own setting nobody tells us."""
TIGHT = 0.8
"""Share of its time beyond which a line has little left for repetitions and for meters that come back."""


class Asked(NamedTuple):
    """One request.

    Attributes:
        request: what is asked, for people.
        values: names of the values that it brings.
        registers: how many registers (of DL/T 645: bytes) come.
        wasted: how many of them nobody asked for.
        seconds: how long it is expected to take.
        waiting: how much of that counts against the line's time-out.
    """

    request: str
    values: tuple[str, ...]
    registers: int
    wasted: int
    seconds: float
    waiting: float


class MeterForecast(NamedTuple):
    """What one meter is asked at each of its ticks; `refused` are values that it has refused and is not asked for.

    `unit_of_size` says what is counted: registers, or bytes of DL/T 645.
    """

    label: str
    address: str
    profile: str
    interval_s: float
    asked: tuple[Asked, ...]
    refused: tuple[str, ...]
    unit_of_size: str

    @property
    def seconds(self) -> float:
        """How long its poll is expected to take."""
        return sum(one.seconds for one in self.asked)


class LineForecast(NamedTuple):
    """What is asked on one line."""

    kind: str
    place: str
    meters: tuple[MeterForecast, ...]
    time_out_s: float

    @property
    def cycle_s(self) -> float:
        """How long it takes to ask every meter once."""
        return sum(meter.seconds for meter in self.meters)

    @property
    def load(self) -> float:
        """Share of the line's time that is needed; above 1 the intervals cannot be kept."""
        return sum(meter.seconds / meter.interval_s for meter in self.meters)

    def warnings(self) -> Iterator[str]:
        """What will not work."""
        if self.load > 1:
            yield (
                f"does not fit: {self.load:.0%} of the line's time is needed; poll less often, send fewer values, "
                "raise the baud rate, or share the meters among lines"
            )
        elif self.load > TIGHT:
            yield f"tight: {self.load:.0%} of the line's time is needed, which leaves little for repetitions"
        longest = max((one.waiting for meter in self.meters for one in meter.asked), default=0.0)
        if longest > self.time_out_s:
            yield f"time_out_s ({self.time_out_s:g}) is shorter than an answer will take ({longest:.2f} s)"


def forecast(line: LineSettings, library: Library, learned: LearnedFile) -> LineForecast:
    """What is asked on a line.

    Args:
        line: its table.
        library: where profiles are.
        learned: what refusals taught of the gateway's meters.

    Raises:
        RejectedError: a meter's profile, ratios or units of measure do not fit together.
    """
    timing = timing_of(line)
    tables: Sequence[MeterSettings] = line.meters
    meters = tuple(_meter(line, meter, library, learned, timing) for meter in tables)
    return LineForecast(str(line.__struct_config__.tag), line.place, meters, line.time_out_s)


def timing_of(line: LineSettings) -> Timing:
    """How long frames take on a line."""
    if isinstance(line, ModbusRtuLine | ModbusRtuOverTcpLine):
        through = _CONVERTER_S if isinstance(line, ModbusRtuOverTcpLine) else 0.0
        return SerialTiming(baud=line.baud_rate, character_bits=_CHARACTER_BITS, round_trip_s=through)
    if isinstance(line, Dlt645SerialLine):
        return SerialTiming(baud=line.baud_rate, character_bits=_CHARACTER_BITS)
    if isinstance(line, Dlt645TcpLine):
        return SerialTiming(baud=_DLT645_BAUD, character_bits=_CHARACTER_BITS, round_trip_s=_CONVERTER_S)
    return NetworkTiming()


def _meter(
    line: LineSettings, meter: MeterSettings, library: Library, learned: LearnedFile, timing: Timing
) -> MeterForecast:
    profile = library.load_any(meter.profile)
    known = learned.of(meter_key(line.place, meter))
    names = list(sent_values(meter, profile))
    if isinstance(profile, Dlt645Profile):
        asked, unit_of_size = tuple(_dlt645(profile, meter, timing)), "bytes"
    else:
        asked, unit_of_size = tuple(_modbus(profile, names, known, timing)), "registers"
    interval = meter.interval_s or line.interval_s
    refused = tuple(name for name in names if name in known.unreadable)
    return MeterForecast(meter.label, str(meter.address), meter.profile, interval, asked, refused, unit_of_size)


def _modbus(profile: Profile, names: list[str], known: Learned, timing: Timing) -> Iterator[Asked]:
    wanted = [profile.register(name) for name in names if name not in known.unreadable]
    for read in plan(wanted, limits_of(profile).with_learned(known, wanted)):
        values = tuple(register.name for register in read.registers)
        seconds = read_seconds(read, timing)
        # The driver does not count against a meter what the bytes take on a serial line.
        waiting = timing.turnaround_s + timing.round_trip_s if isinstance(timing, SerialTiming) else seconds
        yield Asked(str(read), values, read.count, read.wasted, seconds, waiting)


def _dlt645(profile: Dlt645Profile, meter: MeterSettings, timing: Timing) -> Iterator[Asked]:
    sent = sent_values(meter, profile)
    names = {one.point: name for name, one in sent.items()}
    for exchange in exchanges(profile, sent):
        size = exchange.request.least
        useful = sum(profile.item(names[point]).length for point in exchange.points)
        seconds = timing.seconds(_DLT645_FRAME, _DLT645_FRAME + size)
        brought = tuple(names[point] for point in exchange.points)
        yield Asked(str(exchange.request), brought, size, size - useful, seconds, seconds)
