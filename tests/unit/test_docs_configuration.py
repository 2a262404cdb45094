"""The page on configuration says what the code takes: every key, its type, its bounds and its default."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
from energy.transport.tls import TlsSettings
from ingest.accounting.settings import AccountingSettings
from ingest.settings import IngestSettings
from simulators.settings import SimulatorSettings

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
SHARED: dict[type[msgspec.Struct], str] = {
    StorageSettings: "database",
    MqttSettings: "mqtt",
    ClockSettings: "clock",
    HealthSettings: "health",
    TlsSettings: "tls",
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
    yield (chapter, heading_of(name, many=many)), [row(field, preset) for field in fields_of(struct)]
    yield from inner_tables(chapter, [struct], name)


def inner_tables(chapter: str, structs: Sequence[type[msgspec.Struct]], name: str) -> Iterator[tuple[Table, list[Row]]]:
    """The tables within those called `name`, which may be of several kinds."""
    inner: dict[str, dict[type[msgspec.Struct], tuple[bool, Any]]] = {}
    for struct in structs:
        for field in fields_of(struct):
            default = default_of(field)
            found, listed = structs_of(field.type)
            for one in found:
                if one not in SHARED:
                    inner.setdefault(field.name, {}).setdefault(one, (listed, default))
    for key, kinds in inner.items():
        below = f"{name}.{key}" if name else key
        ((listed, default), *_) = kinds.values()
        if len(kinds) == 1:
            yield from tables(
                chapter,
                next(iter(kinds)),
                below,
                many=listed,
                preset=default if isinstance(default, msgspec.Struct) else None,
            )
        else:
            yield from kind_tables(chapter, list(kinds), below, many=listed)
            yield from inner_tables(chapter, list(kinds), below)


def kind_tables(
    chapter: str, structs: Sequence[type[msgspec.Struct]], name: str, *, many: bool
) -> Iterator[tuple[Table, list[Row]]]:
    """What tables of several kinds have in common, and what each has beside that and beside a shared table."""
    rows = {struct: [row(field, None) for field in fields_of(struct)] for struct in structs}
    common = [one for one in rows[structs[0]] if all(one in others for others in rows.values())]
    tags = [tag for struct in structs if (tag := struct.__struct_config__.tag) is not None]
    kind = [("kind", " or ".join(f'"{tag}"' for tag in tags), "required")] if tags else []
    heading = heading_of(name, many=many)
    yield (chapter, heading), kind + common
    for struct in structs:
        shared = {field.name for base in SHARED if issubclass(struct, base) for field in fields_of(base)}
        own = [one for one in rows[struct] if one not in common and one[0] not in shared]
        if own:
            yield (chapter, f"{heading}: {struct.__struct_config__.tag or struct.__name__}"), own


def fields_of(struct: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    """The fields of a struct, without its tag."""
    fields = inspect.type_info(struct)
    assert isinstance(fields, inspect.StructType)
    return fields.fields


def heading_of(name: str, *, many: bool) -> str:
    """How the page calls a table."""
    return f"[[{name}]]" if many else f"[{name}]" if name else "The file itself"


def structs_of(kind: inspect.Type) -> tuple[list[type[msgspec.Struct]], bool]:
    """The structs that a field's type holds, and whether it holds many."""
    if isinstance(kind, inspect.UnionType):
        return [struct for one in kind.types for struct in structs_of(one)[0]], False
    if isinstance(kind, inspect.VarTupleType):
        return structs_of(kind.item_type)[0], True
    return ([kind.cls], False) if isinstance(kind, inspect.StructType) else ([], False)


def default_of(field: inspect.Field) -> Any:
    """What a field is when it is left out; `NODEFAULT` where it must not be."""
    made = field.default_factory
    return field.default if made is msgspec.NODEFAULT else made()


def row(field: inspect.Field, preset: Any) -> Row:
    """What the page says of one key."""
    default = default_of(field) if preset is None else getattr(preset, field.name)
    return field.encode_name, type_words(field.type), default_words(default, field.type)


def type_words(kind: inspect.Type) -> str:  # noqa: PLR0911 - one for each kind of type
    """A field's type in the words of TOML, with its bounds."""
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    inner, many = structs_of(kind)
    if inner:
        return "tables" if many else "table"
    if isinstance(kind, inspect.UnionType):
        return " or ".join(type_words(one) for one in kind.types if not isinstance(one, inspect.NoneType))
    if isinstance(kind, inspect.DictType):
        return f"table, each {type_words(kind.value_type)}"
    if isinstance(kind, inspect.VarTupleType):
        return f"array, each {type_words(kind.item_type)}"
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return f"{'integer' if isinstance(kind, inspect.IntType) else 'number'}{bounds(kind)}"
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(msgspec.json.encode(value).decode() for value in kind.values)
    if isinstance(kind, inspect.TupleType):
        return f"[{', '.join(type_words(one) for one in kind.item_types)}]"
    if isinstance(kind, inspect.EnumType):
        return " or ".join(f'"{one.value}"' for one in kind.cls)
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
    if default is None or structs_of(kind)[0]:
        return "–"
    if isinstance(default, str | bool | tuple | dict):
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
