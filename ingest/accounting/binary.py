"""Rows of PostgreSQL's binary COPY as numpy records, both ways: no Python object per row.

Source of the format: PostgreSQL documentation, COPY, "Binary Format", and the send functions of the types: big-endian,
each field after its length, -1 for null; time stamps are microseconds and dates days since 2000-01-01.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Sequence

import numpy as np
from numpy.typing import NDArray

from energy.storage import Connection
from ingest.accounting.algebra.columns import Ints

NULL = -(2**63)
"""Stands for null among int64: no amount is as low."""

_HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
_TRAILER = struct.pack(">h", -1)
_PART = 1 << 20
_EPOCH_S = 946_684_800  # 2000-01-01T00:00:00Z
_US = 1_000_000
_EPOCH_DAYS = 10_957


class Layout:
    """Columns of rows, by name, each with its type in the wire's order of bytes (`>i4`, `>f8` …)."""

    def __init__(self, **columns: str) -> None:
        self.types = columns
        self.columns = tuple(columns)
        fields = [("fields", ">i2")]
        for name, kind in columns.items():
            fields += [(f"{name}_length", ">i4"), (name, kind)]
        self.record = np.dtype(fields)
        self._sizes = {name: np.dtype(kind).itemsize for name, kind in columns.items()}
        self._begins = {name: field[1] for name, field in (self.record.fields or {}).items()}

    def decode(self, copied: bytes) -> NDArray[np.void]:
        """The rows of a COPY without nulls; a view, whose columns are big-endian."""
        count = (len(copied) - len(_HEADER) - len(_TRAILER)) // self.record.itemsize
        return np.frombuffer(copied, self.record, offset=len(_HEADER), count=count)

    def encode(self, columns: Sequence[NDArray[np.generic]], nullable: str = "") -> bytes:
        """Rows for COPY, the columns in the layout's order; `NULL` in the column `nullable` is null."""
        rows = np.empty(len(columns[0]), self.record)
        rows["fields"] = len(self.columns)
        for name, column in zip(self.columns, columns, strict=True):
            rows[f"{name}_length"] = self._sizes[name]
            rows[name] = column
        if not nullable:
            return b"".join((_HEADER, rows.tobytes(), _TRAILER))
        null = rows[nullable] == NULL
        return b"".join((_HEADER, rows[~null].tobytes(), self._without(rows[null], nullable), _TRAILER))

    def _without(self, rows: NDArray[np.void], name: str) -> bytes:
        """The same rows with null for column `name`: its length is -1, and its bytes are left out."""
        rows[f"{name}_length"] = -1
        begin = self._begins[name]
        whole = rows.view(np.uint8).reshape(len(rows), self.record.itemsize)
        return np.delete(whole, np.s_[begin : begin + self._sizes[name]], axis=1).tobytes()


async def copy_out(connection: Connection, layout: Layout, query: str, *arguments: object) -> NDArray[np.void]:
    """The rows of `query`, which gives the columns of `layout` and no nulls."""
    parts: list[bytes] = []

    async def keep(part: bytes) -> None:
        """What asyncpg awaits for each part; a file would cost a thread."""
        parts.append(part)

    await connection.copy_from_query(query, *arguments, output=keep, format="binary")
    return layout.decode(b"".join(parts))


async def copy_in(connection: Connection, table: str, columns: Sequence[str], encoded: bytes) -> None:
    """Store rows that a `Layout` encoded."""
    await connection.copy_to_table(table, source=_parts(encoded), columns=columns, format="binary")


async def _parts(encoded: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(encoded), _PART):
        yield encoded[begin : begin + _PART]


def seconds(times: NDArray[np.generic]) -> Ints:
    """Time stamps of the wire, of whole seconds, as seconds since 1970."""
    return times.astype(np.int64) // _US + _EPOCH_S


def microseconds(times: Ints) -> Ints:
    """Seconds since 1970 as time stamps of the wire."""
    return (times - _EPOCH_S) * _US


def timestamps(times: Ints) -> Ints:
    """Milliseconds since 1970 as time stamps of the wire."""
    return (times - _EPOCH_S * 1000) * 1000


def days(dates: NDArray[np.generic]) -> Ints:
    """Dates of the wire as days since 1970."""
    return dates.astype(np.int64) + _EPOCH_DAYS


def dates(numbers: Ints) -> Ints:
    """Days since 1970 as dates of the wire."""
    return numbers - _EPOCH_DAYS
