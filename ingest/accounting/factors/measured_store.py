"""Units' own factors in the database: recorded, undone, listed; each change marks the days that it touches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from energy.errors import Fault, RejectedError
from energy.records import RecordError, wrong_text
from energy.storage import Connection, load_queries, translating
from ingest.accounting.factors.changes import Change, Held, changed
from ingest.accounting.factors.measured import Measured, timeline

_SQL = load_queries("ingest.accounting.factors", "measured.sql")
_SHARED = load_queries("ingest.accounting.factors", "factors.sql")
_FIGURES = ("unit", "kgce", "kgce_equal", "kgco2", "provisional")
_SAID = ("valid_to", "ncv_gj", "carbon_tc_per_gj", "oxidation", "kgce", "kgco2", "source")
_COLUMNS = ("carrier", "valid_from", "valid_to", "base", *_SAID[1:])

Key = tuple[int, str]
"""A unit's number and a carrier."""


class Recorded(msgspec.Struct, frozen=True):
    """A record as it stands in the database; figures per `unit_of_measure`, `valid_to` None until further notice."""

    unit_factor_id: int
    unit: str
    carrier: str
    valid_from: date
    valid_to: date | None
    ncv_gj: Decimal
    unit_of_measure: str
    carbon_tc_per_gj: Decimal | None
    oxidation: Decimal | None
    kgce: Decimal
    kgco2: Decimal | None
    source: str
    author: str
    reason: str
    recorded_at: datetime
    undone_at: datetime | None
    undone_by: str | None
    undone_why: str | None


async def record(  # noqa: PLR0913 - who, why and when belong to every record
    connection: Connection,
    measured: Sequence[Measured],
    *,
    author: str,
    reason: str,
    now: datetime,
    place: str,
) -> int:
    """Write records, all or none of them, and mark the days that they touch; returns how many were new.

    One that says the same as the one in force for its day is not written again; one that says something else takes its
    place. The earlier one stays on record as undone, and holds again when the later one is undone.

    Args:
        connection: the transaction is made here.
        measured: the records, no two of one unit, carrier and day.
        author: who says it.
        reason: why.
        now: data time.
        place: the name of their file, in faults.

    Raises:
        RecordError: units that are not registered.
        RejectedError: author or reason are missing.
        StorageError and its like: as `energy.storage.translating` says.
    """
    _check_person(author, reason)
    with translating():
        async with connection.transaction():
            await _begin(connection)
            units = {row["code"]: row["unit_id"] for row in await connection.fetch(_SQL.units, _codes(measured))}
            if faults := [
                Fault(place, one.line, "unit", f"{one.unit!r} is not registered")
                for one in measured
                if one.unit not in units
            ]:
                raise RecordError(faults)
            keys = {(units[one.unit], one.carrier) for one in measured}
            standing = {
                (row["unit_id"], row["carrier"], row["valid_from"]): row
                for row in map(dict, await connection.fetch(_SQL.in_force, *_columns(keys)))
            }
            new = [
                one for one in measured if not _same(one, standing.get((units[one.unit], one.carrier, one.valid_from)))
            ]
            before = await _held(connection, keys)
            earlier = [standing.get((units[one.unit], one.carrier, one.valid_from)) for one in new]
            replaced = [None if row is None else row["unit_factor_id"] for row in earlier]
            await connection.execute(_SQL.undo, replaced, now, author, f"replaced: {reason}")
            columns = [[units[one.unit] for one in new], *([getattr(one, name) for one in new] for name in _COLUMNS)]
            await connection.execute(_SQL.write, *columns, replaced, author, reason, now)
            await _settle(connection, keys, before)
    return len(new)


async def undo(connection: Connection, number: int, *, author: str, reason: str, now: datetime) -> int | None:
    """Undo a record: it stays, and everything becomes as if it had never been.

    Returns the number of the record that it had replaced, which holds again; None for none.

    Raises:
        RejectedError: there is none, it is undone already, or author or reason are missing.
        StorageError and its like: as `energy.storage.translating` says.
    """
    _check_person(author, reason)
    with translating():
        async with connection.transaction():
            await _begin(connection)
            state = await connection.fetchrow(_SQL.state_of, number)
            if state is None:
                raise RejectedError(f"there is no record {number}")
            if state["undone"]:
                raise RejectedError(
                    f"record {number} is undone already, by {state['undone_by']}: {state['undone_why']}"
                )
            keys = {(state["unit_id"], state["carrier"])}
            before = await _held(connection, keys)
            await connection.execute(_SQL.undo, [number], now, author, reason)
            earlier: int | None = state["replaces"]
            await connection.execute(_SQL.restore, earlier)
            await _settle(connection, keys, before)
    return earlier


async def recorded(connection: Connection, unit: str | None, limit: int) -> list[Recorded]:
    """At most `limit` records of `unit` (None: of all), undone ones too, the latest first.

    Raises as `energy.storage.translating` says.
    """
    with translating():
        rows = await connection.fetch(_SQL.recorded, unit, limit)
    return [msgspec.convert(dict(row), Recorded) for row in rows]


async def _begin(connection: Connection) -> None:
    """One at a time, and nobody totals by what is about to change."""
    await connection.execute(_SHARED.lock)
    await connection.execute(_SHARED.stop_totals)


async def _settle(connection: Connection, keys: Iterable[Key], before: Mapping[Key, Sequence[Held]]) -> None:
    """Work out which record holds when, and mark the days for which that changed a figure."""
    keys = sorted(keys)
    records: defaultdict[Key, list[tuple[int, date, date]]] = defaultdict(list)
    for row in await connection.fetch(_SQL.in_force, *_columns(keys)):
        records[row["unit_id"], row["carrier"]].append((row["unit_factor_id"], row["valid_from"], row["valid_to"]))
    rows = [(*key, one.since, one.until, one.record) for key in keys for one in timeline(records[key])]
    await connection.execute(_SQL.forget_stretches, *_columns(keys))
    if rows:
        await connection.execute(_SQL.write_stretches, *map(list, zip(*rows, strict=True)))
    await _mark(connection, changed(before, await _held(connection, keys)))


async def _mark(connection: Connection, changes: Sequence[Change[Key]]) -> None:
    units, carriers = [one.key[0] for one in changes], [one.key[1] for one in changes]
    days = [one.since for one in changes], [one.until for one in changes]
    await connection.execute(_SHARED.mark, carriers, [None] * len(changes), units, *days)


async def _held(connection: Connection, keys: Iterable[Key]) -> dict[Key, list[Held]]:
    found: defaultdict[Key, list[Held]] = defaultdict(list)
    for row in await connection.fetch(_SQL.held, *_columns(keys)):
        held = Held(row["valid_from"], row["valid_to"], tuple(row[name] for name in _FIGURES))
        found[row["unit_id"], row["carrier"]].append(held)
    return dict(found)


def _same(one: Measured, standing: Mapping[str, Any] | None) -> bool:
    return standing is not None and all(getattr(one, name) == standing[name] for name in _SAID)


def _codes(measured: Iterable[Measured]) -> list[str]:
    return sorted({one.unit for one in measured})


def _columns(keys: Iterable[Key]) -> tuple[list[int], list[str]]:
    ordered = sorted(keys)
    return [unit for unit, _ in ordered], [carrier for _, carrier in ordered]


def _check_person(author: str, reason: str) -> None:
    if not author.strip() or not reason.strip():
        raise RejectedError("a factor is changed by somebody, and for a reason: both are needed")
    for name, text in (("author", author), ("reason", reason)):
        if wrong := wrong_text(text):
            raise RejectedError(f"{name}: {wrong}")
