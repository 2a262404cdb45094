"""Every shipped profile over a real socket: what the device shows is what the collector reads."""

from __future__ import annotations

import random
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from fractions import Fraction

import msgspec
import pytest

from collector.drivers.meters import sent_values
from collector.drivers.modbus.exchange import exchanges
from collector.drivers.modbus.line import ModbusLine, modbus_line
from collector.drivers.modbus.settings import ModbusMeter, ModbusTcpLine
from collector.planning.limits import limits_of
from collector.profiles import DISPLAY, Profile, Register, load_any_profile, load_profile, profile_names
from collector.profiles.conversion import target_unit
from collector.registers import DataType, WordOrder
from energy.readings import Quality
from energy.units import ratio
from simulators.faults.schedule import ValueFault
from simulators.meters.counter import Counter, CounterScale
from simulators.meters.device import MeterDevice
from simulators.meters.values import plausible
from simulators.serving.line import Device, Line, Reply, Unit
from simulators.serving.mbap import MbapFraming
from simulators.serving.pdu import ExceptionCode, Request, exception_pdu, registers_pdu
from simulators.serving.tcp import TcpServer

NAMES = tuple(name for name in profile_names() if isinstance(load_any_profile(name), Profile))
NOW_MS = 1_772_294_400_000
UNIT_ID = 7
METER = ModbusMeter(unit_id=UNIT_ID, profile="of the test", ct=200.0, pt=0.1)
"""The ratios are for the models that show the secondary side."""
SET_IN_THE_MENU = {
    "temperature": "degC",
    "pressure": "bar",
    "density": "kg/m3",
    "flow": "m3/h",
    "flow_mass": "kg/h",
    "mass": "kg",
}
"""What stands for the units of measure that a meter's menu decides, by quantity."""

Value = tuple[float | None, int]


class ShowingDevice:
    """Shows given words, and refuses whatever its model would not answer.

    Args:
        profile: the model.
        words: by function code and address.
    """

    def __init__(self, profile: Profile, words: Mapping[tuple[int, int], int]) -> None:
        self._profile = profile
        self._words = words

    def answer(self, request: Request, at_ms: int, faults: Sequence[ValueFault]) -> Reply:  # noqa: ARG002 - the simulators' protocol
        """The words asked for; holes hold what nobody should take for a value."""
        span = request.span()
        assert span is not None
        first, count = span
        if count > self._profile.max_words:
            return Reply(exception_pdu(request.function, ExceptionCode.ILLEGAL_VALUE))
        if any(first <= high and low < first + count for low, high in self._profile.forbidden):
            return Reply(exception_pdu(request.function, ExceptionCode.ILLEGAL_ADDRESS))
        places = [(request.function, at) for at in range(first, first + count)]
        return Reply(registers_pdu(request.function, [self._words.get(place, 0xDEAD) for place in places]))


@asynccontextmanager
async def line_to(device: Device) -> AsyncIterator[ModbusLine]:
    """The collector's line to a simulated one on a loopback socket."""
    units = {UNIT_ID: Unit(device)}
    server = TcpServer(Line("test", MbapFraming(), units), lambda: NOW_MS, "127.0.0.1", 0)
    await server.start()
    line = modbus_line(ModbusTcpLine(host="127.0.0.1", port=server.port, time_out_s=5, meters=(METER,)), lambda: NOW_MS)
    try:
        yield line
    finally:
        line.close()
        await server.stop()


async def read_whole(profile: Profile, device: Device) -> dict[str, Value]:
    """Every value of a profile with its quality, by name, as the collector polls it in as few reads as are legal."""
    points = {register.name: register.name for register in profile.registers}
    sent = sent_values(msgspec.structs.replace(METER, points=points), profile)
    found: dict[str, Value] = {}
    async with line_to(device) as line:
        for exchange in exchanges(profile, sent, limits_of(profile)):
            outcome = exchange.take(await line.ask(UNIT_ID, exchange.request))
            assert not outcome.faults
            assert all(reading.at == NOW_MS for reading in outcome.readings)
            found |= {reading.point: (reading.value, reading.quality) for reading in outcome.readings}
    return found


def primary(profile: Profile, register: Register, raw: Fraction) -> float:
    """A raw number as it is to be sent: scaled, CT x PT applied, in the unit of measure of its kind."""
    value = (raw * register.exact_scale + register.exact_offset) * ratio(
        register.unit, target_unit(profile.carrier, register.unit)
    )
    for key in register.ct_pt.ratios:
        value *= Fraction(str(getattr(METER, key)))
    return float(value)


def looked_up(name: str) -> Profile:
    """A profile as it is once the menu has been looked at."""
    profile = load_profile(name)
    registers = (
        msgspec.structs.replace(one, unit=SET_IN_THE_MENU[one.quantity.removesuffix("_2")])
        if one.unit == DISPLAY
        else one
        for one in profile.registers
    )
    return msgspec.structs.replace(profile, registers=tuple(registers))


