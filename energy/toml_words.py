"""What a decoder found wrong, in the words of TOML and of whoever wrote the file. Pure."""

from __future__ import annotations

import difflib
import enum
import re
import types
import typing
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from energy.toml_lines import Path

_KINDS = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "a boolean",
    "array": "an array",
    "object": "a table",
    "datetime": "a date with time",
    "date": "a date",
    "time": "a time",
}
"""msgspec speaks of Python and of JSON, whose object is a table here."""
_EXPECTED = re.compile(r"^Expected `([^`]+)`(?:, got `([^`]+)`)?(.*?)(?: - at `[^`]*`)?$", re.DOTALL)
_WHOLE = re.compile(r"(?<=\d)\.0\b")


def reworded(message: str, expected: Any, value: Any, path: Path) -> str:
    """Say why `value` at `path` is no `expected`; `message` is what msgspec says."""
    known = _closed_set(expected)
    if known and isinstance(value, str | int):
        return unknown_value(value, known)
    match = _EXPECTED.match(message)
    if match is None:
        return message
    wanted, got, rest = match.groups()
    description = _description(expected)
    if description and "matching regex" in rest:
        return f"expected {description}, got {value!r}"
    if got is not None:
        given = str(value) if isinstance(value, float) else _kinds(got)
        return f"expected {_kinds(wanted)}, got {given}{_how_to_write(wanted, value, expected, path)}"
    more = f": {description}" if description else ""
    return f"expected {_kinds(wanted)}{_WHOLE.sub('', rest) if 'regex' not in rest else rest}{more}"


def unknown_value(value: object, known: Iterable[object]) -> str:
    """A value out of a closed set of others: which are known, and which one was perhaps meant."""
    names = [str(one) for one in known]
    return f"unknown value {value!r}{meant(str(value), names)} (known: {', '.join(names)})"


def meant(key: str, known: Iterable[str]) -> str:
    """The question whether `key` is a misspelling, where it comes near to one that is known; else nothing."""
    return f", did you mean {close[0]!r}?" if (close := close_to(key, known)) else ""


def unknown_key(key: str, known: Iterable[str]) -> str:
    """A key that is none: which one was perhaps meant, else which there are."""
    names = list(known)
    return "unknown key" + (meant(key, names) or f" (known: {', '.join(names)})")


def close_to(key: str, known: Iterable[str]) -> list[str]:
    """The one that `key` is a misspelling of, if any."""
    return difflib.get_close_matches(key, list(known), n=1)


def options(expected: Any) -> tuple[Any, ...]:
    """The types of a union; of any other type, the type itself."""
    is_union = typing.get_origin(expected) in (typing.Union, types.UnionType)
    return typing.get_args(expected) if is_union else (expected,)


def split(expected: Any) -> tuple[Any, tuple[Any, ...]]:
    """Split `Annotated[X, …]` into X and the rest."""
    if typing.get_origin(expected) is Annotated:
        return expected.__origin__, expected.__metadata__
    return expected, ()


def _kinds(names: str) -> str:
    """Kinds of values with their articles; TOML has no null."""
    return " or ".join(_KINDS.get(name, f"`{name}`") for name in names.split(" | ") if name != "null")


def _how_to_write(wanted: str, value: Any, expected: Any, path: Path) -> str:
    """The brackets, where one kind of them stands for the other."""
    name = ".".join(part for part in path if isinstance(part, str))
    if not name or not isinstance(path[-1], str):
        return ""
    if isinstance(value, dict) and "array" in wanted and _holds_tables(expected):
        return f": write it as [[{name}]]"
    if isinstance(value, list) and "object" in wanted:
        return f": write it as [{name}]"
    return ""


def _holds_tables(expected: Any) -> bool:
    """Whether it is an array of tables."""
    items = (
        item for option in options(split(expected)[0]) for part in typing.get_args(option) for item in options(part)
    )
    return any(isinstance(item, type) and issubclass(item, msgspec.Struct) for item in items)


def _closed_set(expected: Any) -> tuple[object, ...]:
    """The values of an Enum or a Literal; empty for a type that takes others too."""
    known: list[object] = []
    for option in options(split(expected)[0]):
        bare = split(option)[0]
        if typing.get_origin(bare) is typing.Literal:
            known += typing.get_args(bare)
        elif isinstance(bare, type) and issubclass(bare, enum.Enum):
            known += [member.value for member in bare]
        elif bare is not type(None):
            return ()
    return tuple(known)


def _description(expected: Any) -> str | None:
    """What `msgspec.Meta` says in words of the values that a type takes."""
    parts = [meta for option in options(expected) for meta in split(option)[1]]
    parts += [meta for option in options(split(expected)[0]) for meta in split(option)[1]]
    return next((meta.description for meta in parts if isinstance(meta, msgspec.Meta) and meta.description), None)
