"""The registry in the database: written by code, read back for those who resolve codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from energy.registry.checks import check
from energy.registry.model import Registry
from energy.storage import Connection, load_queries, translating

_SQL = load_queries("energy.registry", "registry.sql")


@dataclass(frozen=True, slots=True)
class PointKey:
    """What ingest knows of a point: its id, and the code of the only gateway that may write it."""

    point_id: int
    gateway: str


async def apply(connection: Connection, registry: Registry) -> None:
    """Write `registry`: new rows by code, changed rows changed, nothing removed; twice is the same as once.

    One transaction, notified on the channel `registry`. What a row refers to must stand in `registry` itself.

    Raises:
        ConfigError: the registry contradicts itself.
        StorageError and its like: as `energy.storage.translating` says.
    """
    check(registry)
    steps: tuple[tuple[str, Sequence[msgspec.Struct]], ...] = (
        (_SQL.upsert_units, registry.units),
        (_SQL.upsert_gateways, registry.gateways),
        (_SQL.upsert_meters, registry.meters),
        (_SQL.upsert_points, registry.points),
    )
    with translating():
        async with connection.transaction():
            for query, rows in steps:
                if rows:
                    await connection.execute(query, *_columns(rows))
            await connection.execute(_SQL.notify_registry)


def _columns(rows: Sequence[msgspec.Struct]) -> list[list[object]]:
    """The fields of `rows` as columns, in the order of the struct: the queries name theirs alike."""
    return [[getattr(row, field) for row in rows] for field in rows[0].__struct_fields__]


async def load_points(connection: Connection) -> Mapping[str, PointKey]:
    """Every point of the database by its code; raises as `energy.storage.translating` says."""
    with translating():
        rows = await connection.fetch(_SQL.points)
    return {row["code"]: PointKey(row["point_id"], row["gateway"]) for row in rows}
