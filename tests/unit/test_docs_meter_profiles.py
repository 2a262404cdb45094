"""The page on meter profiles says what the code takes, what comes along, and an example that works."""

from __future__ import annotations

import re
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from collector.profiles import AnyProfile, Part, Profile, ProfileBase, Register, Value, load_any_profile, profile_names
from collector.profiles.conversion import conversion
from collector.profiles.dlt645 import DataItem, Dlt645Profile
from collector.profiles.library import parse_profile
from collector.registers import DataType, WordOrder, decode
from collector.registers.types import Layout
from deploy.cli.profile_text import confidences

PAGE = (Path(__file__).parents[2] / "docs" / "meter-profiles.md").read_text(encoding="utf-8")
Row = tuple[str, str, str]
"""Key, type with bounds, default."""
TABLES: dict[str, tuple[type[msgspec.Struct], type[msgspec.Struct]]] = {
    "Every profile": (ProfileBase, msgspec.Struct),
    "A profile of Modbus": (Profile, ProfileBase),
    "Every value": (Value, msgspec.Struct),
    "A register": (Register, Value),
    "A fraction": (Part, msgspec.Struct),
    "A profile of DL/T 645-2007": (Dlt645Profile, ProfileBase),
    "A data item": (DataItem, Value),
}
"""By heading: whose keys stand there, and those of which base stand elsewhere."""


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    (found,) = re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


def cells(title: str) -> list[list[str]]:
    """The rows of the table below a heading that begin with a name."""
    lines = (line for line in section(title).splitlines() if line.startswith("| `"))
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def expected_rows(struct: type[msgspec.Struct], base: type[msgspec.Struct]) -> list[Row]:
    """What the page must say of each key of a struct that its base has not."""
    kind = inspect.type_info(struct)
    assert isinstance(kind, inspect.StructType)
    own = [field for field in kind.fields if field.name not in base.__struct_fields__]
    return [(f"`{field.encode_name}`", words(field.type), preset(field.default)) for field in own]


def words(kind: inspect.Type) -> str:
    """A field's type in the words of TOML, with its bounds."""
    if isinstance(kind, inspect.UnionType):
        (kind,) = (one for one in kind.types if not isinstance(one, inspect.NoneType))
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.VarTupleType):
        return array_words(kind.item_type)
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        name = "integer" if isinstance(kind, inspect.IntType) else "number"
        bounds = "" if kind.ge is None else f" {kind.ge} to {kind.le}"
        return f"{name}{bounds if kind.gt is None else f' above {kind.gt:g}'}"
    names: dict[type[inspect.Type], str] = {
        inspect.StructType: "table",
        inspect.LiteralType: "integer",
        inspect.StrType: "string",
        inspect.BoolType: "boolean",
        inspect.EnumType: "string",
    }
    return names[type(kind)]


def array_words(each: inspect.Type) -> str:
    """The words for an array of such items."""
    if isinstance(each, inspect.TupleType):
        return "array of pairs"
    return "tables" if isinstance(each, inspect.StructType) else f"array of {words(each)}s"


def preset(default: Any) -> str:
    """A default as one writes it in TOML."""
    if default is msgspec.NODEFAULT:
        return "required"
    if default is None:
        return "–"
    if isinstance(default, StrEnum):
        return f'`"{default.value}"`'
    if isinstance(default, float):
        return f"`{default:g}`"
    return f"`{msgspec.json.encode(default).decode()}`"


@pytest.mark.parametrize("title", TABLES)
def test_the_page_has_every_key_with_its_type_and_default(title: str) -> None:
    """And no other, in the order of the code."""
    assert [tuple(row[:3]) for row in cells(title)] == expected_rows(*TABLES[title])
    assert all(len(row[3]) > 2 for row in cells(title))


def test_the_page_has_every_type_with_its_size() -> None:
    """As many registers as the page says."""
    told: dict[str, str] = {}
    for names, sizes, _ in cells("Types"):
        kinds = re.findall(r"`(\w+)`", names)
        told |= dict(zip(kinds, sizes.split(", ") * len(kinds), strict=False))
    assert set(told) == {kind.value for kind in DataType}
    fixed = {kind.value: str(kind.words) for kind in DataType if kind.words}
    assert {kind: told[kind] for kind in fixed} == fixed


def test_the_table_of_byte_orders_decodes_to_its_value() -> None:
    """The same 230.1 V in all four orders."""
    rows = cells("Which byte order")
    assert {row[1].strip("`") for row in rows} == {order.value for order in WordOrder}
    for row in rows:
        raw = tuple(int(word, 16) for word in row[0].strip("` ").split())
        assert decode(raw, Layout(DataType.F32, WordOrder(row[1].strip("`")))) == pytest.approx(230.1, rel=1e-7)


def test_the_worked_example_is_sound_and_gives_the_value_told() -> None:
    """From the profile on the page, the words and the ratios on the page, to the kilowatt-hours on the page."""
    (text,) = re.findall(r"```toml\n(.*?)```", section("From the manual to a profile"), re.DOTALL)
    profile = parse_profile(text, "docs/meter-profiles.md")
    assert isinstance(profile, Profile)
    counter = profile.counter_register
    assert counter.start == 20
    assert profile.forbidden == ((30, 39),)
    raw = counter.decode({20: 0xE240, 21: 0x0001})
    assert raw == 123_456
    assert Fraction(raw) * counter.exact_scale == Fraction("1234.56")
    assert conversion(counter, "kWh", ct=200, pt=100).apply(raw) == 24_691_200


def test_the_table_of_profiles_is_the_truth() -> None:
    """Every shipped profile with maker, model, carrier and counts; a wrong line is shown with the right one."""
    assert section("The profiles that come along").strip().splitlines()[-len(profile_names()) :] == [
        line_of(name, load_any_profile(name)) for name in profile_names()
    ]


def line_of(name: str, profile: AnyProfile) -> str:
    """What the page says of a profile."""
    known = confidences(profile)
    counts = " | ".join(str(known[degree]) for degree in ("confirmed", "found", "recalled"))
    return f"| `{name}` | {profile.maker} | {profile.model} | {profile.protocol} | {profile.carrier} | {counts} |"
