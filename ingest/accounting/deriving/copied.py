"""Rows out of PostgreSQL's binary COPY, straight into numpy columns: no Python object per row.

Source of the format: PostgreSQL documentation, COPY, "Binary Format". Big-endian; each field after its length; time
stamps are microseconds since 2000-01-01 UTC; an array is five words (dimensions, nulls, type, length, lower bound)
followed by its elements, each after its length.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from energy.storage import Connection
from ingest.accounting.algebra.columns import Ints

Columns: TypeAlias = dict[str, NDArray[Any]]
"""Columns by name."""

_HEADER = 19
_ARRAY_WORDS = struct.Struct(">iiIii")
_EPOCH_MS = 946_684_800_000  # 2000-01-01T00:00:00Z
EARLIEST_MS, LATEST_MS = -(2**50), 2**50
"""What stands for the infinite times of PostgreSQL: beyond whatever it can hold."""
_MS = 1000
_KINDS = {"int2": ">i2", "int4": ">i4", "int8": ">i8", "float8": ">f8", "bool": "?", "time": ">i8"}


class Layout:
    """Columns of a row, by name and type: int2, int4, int8, float8, bool or time; none of them null."""

    def __init__(self, **columns: str) -> None:
        fields = [("fields", ">i2")]
        for name, kind in columns.items():
            fields += [(f"{name}_length", ">i4"), (name, _KINDS[kind])]
        self._row = np.dtype(fields)
        self._columns = columns

    async def copy(self, connection: Connection, query: str, *arguments: object) -> Columns:
        """What `query` gives, as int64, float64 or bool columns by name; times as ms since 1970 UTC."""
        return self.decode(await copy_out(connection, query, *arguments))

    def decode(self, copied: bytes) -> Columns:
        """The columns of a whole COPY."""
        rows = np.frombuffer(copied, self._row, offset=_HEADER, count=(len(copied) - _HEADER) // self._row.itemsize)
        return {name: _column(rows[name], kind) for name, kind in self._columns.items()}

    @property
    def size(self) -> int:
        """Bytes of a row."""
        return self._row.itemsize


async def copy_out(connection: Connection, query: str, *arguments: object) -> bytes:
    """The bytes of a binary COPY of `query`, whose arguments become constants that the planner sees."""
    parts: list[bytes] = []

    async def keep(part: bytes) -> None:
        """What asyncpg awaits for each part; a file would cost a thread."""
        parts.append(part)

    await connection.copy_from_query(query, *arguments, output=keep, format="binary")
    return b"".join(parts)


def fields_of(copied: bytes) -> Iterator[list[bytes | None]]:
    """Row for row the fields of a COPY, for rows that hold arrays."""
    place = _HEADER
    while (count := int.from_bytes(copied[place : place + 2], "big", signed=True)) >= 0:
        place += 2
        row: list[bytes | None] = []
        for _ in range(count):
            length = int.from_bytes(copied[place : place + 4], "big", signed=True)
            place += 4
            row.append(copied[place : place + length] if length >= 0 else None)
            place += max(length, 0)
        yield row


def elements(content: bytes, kind: str) -> Ints:
    """The elements of a one-dimensional array without nulls, of int4, int8 or time (ms since 1970 UTC)."""
    if len(content) < _ARRAY_WORDS.size:  # an empty array has no dimension, and says no more
        return np.empty(0, np.int64)
    whole = np.frombuffer(content, [("length", ">i4"), ("element", _KINDS[kind])], offset=_ARRAY_WORDS.size)
    return _column(whole["element"], kind)


def milliseconds(postgres: Ints) -> Ints:
    """Time stamps of PostgreSQL as ms since 1970 UTC; infinite ones become EARLIEST_MS and LATEST_MS."""
    return np.clip(postgres // _MS + _EPOCH_MS, EARLIEST_MS, LATEST_MS)


def _column(content: NDArray[Any], kind: str) -> NDArray[Any]:
    if kind == "time":
        return milliseconds(content.astype(np.int64))
    return content.astype({"float8": np.float64, "bool": np.bool_}.get(kind, np.int64))


def listed(columns: Sequence[NDArray[Any]]) -> list[list[Any]]:
    """Columns as the lists that a query takes."""
    return [column.tolist() for column in columns]
