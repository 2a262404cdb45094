"""A careful look into a raw TOML document, for checks across its tables: what is missing or of another type is absent.

Decoding (`energy.toml_decode`) reports those faults; checks that use these functions say nothing of them.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any, TypeAlias

from energy.toml_lines import Path

Table: TypeAlias = dict[str, Any]
"""A table of a raw document."""
Found: TypeAlias = Iterator[tuple[Path, str]]
"""Faults: where, and what is wrong."""


def tables(place: Path, table: Table, key: str) -> Iterator[tuple[Path, Table]]:
    """The tables in an array of tables, with their places; nothing where it is something else."""
    rows = table.get(key)
    if isinstance(rows, list):
        yield from (((*place, key, at), row) for at, row in enumerate(rows) if isinstance(row, dict))


def table_of(table: Table, key: str) -> Table:
    """The table at `key`; empty where there is none."""
    value = table.get(key)
    return value if isinstance(value, dict) else {}


def text_of(table: Table, key: str) -> str | None:
    """The text at `key`."""
    value = table.get(key)
    return value if isinstance(value, str) else None


def whole_of(table: Table, key: str) -> int | None:
    """The whole number at `key`."""
    value = table.get(key)
    # A boolean is an int to Python.
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number_of(table: Table, key: str) -> float | None:
    """The number at `key`; none that is not finite, or that no float can hold."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    with contextlib.suppress(OverflowError):
        return float(value) if math.isfinite(value) else None
    return None
