"""The registry in the database: written by code, read back for those who resolve codes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from energy.errors import RejectedError
from energy.registry.checks import check
from energy.registry.model import CODE_PATTERN, Registry
from energy.storage import Connection, load_queries, translating
from energy.toml_words import meant

_SQL = load_queries("energy.registry", "registry.sql")
_CODE = re.compile(CODE_PATTERN)


@dataclass(frozen=True, slots=True)
class PointKey:
    """What ingest knows of a point.

    Attributes:
        point_id: its id, for good.
        gateway_id, gateway: id and code of the only gateway that may write it.
        low, high, max_rate: as in `energy.registry.model.Point`; None for no bound.
    """

    point_id: int
    gateway_id: int
    gateway: str
    low: float | None = None
    high: float | None = None
    max_rate: float | None = None


async def check_units(connection: Connection, codes: Collection[str]) -> None:
    """See that people name units that there are.

    Raises:
        RejectedError: there is none of a code, with the one that was perhaps meant.
        StorageError and its like: as `energy.storage.translating` says.
    """
    with translating():
        known = {row["code"] for row in await connection.fetch(_SQL.unit_codes)} if codes else set()
    if unknown := [code for code in codes if code not in known]:
        raise RejectedError("; ".join(f"no such unit: {code!r}{meant(code, known)}" for code in unknown))


async def apply(connection: Connection, registry: Registry) -> None:
    """Write `registry`: new rows by code, changed rows changed, nothing removed; twice is the same as once.

    One transaction. A real change lets the registry's version grow and is notified on the channel `registry`, by
    triggers: so is one by hand. What a row refers to must stand in `registry` itself.

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
            if registry.meters:
                related = [
                    [getattr(meter, field) for meter in registry.meters] for field in ("code", "parent", "check_meter")
                ]
                await connection.execute(_SQL.relate_meters, *related)


def _columns(rows: Sequence[msgspec.Struct]) -> list[list[object]]:
    """The fields of `rows` as columns, in the order of the struct: the queries name theirs alike."""
    return [[getattr(row, field) for row in rows] for field in rows[0].__struct_fields__]


async def find_points(connection: Connection, codes: Collection[str]) -> Mapping[str, PointKey]:
    """Those of `codes` that are registered; they may be any strings, for what can be no code is not asked for.

    Raises:
        StorageError and its like: as `energy.storage.translating` says.
    """
    with translating():
        rows = await connection.fetch(_SQL.find_points, list(filter(_CODE.match, codes)))
    return {code: PointKey(*key) for code, *key in rows}


async def check_registered(connection: Connection, *, unit: str | None = None, point: str | None = None) -> None:
    """Refuse codes that nobody registered, lest a slip of the pen look as if nothing were there.

    Raises:
        RejectedError: with each of them.
        StorageError and its like: as `energy.storage.translating` says.
    """
    with translating():
        rows = await connection.fetch(_SQL.unknown, unit, point)
    if rows:
        unknown = ", ".join(f"{row['what']} {row['code']!r}" for row in rows)
        raise RejectedError(f"not registered: {unknown}", advice="codes are those of the registry, as boards show them")


async def registry_version(connection: Connection) -> int:
    """The registry's version, which grows with every change; raises as `energy.storage.translating` says."""
    with translating():
        version: int = await connection.fetchval(_SQL.version)
    return version
