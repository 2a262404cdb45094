"""From raw number to base unit: exact, rounded once."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import RatioError, RegisterError
from collector.profiles import load_profile
from collector.profiles.conversion import conversion
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


@pytest.mark.parametrize(
    ("profile", "ct", "pt", "message"),
    [
        ("schneider_iem3155", 200, None, "primary side already: no ct"),
        ("schneider_iem3155", None, 1, "primary side already: no pt"),
        ("acrel_dtsd1352", 200, None, "secondary side: give pt"),
        ("chint_dtsu666", None, 1, "secondary side: give ct"),
        ("chint_dtsu666", None, None, "secondary side: give ct.*secondary side: give pt"),
    ],
)
def test_ratios_are_never_guessed(profile: str, ct: float | None, pt: float | None, message: str) -> None:
    """A ratio left out is not 1, and one too many would count twice what the meter has counted already."""
    with pytest.raises(RatioError, match=message):
        conversion(load_profile(profile).counter_register, "kWh", ct=ct, pt=pt)


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
