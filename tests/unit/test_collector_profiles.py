"""Profiles: every file loads, and a broken one says what is wrong, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.profiles import Addresses, Library, Profile, ProfileBase, load_any_profile, load_profile, profile_names
from collector.profiles.conversion import target_unit
from collector.profiles.dlt645 import Dlt645Profile
from collector.profiles.library import parse_profile
from collector.profiles.value import DISPLAY, CtPt
from collector.registers import DataType
from energy.errors import ConfigError
from energy.units import ratio

GOOD = """protocol = "modbus"
maker = "x"
model = "y"
carrier = "electricity"
counter = "energy"
source = "none"
registers = [
  { name = "energy", quantity = "a", unit = "kWh", function_code = 3, address = 10, type = "u32", confidence = "found"},
  { name = "flow", quantity = "b", unit = "m3/h", function_code = 4, address = 30, type = "u16", confidence = "found" },
]
"""


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_counts_its_carrier(name: str) -> None:
    """The counter converts into the unit of measure in which it is kept, and the facts have a source."""
    profile = load_any_profile(name)
    assert profile.source
    for value in profile.values:
        if value.unit != DISPLAY:
            assert ratio(value.unit, target_unit(profile.carrier, value.unit)) > 0


def test_the_house_ships_the_layouts_of_the_issue() -> None:
    """At least float32, int64 and scaled u32 with ratios, for five carriers."""
    profiles = [load_any_profile(name) for name in profile_names()]
    modbus = [profile for profile in profiles if isinstance(profile, Profile)]
    assert {DataType.F32, DataType.I64, DataType.U32} <= {profile.counter_register.type for profile in modbus}
    assert {profile.carrier for profile in modbus} >= {
        "electricity",
        "natural_gas",
        "heat",
        "low_pressure_steam",
        "raw_coal",
    }


def test_voltages_take_pt_currents_ct_and_energies_both() -> None:
    """A voltage is not multiplied by the ratio of the current transformers."""
    profile = load_profile("acrel_dtsd1352")
    ratios = {name: profile.register(name).ct_pt.ratios for name in ("voltage_l1", "current_l1", "energy_total")}
    assert ratios == {"voltage_l1": ("pt",), "current_l1": ("ct",), "energy_total": ("ct", "pt")}
    assert CtPt.NONE.ratios == ()


def test_an_unknown_profile_names_the_known_ones() -> None:
    """The message is enough to mend the configuration."""
    with pytest.raises(ConfigError, match="eastron_sdm630"):
        load_profile("eastron")


def test_a_profile_of_another_protocol_is_none_of_modbus(tmp_path: Path) -> None:
    """A DL/T 645 meter has no registers."""
    item = '{ name = "energy", quantity = "a", unit = "kWh", data_id = "00010000", length = 4, confidence = "found" }'
    text = GOOD[: GOOD.index("registers")].replace("modbus", "dlt645") + f"items = [{item}]\n"
    library = Library([write(tmp_path, "other.toml", text)])
    assert isinstance(library.load_any("other"), Dlt645Profile)
    with pytest.raises(ConfigError, match="other is for dlt645, not for modbus"):
        library.load("other")


def test_a_good_profile_loads() -> None:
    """What the faults below are made from has none."""
    assert parse_profile(GOOD, "good.toml").counter_value.quantity == "a"


def faults_of(text: str) -> list[str]:
    """The faults of a profile's file."""
    with pytest.raises(ConfigError) as caught:
        parse_profile(text, "broken.toml")
    return [str(fault).removeprefix("broken.toml:") for fault in caught.value.faults]


ENERGY = 'unit = "kWh", function_code = 3, address = 10, type = "u32"'


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('protocol = "modbus"', 'protocol = "m-bus"', "1: protocol: "),
        ('name = "flow"', 'name = "energy"', "9: registers[1].name: a second value of the name 'energy'"),
        ('counter = "energy"', 'counter = "power"', "5: counter: 'power' is none of the values (energy, flow)"),
        ("address = 10", "address = 65535", "8: registers[0].address: energy ends beyond address 65535"),
        (
            "registers",
            "forbidden = [[1, 2], [9, 3]]\nregisters",
            "7: forbidden[1]: the range ends (3) before it begins",
        ),
        (
            "registers",
            "forbidden = [[11, 12]]\nregisters",
            "9: registers[0].address: energy touches the forbidden range",
        ),
        (
            "registers",
            "forbidden = [[8, 10]]\nregisters",
            "9: registers[0].address: energy touches the forbidden range",
        ),
        ("registers", "max_words = 1\nregisters", "9: registers[0].address: energy spans 2 registers, more than max"),
        ('unit = "kWh"', 'unit = "kw"', "8: registers[0].unit: unknown unit of measure 'kw'"),
        ('unit = "kWh"', 'unit = "kWh", ct_pt = "pt"', "8: registers[0].ct_pt: a value in kWh takes ct_pt, not pt"),
        ('unit = "m3/h"', 'unit = "m3/h", ct_pt = "ct"', "9: registers[1].ct_pt: a value in m3/h takes none, not ct"),
        (
            "function_code = 3",
            "function_code = 5",
            "8: registers[0].function_code: unknown value 5 (known: 1, 2, 3, 4)",
        ),
        ("function_code = 3", "function_code = 1", "8: registers[0]: function codes 1 and 2 go with the type bit"),
        ('type = "u32"', 'type = "bit"', "8: registers[0]: function codes 1 and 2 go with the type bit"),
        ('type = "u32"', 'type = "string"', "8: registers[0]: words belongs to the type string"),
        ('type = "u32"', 'type = "u32", bits = 3', "8: registers[0]: bit and bits belong to the type bits"),
        ('type = "u32"', 'type = "bits", bit = 30, bits = 3', "8: registers[0]: a field of bits lies within two"),
        ('type = "u32"', 'type = "bits", exponent = 3', "8: registers[0]: a value of type bits has neither fraction"),
        ('type = "u32"', 'type = "string", words = 2, scale = 0.1', "8: registers[0]: a string has neither scale"),
        ('"u32"', '"u32", fraction = { address = 1, type = "string" }', "8: registers[0].fraction: a fraction cannot"),
        (
            '"u32"',
            '"u32", not_available = [-1]',
            "8: registers[0]: not_available: -1 does not fit u32 (0 to 4294967295)",
        ),
        (
            '"u32"',
            '"i32", not_available = [0x8000_0000]',
            "8: registers[0]: not_available: 2147483648 does not fit i32",
        ),
        (
            '"u32"',
            '"i16", not_available = [0xFFFF]',
            "8: registers[0]: not_available: 65535 does not fit i16 (-32768 to ",
        ),
        ('"u32"', '"string", words = 2, not_available = [0]', "8: registers[0]: not_available: 0 is no ASCII text"),
        ("registers", 'addresses = "one-based"\nforbidden = [[0, 2]]\nregisters', "8: forbidden[0]: addresses that"),
    ],
)
def test_each_fault_of_a_profile_has_its_line(old: str, new: str, fault: str) -> None:
    """File, line, key, and what was expected."""
    found = faults_of(GOOD.replace(old, new, 1))
    assert len(found) == 1
    assert found[0].startswith(fault)


