"""From raw number to base unit: exact, rounded once."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import RatioError, RegisterError
from collector.profiles import Confidence, Register, Value, load_profile
from collector.profiles.conversion import conversion, ratio_faults, target_unit
from collector.registers import DataType
from energy.errors import UnitError

ACREL = load_profile("acrel_dtsd1352").counter_register


@given(st.integers(0, 2**32 - 1), st.integers(1, 5_000), st.integers(1, 2_200))
def test_a_scaled_counter_times_ct_and_pt_is_the_nearest_float(raw: int, ct: int, pt: int) -> None:
    """Two hundredths, times ratios, without a float in between."""
    assert conversion(ACREL, "kWh", ct=ct, pt=pt).apply(raw) == float(Fraction(raw, 100) * ct * pt)


@given(st.floats(0, 1e9, width=32))
def test_a_float_register_in_its_own_unit_stays_as_it_is(raw: float) -> None:
    """A factor of one changes no bit."""
    register = load_profile("eastron_sdm630").counter_register
    assert conversion(register, "kWh").apply(raw) == raw


@pytest.mark.parametrize(
    ("profile", "unit", "raw", "target", "value"),
    [
        ("schneider_iem3155", "", 1_234_567, "kWh", 1_234.567),
        ("kamstrup_multical_403", "", 1_000.0, "GJ", 3.6),
        ("kamstrup_multical_403", "GJ", 1_000.0, "GJ", 1_000.0),
        ("kamstrup_multical_403", "MWh", 2.0, "GJ", 7.2),
        ("spirax_tva", "", 12_345, "t", 12.345),
        ("generic_belt_scale", "", 12_345, "t", 1_234.5),
        ("fuxin_gas", "m3", 10_000, "m3", 1.0),
    ],
)
def test_known_meters(profile: str, unit: str, raw: float, target: str, value: float) -> None:
    """What a person reads off the display comes out."""
    assert conversion(load_profile(profile).counter_register, target, unit=unit).apply(raw) == value


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-50, 50))
def test_an_offset_shifts_before_the_unit_is_converted(raw: int, offset: int) -> None:
    """Tenths of a kilowatt from minus fifty on, in watts."""
    value = Value(name="p", quantity="p", unit="kW", scale=0.1, offset=offset, confidence=Confidence.FOUND)
    assert conversion(value, "W").apply(raw) == float((Fraction(raw, 10) + offset) * 1000)
    assert conversion(value, "W").apply(raw / 8) == float((Fraction(raw, 80) + offset) * 1000)
    plain = Value(name="t", quantity="t", unit="degC", offset=offset, confidence=Confidence.FOUND)
    assert conversion(plain, "degC").apply(raw / 8) == float(Fraction(raw, 8) + offset)


@given(st.fractions(-(10**12), 10**12))
def test_a_number_of_parts_is_rounded_once(raw: Fraction) -> None:
    """Integer and fraction, or a register and its exponent."""
    assert conversion(ACREL, "kWh", ct=1, pt=1).apply(raw) == float(raw / 100)


@given(st.integers(1, 5_000), st.integers(1, 2_200))
def test_each_ratio_multiplies_what_it_transforms(ct: int, pt: int) -> None:
    """Currents by CT, voltages by PT, energies by both, a frequency by neither."""
    profile = load_profile("acrel_dtsd1352")
    values = {"current_l1": ct, "voltage_l1": pt, "energy_total": ct * pt, "frequency": 1}
    for name, factor in values.items():
        register = profile.register(name)
        made = conversion(register, target_unit("electricity", register.unit), ct=ct, pt=pt)
        assert Fraction(made.numerator, made.denominator) == register.exact_scale * factor


@pytest.mark.parametrize(
    ("profile", "sent", "given_ratios", "faults"),
    [
        ("schneider_iem3155", ["energy_import_total"], ["ct"], ["ct"]),
        ("schneider_iem3155", ["energy_import_total", "voltage_l1"], ["ct", "pt"], ["ct", "pt"]),
        ("acrel_dtsd1352", ["energy_import_total"], ["ct"], ["pt"]),
        ("acrel_dtsd1352", ["energy_import_total"], ["ct", "pt"], []),
        ("acrel_dtsd1352", ["energy_import_total"], [], ["ct", "pt"]),
        ("acrel_dtsd1352", ["voltage_l1"], ["pt"], []),
        ("acrel_dtsd1352", ["voltage_l1"], ["ct", "pt"], ["ct"]),
        ("acrel_dtsd1352", ["voltage_l1", "current_l1"], ["ct", "pt"], []),
        ("acrel_dtsd1352", ["frequency"], [], []),
    ],
)
def test_ratios_are_needed_by_what_is_sent_and_never_guessed(
    profile: str, sent: list[str], given_ratios: list[str], faults: list[str]
) -> None:
    """A ratio left out is not 1, and one too many would count twice what the meter has counted already."""
    values = [load_profile(profile).register(name) for name in sent]
    assert [key for key, _ in ratio_faults(values, given_ratios)] == faults


def test_the_message_names_the_values() -> None:
    """Whoever writes the configuration sees what asks for the ratio, or that nothing does."""
    ((key, message),) = ratio_faults([ACREL], ["ct"])
    assert (key, message[:58]) == ("pt", "energy_import_total: shows the secondary side: give pt, th")
    register = load_profile("schneider_iem3155").counter_register
    assert "primary side already: no ct" in dict(ratio_faults([register], ["ct"]))["ct"]


def test_a_missing_ratio_converts_nothing() -> None:
    """The value's own are enough; others are for other values."""
    with pytest.raises(RatioError, match=r"give ct.*give pt"):
        conversion(ACREL, "kWh")
    assert conversion(load_profile("acrel_dtsd1352").register("voltage_l1"), "V", ct=7, pt=10).apply(2_200) == 2_200.0


