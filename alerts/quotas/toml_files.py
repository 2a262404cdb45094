"""Quotas as TOML, `[[group]]` and `[[quota]]`: read with every fault, written so that they read back alike. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from alerts.quotas.given import Given, Place
from alerts.quotas.model import Group, Quotas, QuotaSpec
from alerts.quotas.tables import Tables
from energy.config import Document, dotted, parse_document
from energy.errors import ConfigError, Fault
from energy.product_quotas import ProductQuota
from energy.toml_decode import TomlDecoder

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_FLOAT_DIGITS = 15
"""So many significant digits of a decimal every float keeps."""


def read_toml(text: str, source: str, standards: tuple[ProductQuota, ...]) -> Given:
    """The quotas of a TOML text; `source` names it in faults, `standards` say limits by level."""
    tables = Tables(standards)
    try:
        document = parse_document(text, source)
    except ConfigError as error:
        tables.add(error.faults)
        return tables.given()
    rest = dict(document.content)
    for key, take in (("group", tables.group), ("quota", tables.quota)):
        rows = rest.get(key)
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            for index, row in enumerate(rest.pop(key)):
                take(row, _place(document, (key, index), row))

    def report(path: tuple[str | int, ...], message: str) -> None:
        tables.add([Fault(source, document.line_of(path), dotted(path), message)])

    TomlDecoder(report, document.directory).decode(rest, Quotas, ())
    return tables.given()


def write_toml(quotas: Quotas) -> str:
    """The quotas as TOML; what has its default is left out."""
    tables = [_lines("group", group) for group in quotas.group] + [_lines("quota", spec) for spec in quotas.quota]
    return "\n".join(tables)


def inline(value: Any) -> str:
    """A plain value as TOML writes it within a line."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {inline(item)}' for key, item in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(inline, value))}]"
    return repr(value)


def plain(one: msgspec.Struct) -> dict[str, Any]:
    """Fields that differ from their defaults, as values that TOML has."""
    values = msgspec.to_builtins(one, builtin_types=(Decimal, date))
    own = {name for name, default in _defaults(type(one)).items() if getattr(one, name) != default}
    return {name: value for name, value in values.items() if name in own}


@cache
def _defaults(of: type[msgspec.Struct]) -> dict[str, Any]:
    """Each field with its default, or with something that equals no value."""
    return {field.name: field.default for field in msgspec.structs.fields(of)}


def _lines(name: str, one: Group | QuotaSpec) -> str:
    rows = (f"{key} = {inline(value)}\n" for key, value in plain(one).items())
    return f"[[{name}]]\n{''.join(rows)}"


def _number(value: Decimal) -> str:
    """Whoever reads TOML makes a float of a fraction: what a float does not keep goes as text."""
    text = format(value, "f")
    exact = value == value.to_integral() or len(value.normalize().as_tuple().digits) <= _FLOAT_DIGITS
    return text if exact else f'"{text}"'


def _key(key: str) -> str:
    return key if _BARE.match(key) else json.dumps(key, ensure_ascii=False)


def _place(document: Document, path: tuple[str | int, ...], row: Mapping[str, Any]) -> Place:
    lines = {key: document.line_of((*path, key)) for key in row}
    return Place(document.source, document.line_of(path), dotted(path), lines)
