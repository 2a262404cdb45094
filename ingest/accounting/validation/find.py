"""Findings for people, and which classes of checks the registry's points name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from energy.registry.store import check_registered
from energy.storage import Connection, load_queries, translating

_SQL = load_queries("ingest.accounting.validation", "find.sql")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which findings are meant; None is any. Days are local ones, both included."""

    unit: str | None = None
    point: str | None = None
    check: str | None = None
    severity: str | None = None
    since: date | None = None
    until: date | None = None


class Found(msgspec.Struct, frozen=True):
    """A finding with the names of what it is about, and the zone of its unit; see `board.finding`."""

    unit: str
    meter: str
    point: str
    carrier: str
    time_zone: str
    day: date
    check: str
    severity: str
    since: datetime
    until: datetime
    detail: dict[str, Any]


async def each(connection: Connection, chosen: Chosen, limit: int) -> list[Found]:
    """Findings, the newest first.

    Raises:
        RejectedError: the unit or the point is not registered.
        StorageError and its like: as `energy.storage.translating` says.
    """
    await check_registered(connection, unit=chosen.unit, point=chosen.point)
    which = (chosen.unit, chosen.point, chosen.check, chosen.severity, chosen.since, chosen.until)
    with translating():
        rows = await connection.fetch(_SQL.each, *which, limit)
    return [msgspec.convert({**row, "detail": msgspec.json.decode(row["detail"])}, Found) for row in rows]


async def named_classes(connection: Connection) -> list[tuple[str, str, int]]:
    """(class, carrier, points) of the points that name a class; raises as `energy.storage.translating` says."""
    with translating():
        rows = await connection.fetch(_SQL.classes)
    return [(row["class"], row["carrier"], row["points"]) for row in rows]
