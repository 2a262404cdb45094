"""Columns out of PostgreSQL's binary COPY, straight into numpy: no Python object per row.

Source of the format: PostgreSQL documentation, COPY, "Binary Format". Big-endian; each field after its length; time
stamps are microseconds since 2000-01-01 UTC. No field may be null.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from energy.storage import Connection

_TYPES = {"int2": ">i2", "int4": ">i4", "int8": ">i8", "float8": ">f8", "time": ">i8"}
_HEADER, _TRAILER = 19, 2
_EPOCH_MS = 946_684_800_000  # 2000-01-01T00:00:00Z

Columns = dict[str, NDArray[Any]]


async def copied(connection: Connection, query: str, *arguments: object, **columns: str) -> Columns:
    """The rows of `query` as columns, int64 or float64; `columns` are their names and types in order, `time` in ms."""
    parts: list[bytes] = []

    async def keep(part: bytes) -> None:
        """What asyncpg awaits for each part; a file would cost a thread."""
        parts.append(part)

    await connection.copy_from_query(query, *arguments, output=keep, format="binary")
    return decode(b"".join(parts), columns)


def decode(data: bytes, columns: dict[str, str]) -> Columns:
    """The columns of a whole COPY."""
    fields: list[tuple[str, str]] = [("_fields", ">i2")]
    for name, kind in columns.items():
        fields += [(f"_{name}_length", ">i4"), (name, _TYPES[kind])]
    row = np.dtype(fields)
    rows = np.frombuffer(data, row, offset=_HEADER, count=(len(data) - _HEADER - _TRAILER) // row.itemsize)
    return {name: _native(rows[name], kind) for name, kind in columns.items()}


def _native(column: NDArray[Any], kind: str) -> NDArray[Any]:
    if kind == "float8":
        return column.astype(np.float64)
    whole = column.astype(np.int64)
    return whole // 1000 + _EPOCH_MS if kind == "time" else whole
