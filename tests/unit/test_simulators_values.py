"""What simulated registers show besides the counter, and how it is laid out."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from collector.profiles import Library, Profile, load_profile
from simulators.building import build_meter
from simulators.faults.kinds import FaultKind
from simulators.faults.schedule import ValueFault
from simulators.faults.settings import FaultSettings
from simulators.loads.catalogue import LoadSettings
from simulators.meters.device import MeterDevice
from simulators.meters.values import Nameplate, Standing, plausible
from simulators.settings import MeterSettings
from tests.support.simulated import START_MS, modbus_profiles

EVERY_LAYOUT = """
protocol = "modbus"
maker = "invented"
model = "every layout"
carrier = "electricity"
counter = "energy_import_total"
source = "invented for this test"
registers = [
  { name = "energy_import_total", quantity = "energy_import_total", unit = "kWh", function_code = 3, address = 0, type = "u32", order = "cdab", fraction = { address = 2, type = "u16", scale = 0.001 }, confidence = "invented" },
  { name = "energy_export_total", quantity = "energy_export_total", unit = "kWh", function_code = 3, address = 4, type = "mod10k_3", confidence = "invented" },
  { name = "voltage_l1", quantity = "voltage_l1", unit = "V", function_code = 3, address = 10, type = "u16", exponent = 12, not_available = [65535], confidence = "invented" },
  { name = "voltage_l2", quantity = "voltage_l2", unit = "V", function_code = 3, address = 11, type = "u16", exponent = 12, confidence = "invented" },
  { name = "power_active", quantity = "power_active", unit = "W", function_code = 3, address = 13, type = "i16", exponent = 14, confidence = "invented" },
  { name = "current_l1", quantity = "current_l1", unit = "A", function_code = 3, address = 16, type = "sm32", scale = 0.001, order = "dcba", confidence = "invented" },
  { name = "serial", quantity = "serial", unit = "1", function_code = 3, address = 20, type = "string", words = 6, order = "badc", confidence = "invented" },
  { name = "low", quantity = "status", unit = "1", function_code = 3, address = 30, type = "bits", bit = 0, bits = 5, confidence = "invented" },
  { name = "high", quantity = "status", unit = "1", function_code = 3, address = 30, type = "bits", bit = 8, bits = 4, confidence = "invented" },
  { name = "small", quantity = "power_reactive", unit = "var", function_code = 4, address = 0, type = "bcd16", confidence = "invented" },
  { name = "open", quantity = "status", unit = "1", function_code = 1, address = 3, type = "bit", confidence = "invented" },
  { name = "alarm", quantity = "status", unit = "1", function_code = 2, address = 0, type = "bit", confidence = "invented" },
]
"""  # noqa: E501 - a table of registers reads best in rows


@pytest.fixture
def every_layout(tmp_path: Path) -> Profile:
    """A profile with a register of each kind of layout."""
    (tmp_path / "every_layout.toml").write_text(EVERY_LAYOUT, encoding="utf-8")
    return Library([tmp_path]).load("every_layout")


def meter(profile: Profile, **keys: Any) -> MeterDevice:
    """A meter of an even load of 3 kWh an hour at 250.625 kWh, unless told otherwise."""
    settings: dict[str, Any] = {
        "start": 250.625,
        "load": LoadSettings(shape="uk-electricity-a", mean_per_hour=3.0),
    } | keys
    return build_meter(MeterSettings(unit_id=1, profile="x", **settings), profile, START_MS)


def shown(device: MeterDevice, name: str, at_ms: int = START_MS) -> Any:
    """What one register shows."""
    register = device.profile.register(name)
    span = range(register.start, register.end)
    words = device.read(register.function_code, span, at_ms)
    return register.decode(dict(zip(span, words, strict=True)))


def test_every_layout_can_be_simulated(every_layout: Profile) -> None:
    """Integer and fraction, exponents, digits, sign and magnitude, text, fields of bits, coils and inputs."""
    device = meter(every_layout)
    assert shown(device, "energy_import_total") == Fraction(250_625, 1000)
    assert shown(device, "energy_export_total") == 5
    assert shown(device, "voltage_l1") == pytest.approx(230, abs=2)
    assert shown(device, "voltage_l2") == pytest.approx(230, abs=2)
    assert shown(device, "serial") == "invented eve"
    # From a checksum of their names: the same in every run, and not all zero.
    assert (shown(device, "low"), shown(device, "high")) == (1, 5)
    assert {shown(device, name) for name in ("open", "alarm")} <= {0, 1}


def test_values_that_share_a_register_do_not_disturb_each_other(every_layout: Profile) -> None:
    """Two fields of bits in one word, and two voltages with one exponent, read alone and in one block."""
    device = meter(every_layout)
    block = dict(enumerate(device.read(3, range(36)[:31], START_MS)))
    for name in ("low", "high", "voltage_l1", "voltage_l2", "serial", "power_active", "current_l1"):
        assert device.profile.register(name).decode(block) == shown(device, name)


def test_swapped_words_are_swapped_once(every_layout: Profile) -> None:
    """However often they are read: text, which never changes, too."""
    device = meter(every_layout)
    swapped = ValueFault(FaultSettings(kind=FaultKind.SWAPPED_WORDS), 0, math.inf)
    for first, count in ((20, 6), (4, 3)):
        span = range(first, first + count)
        right = device.read(3, span, START_MS)
        for _ in range(2):
            assert device.read(3, span, START_MS, [swapped]) == right[::-1]


def test_powers_follow_the_load_and_currents_the_power(every_layout: Profile) -> None:
    """What the counter gains in a minute is what the power says, and it makes the current of three phases."""
    device = meter(every_layout)
    at = START_MS + 9 * 3_600_000
    gained = device.standing(at).amount - device.standing(at - 60_000).amount
    watts = float(shown(device, "power_active", at))
    assert watts == pytest.approx(gained * 60 * 1000, abs=10)
    amperes = shown(device, "current_l1", at) / 1000
    assert amperes == pytest.approx(watts / (3 * 230 * 0.95), rel=0.02, abs=0.02)


def test_a_value_beyond_its_register_stays_at_the_end(every_layout: Profile) -> None:
    """A display of four digits, and one of sixteen bits with a factor of ten."""
    device = meter(every_layout, load=LoadSettings(shape="uk-electricity-a", mean_per_hour=1e6))
    assert shown(device, "small") == 9998
    assert shown(device, "power_active") == 327_660


def test_secondary_sides_add_up() -> None:
    """Behind 600/5 A and 10/0.1 kV the meter shows small currents and voltages of the usual size."""
    device = meter(
        load_profile("acrel_dtsd1352"),
        ct=120.0,
        pt=100.0,
        load=LoadSettings(shape="uk-electricity-a", mean_per_hour=500.0),
    )
    at = START_MS + 9 * 3_600_000
    volts, amperes = shown(device, "voltage_l1", at) * 0.1, shown(device, "current_l1", at) * 0.01
    assert volts == pytest.approx(57.7, abs=0.5)
    assert 0 < amperes < 5
    primary_watts = 3 * volts * 100 * amperes * 120 * 0.95
    assert shown(device, "power_active", at) * 100 * 120 == pytest.approx(primary_watts, rel=0.05)
    assert (shown(device, "ct_ratio"), shown(device, "pt_ratio")) == (120, 100)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("voltage", 57, 241),
        ("frequency", 49.9, 50.1),
        ("power_factor", 0.9, 1.0),
        ("temperature_supply", 79, 81),
        ("temperature_return", 49, 51),
    ],
)
def test_standing_values_are_plausible_in_every_profile(name: str, low: float, high: float) -> None:
    """In the unit of measure of the register, at any time of day."""
    found = 0
    for profile in map(load_profile, modbus_profiles()):
        for register in profile.registers:
            if register.name.startswith(name):
                show = plausible(register, Nameplate("kWh" if profile.carrier == "electricity" else "GJ"))
                assert all(low <= show(Standing(1000.0, 10.0, hour * 3600.0)) <= high for hour in range(24))
                found += 1
    assert found


def test_a_heat_meters_values_belong_together() -> None:
    """Its flow at 30 degrees of difference carries its power: 1 m3 gives 35 kWh, within a fifth."""
    device = meter(load_profile("kamstrup_multical_403"), load=None, start=100.0)
    at = START_MS + 9 * 3_600_000
    litres_an_hour, kilowatts = shown(device, "flow", at), shown(device, "power_heat", at)
    assert kilowatts / (litres_an_hour / 1000) == pytest.approx(35, rel=0.2)
