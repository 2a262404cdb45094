"""Turns a parsed TOML document into msgspec structs and reports every fault, not only the first.

`msgspec.convert` stops at the first fault. So this module walks tables and arrays itself, and leaves each single value
to msgspec, which knows the constraints of `msgspec.Meta`.
"""

from __future__ import annotations

import math
import typing
from collections.abc import Callable, Mapping, MutableSequence, Sequence
from functools import cache
from pathlib import Path as FilePath
from typing import Annotated, Any

import msgspec

from energy.toml_lines import Path
from energy.toml_words import close_to, options, reworded, split, unknown_key, unknown_value

Report = Callable[[Path, str], None]
"""Takes the path of a fault and what is wrong there."""

_ARRAYS: dict[Any, Callable[[list[Any]], Any]] = {
    list: list,
    set: set,
    frozenset: frozenset,
    Sequence: list,
    MutableSequence: list,
}


class Faulty:
    """Stands for a value that could not be decoded; its fault has been reported."""


FAULTY = Faulty()


class TomlDecoder:
    """Decodes values into types and reports what does not fit.

    Args:
        report: is called once for each fault.
        directory: where relative file names (fields of type `pathlib.Path`) start.
    """

    def __init__(self, report: Report, directory: FilePath) -> None:
        self._report = report
        self._directory = directory

    def decode(self, value: Any, expected: Any, path: Path) -> Any:
        """Return `value` as an `expected`, or `FAULTY` after reporting what is wrong with it."""
        bare, constraints = split(expected)
        if (option := _matching_option(value, bare)) is not None:
            return self.decode(value, option, path)
        if isinstance(value, dict) and (tables := _tables(bare)):
            return self._table(value, tables, path)
        if isinstance(value, dict) and typing.get_origin(bare) in (dict, Mapping):
            return self._mapping(value, bare, constraints, path)
        if isinstance(value, list) and (build := _array_builder(bare)) is not None:
            return self._array(value, bare, constraints, path, build)
        return self._leaf(value, expected, path)

    def _table(self, value: dict[str, Any], tables: Sequence[type[msgspec.Struct]], path: Path) -> Any:
        table = tables[0] if len(tables) == 1 else self._tagged(value, tables, path)
        if table is None:
            return FAULTY
        fields = _fields(table)
        tag_field = table.__struct_config__.tag_field
        values = {
            field.name: self.decode(value[key], field.type, (*path, key))
            for key, field in fields.items()
            if key in value
        }
        tag_fits = self._check_tag(value, table, path)
        keys_fit = self._check_keys(value, fields, tag_field, path)
        if not (tag_fits and keys_fit) or any(item is FAULTY for item in values.values()):
            return FAULTY
        return self._build(lambda: table(**values), path)

    def _tagged(
        self, value: dict[str, Any], tables: Sequence[type[msgspec.Struct]], path: Path
    ) -> type[msgspec.Struct] | None:
        """Choose among several tables by the key that tells them apart."""
        config = tables[0].__struct_config__
        by_tag = {str(table.__struct_config__.tag): table for table in tables}
        if config.tag_field not in value:
            self._report((*path, str(config.tag_field)), f"missing key (one of: {', '.join(by_tag)})")
            return None
        tag = str(value[str(config.tag_field)])
        if tag not in by_tag:
            self._report((*path, str(config.tag_field)), unknown_value(tag, by_tag))
        return by_tag.get(tag)

    def _check_tag(self, value: dict[str, Any], table: type[msgspec.Struct], path: Path) -> bool:
        config = table.__struct_config__
        if config.tag_field is None or value.get(config.tag_field, config.tag) == config.tag:
            return True
        self._report((*path, config.tag_field), f"expected {config.tag!r}, got {value[config.tag_field]!r}")
        return False

    def _check_keys(
        self,
        value: dict[str, Any],
        fields: Mapping[str, msgspec.structs.FieldInfo],
        tag_field: str | None,
        path: Path,
    ) -> bool:
        unknown = [key for key in value if key not in fields and key != tag_field]
        missing = {key for key, field in fields.items() if field.required and key not in value}
        absent = [key for key in fields if key not in value]
        for key in unknown:
            self._report((*path, key), unknown_key(key, absent or fields))
            # A misspelt key is one fault: the key that it was meant to be is not also reported as missing.
            missing.difference_update(close_to(key, absent))
        for key in sorted(missing):
            self._report((*path, key), "missing key")
        return not unknown and not missing

    def _mapping(self, value: dict[str, Any], expected: Any, constraints: Sequence[Any], path: Path) -> Any:
        key_type, item_type = typing.get_args(expected)
        size_fits = self._leaf(value, _annotate(dict[str, Any], constraints), path) is not FAULTY
        keys = {key: self._leaf(key, key_type, (*path, key), strict=False) for key in value}
        items = {keys[key]: self.decode(item, item_type, (*path, key)) for key, item in value.items()}
        faulty = not size_fits or FAULTY in keys.values() or any(item is FAULTY for item in items.values())
        return FAULTY if faulty else items

    def _array(
        self,
        value: list[Any],
        expected: Any,
        constraints: Sequence[Any],
        path: Path,
        build: Callable[[list[Any]], Any],
    ) -> Any:
        item_type = typing.get_args(expected)[0]
        size_fits = self._leaf(value, _annotate(list[Any], constraints), path) is not FAULTY
        items = [self.decode(item, item_type, (*path, position)) for position, item in enumerate(value)]
        faulty = not size_fits or any(item is FAULTY for item in items)
        return FAULTY if faulty else self._build(lambda: build(items), path)

    def _leaf(self, value: Any, expected: Any, path: Path, *, strict: bool = True) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            self._report(path, f"expected a finite number, got {value}")
            return FAULTY

        def convert() -> Any:
            return msgspec.convert(value, expected, strict=strict, dec_hook=self._convert_other)

        return self._build(convert, path, lambda message: reworded(message, expected, value, path))

    def _build(self, make: Callable[[], Any], path: Path, reword: Callable[[str], str] = str) -> Any:
        try:
            return make()
        # msgspec's ValidationError is a ValueError; TypeError comes from __post_init__ and from unhashable set items.
        except (ValueError, TypeError) as error:
            self._report(path, reword(str(error)))
            return FAULTY

    def _convert_other(self, expected: type, value: Any) -> Any:
        if expected is FilePath and isinstance(value, str):
            return self._directory / FilePath(value).expanduser()
        raise ValueError(f"expected {expected.__name__}, got {type(value).__name__}")


