"""PostgreSQL's binary COPY as numpy columns, both ways: no Python object per row.

Source of the format: PostgreSQL documentation, COPY, "Binary Format", and the send functions of the types: big-endian,
each field after its length, -1 for null; time stamps are microseconds and dates days since 2000-01-01.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from energy.storage.pool import Connection

Columns: TypeAlias = dict[str, NDArray[Any]]
"""Columns by name."""
NULL = -(2**63)
"""Stands for null among int64: no amount is as low."""
EARLIEST_MS, LATEST_MS = -(2**50), 2**50
"""What stands for the infinite times of PostgreSQL: beyond whatever it can hold."""

_HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
_TRAILER = struct.pack(">h", -1)
_PART = 1 << 20
_US = 1000  # in a millisecond
_EPOCH_MS = 946_684_800_000  # 2000-01-01T00:00:00Z
_ENDS = np.iinfo(np.int64)  # what PostgreSQL sends for infinite times
_EPOCH_DAYS = 10_957
_KINDS = {
    "int2": ">i2",
    "int4": ">i4",
    "int8": ">i8",
    "float8": ">f8",
    "bool": "?",
    "time": ">i8",
    "time_us": ">i8",
    "date": ">i4",
}


class Layout:
    """Columns of rows, by name and kind.

    Kinds are int2, int4, int8, float8, bool, time, time_us, date, and `Sn`, a text of n bytes. On our side they are
    int64, float64 or bool; a time is in ms, a time_us in microseconds, a date in days since 1970, UTC.
    """

    def __init__(self, **kinds: str) -> None:
        self.kinds = kinds
        self.columns = tuple(kinds)
        fields = [("fields", ">i2")]
        for name, kind in kinds.items():
            fields += [(f"{name}_length", ">i4"), (name, _KINDS.get(kind, kind))]
        self._row = np.dtype(fields)
        self._empty = np.zeros(1, self._row)
        self._empty["fields"] = len(kinds)
        for name in kinds:
            self._empty[f"{name}_length"] = self._row[name].itemsize
        self._begins = {name: int(field[1]) for name, field in (self._row.fields or {}).items()}

    @property
    def size(self) -> int:
        """Bytes of a row."""
        return self._row.itemsize

    async def copy(self, connection: Connection, query: str, *arguments: object) -> Columns:
        """What `query` gives, which has no nulls."""
        return self.decode(await copy_out(connection, query, *arguments))

    def decode(self, copied: bytes) -> Columns:
        """The columns of a whole COPY without nulls."""
        count = (len(copied) - len(_HEADER)) // self._row.itemsize
        rows = np.frombuffer(copied, self._row, offset=len(_HEADER), count=count)
        return {name: native(rows[name], kind) for name, kind in self.kinds.items()}

    def nothing(self) -> Columns:
        """The columns of no rows."""
        return self.decode(_HEADER + _TRAILER)

    def encode(self, columns: Sequence[NDArray[Any]], nullable: str = "") -> bytes:
        """Rows for COPY, the columns in the layout's order; `NULL` in the column `nullable` is null."""
        rows = np.tile(self._empty, len(columns[0]))
        for (name, kind), column in zip(self.kinds.items(), columns, strict=True):
            rows[name] = _postgres(column, kind)
        if not nullable:
            return b"".join((_HEADER, rows.tobytes(), _TRAILER))
        null = rows[nullable] == NULL
        return b"".join((_HEADER, rows[~null].tobytes(), self._without(rows[null], nullable), _TRAILER))

    def _without(self, rows: NDArray[np.void], name: str) -> bytes:
        """The same rows with null for column `name`: its length is -1, and its bytes are left out."""
        rows[f"{name}_length"] = -1
        begin = self._begins[name]
        whole = rows.view(np.uint8).reshape(len(rows), self._row.itemsize)
        return np.delete(whole, np.s_[begin : begin + self._row[name].itemsize], axis=1).tobytes()


async def copy_out(connection: Connection, query: str, *arguments: object) -> bytes:
    """The bytes of a binary COPY of `query`, whose arguments become constants that the planner sees."""
    parts: list[bytes] = []

    async def keep(part: bytes) -> None:
        """What asyncpg awaits for each part; a file would cost a thread."""
        parts.append(part)

    await connection.copy_from_query(query, *arguments, output=keep, format="binary")
    return b"".join(parts)


async def copy_in(connection: Connection, table: str, columns: Sequence[str], encoded: bytes) -> None:
    """Store rows that a `Layout` encoded."""
    await connection.copy_to_table(table, source=_parts(encoded), columns=columns, format="binary")


async def _parts(encoded: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(encoded), _PART):
        yield encoded[begin : begin + _PART]


def native(content: NDArray[Any], kind: str) -> NDArray[Any]:
    """What the wire holds of `kind`, as ours.

    Infinite times become EARLIEST_MS and LATEST_MS, in microseconds the least and the greatest number.
    """
    if kind == "time":
        return np.clip(content.astype(np.int64) // _US + _EPOCH_MS, EARLIEST_MS, LATEST_MS)
    if kind == "time_us":
        times = content.astype(np.int64)
        finite = (times != _ENDS.min) & (times != _ENDS.max)
        return np.where(finite, times + np.where(finite, _EPOCH_MS * _US, 0), times)
    if kind == "date":
        return content.astype(np.int64) + _EPOCH_DAYS
    return content.astype({"float8": np.float64, "bool": np.bool_}.get(kind, np.int64))


def _postgres(content: NDArray[Any], kind: str) -> NDArray[Any]:
    if kind == "time":
        return (content - _EPOCH_MS) * _US
    if kind == "time_us":
        finite = (content != _ENDS.min) & (content != _ENDS.max)
        return np.where(finite, content - np.where(finite, _EPOCH_MS * _US, 0), content)
    return content - _EPOCH_DAYS if kind == "date" else content


def wire_type(kind: str) -> str:
    """How numpy names `kind` as it stands on the wire."""
    return _KINDS[kind]


def listed(columns: Sequence[NDArray[Any]]) -> list[list[Any]]:
    """Columns as the lists that a query takes."""
    return [column.tolist() for column in columns]
