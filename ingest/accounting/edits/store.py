"""Edits in the database: added after every check, undone, listed; each change marks what is to be derived anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from energy.errors import Fault, RejectedError
from energy.records import RecordError
from energy.registry.store import check_registered
from energy.storage import Connection, load_queries, translating
from ingest.accounting.edits.checks import contradictions, edit_from
from ingest.accounting.edits.doubts import Beside, doubts
from ingest.accounting.edits.model import Edit, EditedPoint, Given, Kind, Standing, milliseconds, moment, touched

_SQL = load_queries("ingest.accounting.edits", "edits.sql")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an edit that was given.

    Attributes:
        edit_id: its number.
        new: whether it was written; otherwise the same was in force already.
        doubts: why states of a replacement that was written are hardly right, seen beside the readings.
    """

    edit_id: int
    new: bool
    doubts: tuple[str, ...] = ()


class Recorded(msgspec.Struct, frozen=True):
    """An edit as it stands in the database; columns of `board.edit`, with the zone of the unit."""

    edit_id: int
    unit: str
    meter: str
    point: str
    time_zone: str
    kind: Kind
    since: datetime
    until: datetime
    old_end: float | None
    new_start: float | None
    ratio: Decimal | None
    amount: Decimal | None
    unit_of_measure: str | None
    author: str
    reason: str
    document: str
    recorded_at: datetime
    in_force: bool
    undone_at: datetime | None
    undone_by: str | None
    undone_why: str | None


async def add(connection: Connection, given: Sequence[Given], now: datetime) -> list[Taken]:
    """Write edits, all or none of them, and mark what they touch; one that is in force already is not written again.

    Args:
        connection: the transaction is made here.
        given: the edits; they are checked beside each other, too.
        now: data time.

    Raises:
        RecordError: with everything that is wrong with any of them.
        StorageError and its like: as `energy.storage.translating` says.
    """
    with translating():
        async with connection.transaction():
            points = await _points(connection, {one.point for one in given})
            standing = await _standing(connection, [point.point_id for point in points.values()])
            checked = _checked(given, points, standing, milliseconds(now))
            new = [(one, edit) for one, edit, known in checked if known is None]
            numbers = iter(await _write(connection, new, now))
            spans = [(edit.point.point_id, touched(edit, standing[edit.point.point_id])) for _, edit in new]
            if spans:
                await _mark(connection, spans)
            doubted = await _doubts(connection, [edit for _, edit in new])
    return [
        Taken(next(numbers), new=True, doubts=doubted.get(id(edit), ())) if known is None else Taken(known, new=False)
        for _, edit, known in checked
    ]


