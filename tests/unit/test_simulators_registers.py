"""Steps and wraps of simulated registers, against figures worked out by hand."""

from __future__ import annotations

import pytest

from collector.errors import RegisterError
from collector.profiles import load_profile
from energy.carriers import carrier
from energy.errors import UnitError
from simulators.meters.counter import Counter, CounterScale
from simulators.meters.device import MeterDevice
from simulators.serving.pdu import Request


def scale_of(name: str, ct: float = 1.0, pt: float = 1.0) -> CounterScale:
    """The scale of a profile's counter in its carrier's base unit."""
    profile = load_profile(name)
    return CounterScale(profile.counter_register, carrier(profile.carrier).unit, ct, pt)


@pytest.mark.parametrize(
    ("profile", "ct", "pt", "value", "quantum"),
    [
        ("schneider_iem3155", 1, 1, 5e6, 0.001),
        ("acrel_dtsd1352", 120, 100, 5e6, 120.0),
        ("eastron_sdm630", 1, 1, 1_048_575.0, 0.0625),
        ("eastron_sdm630", 1, 1, 1_048_576.0, 0.125),
        ("eastron_sdm630", 1, 1, 8_388_608.0, 1.0),
        ("chint_dtsu666", 40, 1, 40 * 1_048_576.0, 40 * 0.125),
        ("spirax_tva", 1, 1, 1e5, 0.001),
        ("fuxin_gas", 1, 1, 1e5, 0.0001 * 1.0732),
        ("generic_belt_scale", 1, 1, 1e6, 0.1),
    ],
)
def test_the_step_of_a_register(profile: str, ct: float, pt: float, value: float, quantum: float) -> None:
    """Integers step by their scale times CT x PT; a float32 by the last of its 24 bits."""
    assert scale_of(profile, ct, pt).quantum(value) == pytest.approx(quantum, rel=1e-12)


def test_the_wrap_is_a_primary_value_in_the_base_unit() -> None:
    """100 million Nm3 are 107.32 million m3 at 20 degC."""
    assert scale_of("fuxin_gas").wrap == pytest.approx(107_320_000)


def test_a_register_wraps_to_zero() -> None:
    """A gas corrector 10 Nm3 before its wrap shows 5 Nm3 after 15 more."""
    scale = scale_of("fuxin_gas")
    counter = Counter(scale, (100_000_000 - 10) * 1.0732)
    assert scale.value(counter.words(15 * 1.0732)) == pytest.approx(5 * 1.0732, abs=1e-3)


def test_a_start_beyond_the_register_is_refused() -> None:
    """A 32-bit register of hundredths ends at 42 949 672.95 kWh."""
    with pytest.raises(RegisterError):
        Counter(scale_of("acrel_dtsd1352"), 43e6)


def test_a_register_of_another_dimension_is_refused() -> None:
    """No conversion leads from kWh to tonnes."""
    with pytest.raises(UnitError):
        CounterScale(load_profile("eastron_sdm630").counter_register, "t")


def test_a_counter_that_outgrows_its_register_is_a_device_failure() -> None:
    """Without a known wrap the simulator invents none: exception 4, and the line goes on."""
    device = MeterDevice(load_profile("acrel_dtsd1352"), Counter(scale_of("acrel_dtsd1352"), 42e6), float)
    read = Request(1, 1, 3, bytes.fromhex("000a0002"))
    assert device.answer(read, 900_000).pdu[0] == 0x03
    assert device.answer(read, 950_000).pdu == bytes.fromhex("8304")


def test_a_read_of_another_length_is_refused() -> None:
    """Exception 3: the value of the request is at fault."""
    device = MeterDevice(load_profile("acrel_dtsd1352"), Counter(scale_of("acrel_dtsd1352"), 0), float)
    assert device.answer(Request(1, 1, 3, b"\x00"), 0).pdu == bytes.fromhex("8303")


@pytest.mark.parametrize(
    ("address", "count", "code"),
    [(383, 1, None), (383, 2, 2), (384, 1, 2), (0, 14, None), (0, 15, 3), (0, 0, 3), (0, 126, 3), (0xFFFF, 2, 2)],
)
def test_a_meter_has_its_registers_and_no_more(address: int, count: int, code: int | None) -> None:
    """The last one is at 383, and fourteen at once are the most; an address beyond is exception 2, too many are 3."""
    device = MeterDevice(load_profile("acrel_dtsd1352"), Counter(scale_of("acrel_dtsd1352"), 0), float)
    pdu = device.answer(Request(1, 1, 3, address.to_bytes(2, "big") + count.to_bytes(2, "big")), 0).pdu
    assert pdu[:2] == (bytes((3, 2 * count)) if code is None else bytes((0x83, code)))


@pytest.mark.parametrize(
    ("profile", "end"), [("acrel_dtsd1352", 2**32 * 0.01), ("eastron_sdm630", 1e6), ("fuxin_gas", 107_320_000)]
)
def test_where_a_counter_ends(profile: str, end: float) -> None:
    """At its wrap where that is known, else with its integer type, else after six digits."""
    assert scale_of(profile).end == pytest.approx(end, rel=1e-12)
