"""Reads the registry: millions of points in pieces, by binary COPY, without an object per point."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from numpy.typing import NDArray

from energy.queries import load_queries
from energy.registry.store import registry_version
from energy.storage import Connection, translating
from ingest.checking.code_index import CODE_BYTES, CodeKeys, KeysCollideError
from ingest.checking.points import PointTable, TableBuilder

SQL = load_queries("ingest.checking", "checking.sql")

_HEADER_BYTES = 19  # signature, flags, length of an extension that PostgreSQL does not use
_TRAILER_BYTES = 2
_PIECE = 4_096  # points decoded at once: a millisecond or so, then others have their turn
_RECORD = np.dtype(
    [
        ("fields", ">i2"),
        ("code_length", ">i4"),
        ("code", f"S{CODE_BYTES}"),
        ("id_length", ">i4"),
        ("id", ">i4"),
        ("owner_length", ">i4"),
        ("owner", ">i4"),
        *(
            (f"{name}{part}", kind)
            for name in ("low", "high", "max_rate")
            for part, kind in (("_length", ">i4"), ("", ">f8"))
        ),
    ]
)
"""A row of the query `points` in PostgreSQL's binary COPY format."""
_SPACE = 32


async def load_table(connection: Connection) -> PointTable:
    """Every point of the database; raises as `energy.storage.translating` says."""
    while True:
        async with _snapshot(connection):
            version = await registry_version(connection)
            gateways = {row["code"]: row["gateway_id"] for row in await connection.fetch(SQL.gateways)}
            builder = await _points(connection, CodeKeys.drawn())
        try:
            return await asyncio.to_thread(builder.table, gateways, version)
        except KeysCollideError:
            continue  # other keys will tell them apart


@asynccontextmanager
async def _snapshot(connection: Connection) -> AsyncIterator[None]:
    """Version, gateways and points as of one moment."""
    with translating():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield


async def _points(connection: Connection, keys: CodeKeys) -> TableBuilder:
    sink = _Sink(TableBuilder(keys, await connection.fetchval(SQL.count_points)))
    await connection.copy_from_query(SQL.points.rstrip(";"), output=sink.take, format="binary")
    sink.finish()
    return sink.builder


class _Sink:
    """Takes the bytes of a COPY as they come, and hands whole records to the `builder`."""

    def __init__(self, builder: TableBuilder) -> None:
        self.builder = builder
        self._pending = bytearray()
        self._skip = _HEADER_BYTES

    async def take(self, data: bytes) -> None:
        """Some more bytes."""
        self._pending += data
        while len(self._pending) >= self._skip + _PIECE * _RECORD.itemsize:
            self._decode(_PIECE)
            await asyncio.sleep(0)

    def finish(self) -> None:
        """No more bytes will come."""
        self._decode((len(self._pending) - self._skip - _TRAILER_BYTES) // _RECORD.itemsize)

    def _decode(self, count: int) -> None:
        records = np.frombuffer(self._pending[self._skip : self._skip + count * _RECORD.itemsize], _RECORD)
        bounds = np.column_stack([records[name] for name in ("low", "high", "max_rate")]).astype(np.float64)
        self.builder.add(_codes(records), records["id"].astype(np.int32), records["owner"].astype(np.int32), bounds)
        del self._pending[: self._skip + count * _RECORD.itemsize]
        self._skip = 0


def _codes(records: NDArray[np.void]) -> NDArray[np.bytes_]:
    """Filled up with NUL where the database has spaces, of which no code has any."""
    filled = np.ascontiguousarray(records["code"])
    octets = filled.view(np.uint8)
    octets[octets == _SPACE] = 0
    return filled