def test_all_faults_of_a_profile_come_at_once() -> None:
    """Mending one at a time wastes a person's day."""
    broken = (
        GOOD.replace('counter = "energy"', 'counter = "power"').replace('"kWh"', '"kw"').replace('"flow"', '"energy"')
    )
    assert [fault.split(":", maxsplit=1)[0] for fault in faults_of(broken)] == ["5", "8", "9"]


ONE_BASED = GOOD.replace("registers", 'addresses = "one-based"\nforbidden = [[1, 2]]\nregisters', 1)


def test_addresses_that_count_from_one_are_made_those_of_the_wire() -> None:
    """All parts of a value, and the forbidden ranges; a second time changes nothing."""
    text = ONE_BASED.replace('"u32"', '"u32", fraction = { address = 12, type = "f32" }, exponent = 14')
    profile = parse_profile(text, "one.toml")
    assert isinstance(profile, Profile)
    assert profile.addresses is Addresses.ZERO_BASED
    assert profile.counter_register.addresses == (9, 10, 11, 12, 13)
    assert (profile.counter_register.start, profile.counter_register.end) == (9, 14)
    assert profile.forbidden == ((0, 1),)
    assert profile.on_the_wire() == profile


def test_the_last_address_depends_on_where_counting_begins() -> None:
    """65536 from one is 65535 on the wire, the last; 0 is none."""
    last = parse_profile(
        ONE_BASED.replace("function_code = 4, address = 30", "function_code = 4, address = 65536"), "x"
    )
    assert isinstance(last, Profile)
    assert last.register("flow").end == 65_536
    found = faults_of(ONE_BASED.replace("forbidden = [[1, 2]]", "").replace("address = 10", "address = 0", 1))
    assert found == ["10: registers[0].address: addresses that count from one have no 0"]
    assert "ends beyond address 65536" in faults_of(ONE_BASED.replace("address = 10", "address = 65536", 1))[0]


def write(directory: Path, name: str, text: str = GOOD) -> Path:
    """A user's directory with one file."""
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(text)
    return directory


def test_a_user_adds_a_model_without_code(tmp_path: Path) -> None:
    """A file in a directory of their own stands beside those that come with the collector."""
    library = Library([write(tmp_path, "works_meter.toml")])
    assert library.load("works_meter").maker == "x"
    assert library.load_any("works_meter") is library.load("works_meter")
    assert set(library.names) == {"works_meter", *profile_names()}
    assert library.source("works_meter") == str(tmp_path / "works_meter.toml")
    assert library.source("fuxin_gas") == "collector/profiles/models/fuxin_gas.toml"


def test_no_profile_shadows_another(tmp_path: Path) -> None:
    """Two files of one name are a fault, in two directories of the user's as well; both are named."""
    one, two = write(tmp_path / "one", "a.toml"), write(tmp_path / "two", "a.toml")
    write(two, "fuxin_gas.toml")
    with pytest.raises(ConfigError) as caught:
        Library([one, two])
    assert [str(fault) for fault in caught.value.faults] == [
        f"{two}/a.toml: a profile a exists already: {one}/a.toml",
        f"{two}/fuxin_gas.toml: a profile fuxin_gas exists already: collector/profiles/models/fuxin_gas.toml",
    ]


def test_a_directory_or_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """The path stands in the message."""
    with pytest.raises(ConfigError, match=r"nowhere: cannot be read: No such file"):
        Library([tmp_path / "nowhere"])
    (tmp_path / "b.toml").mkdir()
    with pytest.raises(ConfigError, match=r"b\.toml: cannot be read: Is a directory"):
        Library([tmp_path]).load("b")
    (tmp_path / "c.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"c\.toml: not UTF-8 text"):
        Library([tmp_path]).load("c")


def test_a_value_that_is_not_there() -> None:
    """A KeyError names it."""
    profile: ProfileBase = load_profile("fuxin_gas")
    with pytest.raises(KeyError, match="energy"):
        profile.value("energy")