@cache
def _fields(table: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(table)}


def _annotate(expected: Any, constraints: Sequence[Any]) -> Any:
    return Annotated[expected, *constraints] if constraints else expected


def _matching_option(value: Any, expected: Any) -> Any | None:
    """The only option of a union that such a table or array can be meant for; None where msgspec has to choose."""
    kinds = options(expected)
    if len(kinds) == 1:
        return None
    fitting = [option for option in kinds if _takes(split(option)[0], value)]
    return fitting[0] if len(fitting) == 1 else None


def _takes(option: Any, value: Any) -> bool:
    if isinstance(value, dict):
        return bool(_tables(option)) or typing.get_origin(option) in (dict, Mapping)
    return isinstance(value, list) and _array_builder(option) is not None


def _tables(expected: Any) -> list[type[msgspec.Struct]]:
    """The structs that `expected` allows."""
    return [
        option
        for option in options(expected)
        if isinstance(option, type) and issubclass(option, msgspec.Struct) and not option.__struct_config__.array_like
    ]


def _array_builder(expected: Any) -> Callable[[list[Any]], Any] | None:
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if origin is tuple:
        # A tuple of fixed length is one value, of which msgspec checks the whole.
        return tuple if arguments[1:] == (...,) else None
    return _ARRAYS.get(origin)