@pytest.mark.parametrize(
    ("carrier", "unit", "target"),
    [
        ("electricity", "Wh", "kWh"),
        ("heat", "kWh", "GJ"),
        ("cooling", "GJ", "kWh"),
        ("natural_gas", "Nm3", "m3"),
        ("heat", "l", "m3"),
        ("water", "m3", "m3"),
        ("low_pressure_steam", "kg", "t"),
        ("heat", "GJ/h", "W"),
        ("electricity", "kW", "W"),
        ("electricity", "kvarh", "kvarh"),
        ("natural_gas", "bar", "kPa"),
        ("natural_gas", "Nm3/h", "m3/h"),
        ("water", "l/s", "m3/h"),
        ("heat", "degC", "degC"),
        ("electricity", "%", "1"),
    ],
)
def test_values_are_kept_in_the_carriers_unit_or_the_usual_one(carrier: str, unit: str, target: str) -> None:
    """GJ of heat, kWh of electricity; what the carrier does not count in has one unit everywhere."""
    assert target_unit(carrier, unit) == target


def test_a_unit_that_the_menu_decides_has_to_be_given() -> None:
    """Nobody guesses whether a display shows pounds or tonnes."""
    value = Value(name="mass", quantity="mass", unit="display", confidence=Confidence.FOUND)
    with pytest.raises(UnitError, match="menu decides"):
        conversion(value, "t")
    assert conversion(value, "t", unit="kg").apply(500) == 0.5


def test_text_is_not_converted() -> None:
    """A serial number is no reading."""
    text = Register(
        name="serial",
        quantity="serial",
        unit="1",
        function_code=3,
        address=0,
        type=DataType.STRING,
        words=4,
        confidence=Confidence.FOUND,
    )
    with pytest.raises(UnitError, match="is text"):
        conversion(text, "1")


def test_a_decimal_ratio_means_what_is_written() -> None:
    """0.1 is a tenth, not the nearest binary fraction."""
    assert conversion(ACREL, "kWh", ct=0.1, pt=1).apply(3_000) == 3.0


def test_a_value_beyond_all_floats_is_no_value() -> None:
    """Nonsense in a float64 register is a fault of that meter, not of the round."""
    with pytest.raises(RegisterError):
        conversion(ACREL, "kWh", ct=5_000, pt=350).apply(1.7e308)


def test_units_of_different_kinds_do_not_convert() -> None:
    """A tonne is no kilowatt-hour."""
    with pytest.raises(UnitError):
        conversion(ACREL, "t", ct=1, pt=1)
