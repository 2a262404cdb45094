"""Profiles: every file loads, and a broken one says why."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.profiles import Confidence, Profile, Register, load_profile, profile_names
from collector.registers import DataType
from energy.carriers import carriers
from energy.config import decode_toml
from energy.errors import ConfigError
from energy.units import ratio

BROKEN = """
maker = "x"
model = "y"
carrier = "electricity"
counter = "energy"
source = "none"
forbidden = [[9, 3]]
registers = [
  { name = "a", quantity = "a", unit = "kWh", function_code = 5, address = 1, type = "u32", confidence = "found" },
  { name = "a", quantity = "a", unit = "kWh", function_code = 3, address = 65535, type = "u32", confidence = "found" },
]
"""


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_counts_its_carrier(name: str) -> None:
    """The counter converts into the carrier's base unit of measure, and the facts have a source."""
    profile = load_profile(name)
    assert ratio(profile.counter_register.unit, carriers()[profile.carrier].unit) > 0
    assert profile.source


def test_the_house_ships_the_layouts_of_the_issue() -> None:
    """At least float32, int64 and scaled u32 with ratios, for five carriers."""
    profiles = [load_profile(name) for name in profile_names()]
    assert {DataType.F32, DataType.I64, DataType.U32} <= {profile.counter_register.type for profile in profiles}
    assert {profile.carrier for profile in profiles} >= {
        "electricity",
        "natural_gas",
        "heat",
        "low_pressure_steam",
        "raw_coal",
    }


def test_an_unknown_profile_names_the_known_ones() -> None:
    """The message is enough to mend the configuration."""
    with pytest.raises(ConfigError, match="eastron_sdm630"):
        load_profile("eastron")


def test_faults_of_a_profile_are_listed_with_their_lines() -> None:
    """All at once, like those of every other file."""
    with pytest.raises(ConfigError) as caught:
        decode_toml(BROKEN, Profile, "broken.toml")
    assert [fault.line for fault in caught.value.faults] == [9, 10]


FIRST = 'name = "a", quantity = "a", unit = "kWh", function_code = 5'


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (FIRST.replace("5", "3"), "two registers of one name"),
        (FIRST.replace("5", "3").replace('name = "a"', 'name = "b"'), "counter 'energy'"),
        (FIRST.replace("5", "3").replace('name = "a"', 'name = "energy"'), "end before they begin"),
    ],
)
def test_contradictions_inside_a_profile(first: str, message: str) -> None:
    """Doubled names, a counter that is not there, a range that runs backwards."""
    text = BROKEN.replace("address = 65535", "address = 7").replace(FIRST, first)
    with pytest.raises(ConfigError, match=message):
        decode_toml(text, Profile, "broken.toml")


def some_register(data_type: DataType, *, scale: float = 1.0, not_available: tuple[int, ...] = ()) -> Register:
    """A register of that layout."""
    return Register(
        name="energy",
        quantity="energy_import_total",
        unit="kWh",
        function_code=3,
        address=0,
        type=data_type,
        scale=scale,
        not_available=not_available,
        confidence=Confidence.INVENTED,
    )


@given(st.fractions(0, 10**7))
def test_an_encoded_value_is_cut_to_the_step_below(value: Fraction) -> None:
    """A counter shows what is full, never more."""
    register = some_register(DataType.U32, scale=0.01)
    raw = register.decode(register.encode(value))
    assert raw is not None
    assert raw * Fraction(1, 100) <= value < (raw + 1) * Fraction(1, 100)


@pytest.mark.parametrize(
    ("data_type", "marker"), [(DataType.F32, ()), (DataType.F64, ()), (DataType.U64, (2**64 - 1,))]
)
def test_no_value_stays_no_value(data_type: DataType, marker: tuple[int, ...]) -> None:
    """NaN and the profile's own markers."""
    register = some_register(data_type, not_available=marker)
    words = register.encode_not_available()
    assert words is not None
    assert register.decode(words) is None


def test_infinity_is_no_value() -> None:
    """A float that overflowed says nothing."""
    register = some_register(DataType.F32)
    assert register.decode((0x7F80, 0)) is None


def test_a_layout_without_marker_cannot_say_so() -> None:
    """An integer without one always means a number."""
    assert some_register(DataType.U32).encode_not_available() is None
