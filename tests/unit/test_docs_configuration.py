"""The page on configuration says what the code takes: every key, its type, its bounds and its default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from alerts.settings import AlertsSettings
from collector.settings import CollectorSettings
from energy.clocks import ClockSettings
from energy.health import HealthSettings
from energy.storage import StorageSettings
from energy.transport.mqtt import MqttSettings
from ingest.accounting.settings import AccountingSettings
from ingest.settings import IngestSettings
from simulators.settings import SimulatorSettings

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
SHARED: dict[type[msgspec.Struct], str] = {
    StorageSettings: "database",
    MqttSettings: "mqtt",
    ClockSettings: "clock",
    HealthSettings: "health",
}
"""Tables that several files have; described once."""
FILES: dict[str, type[msgspec.Struct]] = {
    "Collector": CollectorSettings,
    "Ingest": IngestSettings,
    "Accounting": AccountingSettings,
    "Alerts": AlertsSettings,
    "Simulated meters": SimulatorSettings,
}

Table = tuple[str, str]
"""Chapter and heading of a table."""
Row = tuple[str, str, str]
"""Key, type with bounds, default: what the page must say; the meaning is prose."""


def expected_tables() -> dict[Table, list[Row]]:
    """Every table that the page must have, with its rows."""
    shared = (found for struct, name in SHARED.items() for found in tables("Shared tables", struct, name))
    own = (found for chapter, struct in FILES.items() for found in tables(chapter, struct, ""))
    return dict([*shared, *own])


def tables(
    chapter: str, struct: type[msgspec.Struct], name: str, *, many: bool = False, preset: Any = None
) -> Iterator[tuple[Table, list[Row]]]:
    """The table of `struct` called `name`, and those within it; `preset` is what it is when it is left out."""
    fields = inspect.type_info(struct)
    assert isinstance(fields, inspect.StructType)
    heading = f"[[{name}]]" if many else f"[{name}]" if name else "The file itself"
    yield (chapter, heading), [row(field, preset) for field in fields.fields]
    for field in fields.fields:
        inner, listed = struct_of(field.type)
        if inner is not None and inner not in SHARED:
            below = f"{name}.{field.name}" if name else field.name
            default = None if field.default is msgspec.NODEFAULT else field.default
            yield from tables(chapter, inner, below, many=listed, preset=default)


def struct_of(kind: inspect.Type) -> tuple[type[msgspec.Struct] | None, bool]:
    """The struct that a field's type holds, if any, and whether it holds many."""
    if isinstance(kind, inspect.UnionType):
        (kind,) = (one for one in kind.types if not isinstance(one, inspect.NoneType))
    if isinstance(kind, inspect.VarTupleType):
        return struct_of(kind.item_type)[0], True
    return (kind.cls, False) if isinstance(kind, inspect.StructType) else (None, False)


def row(field: inspect.Field, preset: Any) -> Row:
    """What the page says of one key."""
    default = field.default if preset is None else getattr(preset, field.name)
    return field.encode_name, type_words(field.type), default_words(default, field.type)


def type_words(kind: inspect.Type) -> str:
    """A field's type in the words of TOML, with its bounds."""
    inner, many = struct_of(kind)
    if inner is not None:
        return "tables" if many else "table"
    if isinstance(kind, inspect.UnionType):
        return " or ".join(type_words(one) for one in kind.types if not isinstance(one, inspect.NoneType))
    if isinstance(kind, inspect.VarTupleType):
        return f"array, each {type_words(kind.item_type)}"
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return f"{'integer' if isinstance(kind, inspect.IntType) else 'number'}{bounds(kind)}"
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(f'"{value}"' for value in kind.values)
    names: dict[type[inspect.Type], str] = {
        inspect.StrType: "string",
        inspect.BoolType: "boolean",
        inspect.CustomType: "path",
        inspect.DateTimeType: "date-time",
    }
    return names[type(kind)]


def bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    """What numbers are allowed, in words."""
    if kind.gt is not None:
        return f" above {kind.gt:g}"
    if kind.ge is not None and kind.le is not None:
        return f" {kind.ge:g} to {kind.le}"
    return "" if kind.ge is None else f", {kind.ge} or more"


def default_words(default: Any, kind: inspect.Type) -> str:
    """A default as one writes it in TOML; `required` where there is none."""
    if default is msgspec.NODEFAULT:
        return "required"
    if default is None or struct_of(kind)[0] is not None:
        return "–"
    if isinstance(default, str | bool | tuple):
        return f"`{msgspec.json.encode(default).decode()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def page_tables() -> dict[Table, list[Row]]:
    """The tables that the page has, by chapter and heading; one heading may stand for several tables."""
    found: dict[Table, list[Row]] = {}
    for chapter in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        title = chapter.partition("\n")[0]
        for part in re.split(r"^### ", chapter, flags=re.MULTILINE)[1:]:
            heading, _, body = part.partition("\n")
            cells = [line.split(" | ") for line in body.splitlines() if line.startswith("| `")]
            found[title, heading.replace("`", "")] = [(one[0][3:-1], one[1], one[2]) for one in cells]
    return found


EXPECTED = expected_tables()


def test_the_page_has_every_table_and_no_other() -> None:
    """A table that is new, or gone, is noticed."""
    assert set(page_tables()) == set(EXPECTED)


@pytest.mark.parametrize("table", EXPECTED, ids=" ".join)
def test_a_table_has_every_key_with_its_type_and_default(table: Table) -> None:
    """In the order of the code."""
    assert page_tables()[table] == EXPECTED[table]


def test_every_key_is_explained() -> None:
    """The last cell of each row says something."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert all(len(line.split(" | ", 3)[3].removesuffix(" |").strip()) > 2 for line in rows)