def chosen(register: Register, chance: random.Random) -> Fraction:
    """A raw number that fills the register's words, so that no order of words or bytes is mistaken for another."""
    if register.type.is_float:
        size = {DataType.F32: "f", DataType.F64: "d"}[register.type]
        return Fraction(struct.unpack(size, struct.pack(size, chance.uniform(1e5, 1e6)))[0])
    low, high = register.type.bounds or (0, 0)
    raw = Fraction(chance.randint(low // 2, high // 2) if low else chance.randint(high // 2, high - 1))
    if register.fraction is None:
        return raw
    # A part of 1/1024 is exact in a float32, and its sum with the integer is exact as a fraction.
    return raw + Fraction(chance.randrange(1024), 1024)


def shown_by(profile: Profile) -> dict[str, Fraction]:
    """Raw numbers for a profile's registers, the same in every run."""
    chance = random.Random(profile.model)  # noqa: S311 - repeatable on purpose
    return {register.name: chosen(register, chance) for register in profile.registers}


def words_of(profile: Profile, shown: Mapping[str, Fraction | None]) -> dict[tuple[int, int], int]:
    """The words, by function code and address, that show these raw numbers; None is "no value"."""
    words: dict[tuple[int, int], int] = {}
    for register in profile.registers:
        raw = shown[register.name]
        value = None if raw is None else raw * register.exact_scale + register.exact_offset
        cells = register.encode_not_available() if value is None else register.encode(value)
        assert cells is not None
        words |= {(register.function_code, at): word for at, word in cells.items()}
    return words


@pytest.mark.parametrize("name", NAMES)
async def test_what_a_device_shows_is_what_is_read(name: str) -> None:
    """All values of a model, to the last digit, in reads that it does not refuse."""
    profile = looked_up(name)
    shown = shown_by(profile)
    found = await read_whole(profile, ShowingDevice(profile, words_of(profile, shown)))
    assert found == {one.name: (primary(profile, one, shown[one.name]), Quality.MEASURED) for one in profile.registers}


@pytest.mark.parametrize("name", NAMES)
async def test_what_a_device_does_not_know_is_no_number(name: str) -> None:
    """Markers and NaN come back as "not available", beside neighbours that have a value."""
    profile = looked_up(name)
    missing = {one.name for one in profile.registers[::2] if one.encode_not_available() is not None}
    shown = {name: None if name in missing else raw for name, raw in shown_by(profile).items()}
    found = await read_whole(profile, ShowingDevice(profile, words_of(profile, shown)))
    expected = {
        one.name: (None, Quality.NOT_AVAILABLE)
        if (raw := shown[one.name]) is None
        else (primary(profile, one, raw), Quality.MEASURED)
        for one in profile.registers
    }
    assert found == expected


@pytest.mark.parametrize("name", NAMES)
async def test_a_simulated_meter_is_read_as_it_stands(name: str) -> None:
    """Its counter, and what belongs to it: powers, voltages, temperatures, each cut to its register's last digit."""
    profile = looked_up(name)
    unit = target_unit(profile.carrier, profile.counter_register.unit)
    counter = Counter(CounterScale(profile.counter_register, unit, ct=200.0, pt=0.1), 5_000.0)
    device = MeterDevice(profile, counter, lambda at_ms: (at_ms - NOW_MS) / 36_000_000)
    found = await read_whole(profile, device)
    standing = device.standing(NOW_MS)
    assert found[profile.counter][0] == pytest.approx(
        5_000, abs=primary_step(profile, profile.counter_register), rel=1e-6
    )
    for register in profile.registers:
        if register.name != profile.counter:
            kept = target_unit(profile.carrier, register.unit)
            expected = plausible(register, device.plate)(standing) * float(ratio(register.unit, kept))
            shown, quality = found[register.name]
            assert quality is Quality.MEASURED
            assert shown == pytest.approx(expected, abs=primary_step(profile, register), rel=1e-6), register.name


def primary_step(profile: Profile, register: Register) -> float:
    """The register's last digit on the primary side."""
    step = primary(profile, register, Fraction(1)) - primary(profile, register, Fraction(0))
    return 0.0 if register.type.is_float else step * (1 + 1e-9)


def test_an_order_taken_wrong_is_noticed() -> None:
    """The numbers above tell all orders apart, for each value that has several words."""
    for name in NAMES:
        profile = load_profile(name)
        shown = shown_by(profile)
        for register in (one for one in profile.registers if one.layout.words > 1):
            value = shown[register.name] * register.exact_scale + register.exact_offset
            wrong = [msgspec.structs.replace(register, order=order) for order in WordOrder if order != register.order]
            assert all(other.encode(value) != register.encode(value) for other in wrong), (name, register.name)