async def undo(connection: Connection, edit_id: int, *, author: str, reason: str, now: datetime) -> None:
    """Undo an edit: it stays on record, and everything becomes as if it had never been.

    Raises:
        RejectedError: there is none, it is undone already, or author or reason are missing.
        StorageError and its like: as `energy.storage.translating` says.
    """
    if not author.strip() or not reason.strip():
        raise RejectedError("an edit is undone by somebody, and for a reason: both are needed")
    with translating():
        async with connection.transaction():
            code = await connection.fetchval(_SQL.point_of, edit_id)
            if code is None:
                raise RejectedError(f"there is no edit {edit_id}")
            (point,) = (await _points(connection, {code})).values()  # from here on nobody else edits it
            (before,) = await recorded(connection, Chosen(edit_id=edit_id), 1)
            if before.undone_at is not None:
                raise RejectedError(f"edit {edit_id} is undone already, by {before.undone_by}: {before.undone_why}")
            await connection.execute(_SQL.undo, edit_id, now, author, reason)
            others = (await _standing(connection, [point.point_id]))[point.point_id]
            await _mark(connection, [(point.point_id, touched(_as_standing(msgspec.structs.asdict(before)), others))])


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which edits are asked for; None does not restrict.

    Attributes:
        point, unit: codes.
        in_force: those in force, or undone ones.
        edit_id: this one.
    """

    point: str | None = None
    unit: str | None = None
    in_force: bool | None = None
    edit_id: int | None = None


async def recorded(connection: Connection, chosen: Chosen, limit: int) -> list[Recorded]:
    """At most `limit` edits, undone ones too, the latest first.

    Raises:
        RejectedError: the unit or the point is not registered.
        StorageError and its like: as `energy.storage.translating` says.
    """
    await check_registered(connection, unit=chosen.unit, point=chosen.point)
    wanted = (chosen.point, chosen.unit, chosen.in_force, chosen.edit_id)
    with translating():
        rows = await connection.fetch(_SQL.recorded, *wanted, limit)
    return [msgspec.convert(dict(row), Recorded) for row in rows]


async def _points(connection: Connection, codes: Iterable[str]) -> dict[str, EditedPoint]:
    rows = await connection.fetch(_SQL.points, list(codes))
    return {row["code"]: EditedPoint(**row) for row in rows}


async def _standing(connection: Connection, point_ids: Sequence[int]) -> defaultdict[int, list[Standing]]:
    found: defaultdict[int, list[Standing]] = defaultdict(list)
    for row in await connection.fetch(_SQL.standing, point_ids):
        found[row["point_id"]].append(_as_standing(dict(row)))
    return found


def _as_standing(row: Mapping[str, Any]) -> Standing:
    said = {name: row[name] for name in ("edit_id", "old_end", "new_start", "ratio", "amount")}
    since, until = milliseconds(row["since"]), milliseconds(row["until"])
    return Standing(f"edit {row['edit_id']}", kind=Kind(row["kind"]), since=since, until=until, **said)


def _checked(
    given: Sequence[Given],
    points: Mapping[str, EditedPoint],
    standing: defaultdict[int, list[Standing]],
    now_ms: int,
) -> list[tuple[Given, Edit, int | None]]:
    """Each with its edit, and the number under which the same is in force; those that are new join `standing`."""
    faults: list[Fault] = []
    checked: list[tuple[Given, Edit, int | None]] = []
    for one in given:
        faults += one.faults
        if any(not fault.path for fault in one.faults):
            continue  # the row is cut short: what its cells say is not known
        point = points.get(one.point)
        if point is None:
            if one.point or not one.faults:  # else its form says already that there is none
                faults.append(Fault(one.source or one.point, one.line, "point", f"{one.point!r} is not registered"))
            continue
        try:
            edit = edit_from(one, point, now_ms)
        except RecordError as error:
            faults += [fault for fault in error.faults if fault not in one.faults]
            continue
        beside = standing[point.point_id]
        known = next((other.edit_id for other in beside if other.edit_id and edit.same_as(other)), None)
        checked.append((one, edit, known))
        if known is None:
            faults += [Fault(one.source or one.point, one.line, *why) for why in contradictions(edit, beside)]
            beside.append(_written(one, edit))
    if faults:
        raise RecordError(faults)
    return checked


def _written(given: Given, edit: Edit) -> Standing:
    return Standing(
        f"line {given.line}",
        None,
        edit.kind,
        edit.since,
        edit.until,
        edit.old_end,
        edit.new_start,
        edit.ratio,
        edit.amount,
    )


async def _write(connection: Connection, new: Sequence[tuple[Given, Edit]], now: datetime) -> list[int]:
    columns = [
        [edit.point.point_id for _, edit in new],
        [edit.kind for _, edit in new],
        [moment(edit.since) for _, edit in new],
        [moment(edit.until) for _, edit in new],
        [edit.old_end for _, edit in new],
        [edit.new_start for _, edit in new],
        [edit.ratio for _, edit in new],
        [edit.amount for _, edit in new],
        [None if edit.amount is None else edit.point.unit for _, edit in new],
        [one.author for one, _ in new],
        [one.reason for one, _ in new],
        [one.document for one, _ in new],
    ]
    return [row["edit_id"] for row in await connection.fetch(_SQL.add, *columns, now)]


async def _doubts(connection: Connection, edits: Sequence[Edit]) -> dict[int, tuple[str, ...]]:
    """What is doubtful of the replacements among `edits`, by the identity of these."""
    stated = [one for one in edits if (one.old_end, one.new_start) != (None, None)]
    columns = (
        [edit.point.point_id for edit in stated],
        [moment(edit.since) for edit in stated],
        [moment(edit.until) for edit in stated],
    )
    found = await connection.fetch(_SQL.beside, *columns) if stated else []
    return {id(edit): tuple(doubts(edit, _beside(dict(row)))) for edit, row in zip(stated, found, strict=True)}


def _beside(row: Mapping[str, Any]) -> Beside:
    before, after = (
        None if row[f"{side}_ms"] is None else (row[f"{side}_ms"], row[side]) for side in ("before", "after")
    )
    return Beside(before, after, row["max_rate"], row["wrap"], row["resolution"])


async def _mark(connection: Connection, spans: Sequence[tuple[int, tuple[int, int | None]]]) -> None:
    points, ends = [point for point, _ in spans], [span for _, span in spans]
    since = [moment(begun) for begun, _ in ends]
    until = [None if ended is None else moment(ended) for _, ended in ends]
    await connection.execute(_SQL.mark, points, since, until)
