"""Entries in the database: added after every check, replaced, undone, listed; each change marks its days of totals."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from energy.errors import Fault, RejectedError
from energy.records import RecordError
from energy.registry.store import check_registered
from energy.storage import Connection, load_queries, translating
from ingest.accounting.entries.checks import contradictions, entry_from
from ingest.accounting.entries.model import Entry, EntryUnit, Given, Key, Kind, Product, Source, Standing

_SQL = load_queries("ingest.accounting.entries", "entries.sql")


class Taken(msgspec.Struct, frozen=True):
    """What became of an entry that was given.

    Attributes:
        entry_id: its number.
        new: whether it was written; otherwise the same was in force already.
        replaced: the entry that it replaced, None for none.
    """

    entry_id: int
    new: bool
    replaced: int | None = None


class Recorded(msgspec.Struct, frozen=True):
    """An entry as it stands in the database; columns of `board.entry`."""

    entry_id: int
    unit: str
    kind: Kind
    subject: str
    first_day: date
    last_day: date
    amount: Decimal
    unit_of_measure: str
    given: Decimal
    given_unit: str
    source: Source
    document: str
    author: str
    reason: str
    recorded_at: datetime
    in_force: bool
    replaces: int | None
    replaced_by: int | None
    undone_at: datetime | None
    undone_by: str | None
    undone_why: str | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which entries are asked for; None does not restrict.

    Attributes:
        unit, kind, subject: of this.
        in_force: those in force, or replaced and undone ones.
        first_day, last_day: that touch these days.
        entry_id: this one.
    """

    unit: str | None = None
    kind: str | None = None
    subject: str | None = None
    in_force: bool | None = None
    first_day: date | None = None
    last_day: date | None = None
    entry_id: int | None = None


async def enter(connection: Connection, given: Sequence[Given], source: Source, now: datetime) -> list[Taken]:
    """Write entries, all or none of them; one that is in force already is not written again.

    Args:
        connection: the transaction is made here.
        given: the entries; they are checked beside each other, too.
        source: by which way they came.
        now: data time.

    Raises:
        RecordError: with everything that is wrong with any of them.
        StorageError and its like: as `energy.storage.translating` says.
    """
    with translating():
        async with connection.transaction():
            units = await _units(connection, {one.said.get("unit", "") for one in given})
            entries = _read(given, units, now)
            standing = {one.key: one for one in await _standing(connection, [entry.key for _, entry in entries])}
            _refuse_contradictions(entries, standing.values())
            new = [entry for _, entry in entries if not _same(entry, standing.get(entry.key))]
            earlier = {entry.key: standing[entry.key].entry_id for entry in new if entry.key in standing}
            numbers = await _write(connection, new, earlier, source, now)
    return [
        Taken(numbers[entry.key], new=True, replaced=earlier.get(entry.key))
        if entry.key in numbers
        else Taken(standing[entry.key].entry_id or 0, new=False)
        for _, entry in entries
    ]


async def undo(connection: Connection, entry_id: int, *, author: str, reason: str, now: datetime) -> int | None:
    """Undo an entry: it stays on record, and the one that it replaced counts again; the number of that one, or None.

    Raises:
        RejectedError: there is none, it is replaced or undone already, or author or reason are missing.
        StorageError and its like: as `energy.storage.translating` says.
    """
    if not author.strip() or not reason.strip():
        raise RejectedError("an entry is undone by somebody, and for a reason: both are needed")
    with translating():
        async with connection.transaction():
            code = await connection.fetchval(_SQL.unit_of_entry, entry_id)
            if code is None:
                raise RejectedError(f"there is no entry {entry_id}")
            (unit,) = (await _units(connection, {code})).values()  # from here on nobody else fills it in
            (before,) = await recorded(connection, Chosen(entry_id=entry_id), 1)
            if before.undone_at is not None:
                raise RejectedError(f"entry {entry_id} is undone already, by {before.undone_by}: {before.undone_why}")
            if before.replaced_by is not None:
                raise RejectedError(f"entry {entry_id} is replaced by {before.replaced_by}: undo that one")
            earlier: int | None = await connection.fetchval(_SQL.undo, entry_id, now, author, reason)
            if earlier is not None:
                await connection.execute(_SQL.restore, earlier)
            key = Key(unit.unit_id, before.kind, before.subject, before.first_day, before.last_day)
            await _mark(connection, [key])
    return earlier


async def recorded(connection: Connection, chosen: Chosen, limit: int) -> list[Recorded]:
    """At most `limit` entries, replaced and undone ones too, the latest first.

    Raises:
        RejectedError: the unit is not registered.
        StorageError and its like: as `energy.storage.translating` says.
    """
    await check_registered(connection, unit=chosen.unit)
    wanted = (chosen.unit, chosen.kind, chosen.subject, chosen.in_force, chosen.first_day, chosen.last_day)
    with translating():
        rows = await connection.fetch(_SQL.recorded, *wanted, chosen.entry_id, limit)
    return [msgspec.convert(dict(row), Recorded) for row in rows]


async def unit_of_gateway(connection: Connection, gateway: str) -> str | None:
    """The code of the unit that a gateway stands at, None for an unknown one.

    Raises as `energy.storage.translating` says.
    """
    with translating():
        code: str | None = await connection.fetchval(_SQL.unit_of_gateway, gateway)
    return code


async def _units(connection: Connection, codes: Iterable[str]) -> dict[str, EntryUnit]:
    """Units by code, locked until the end of the transaction."""
    rows = await connection.fetch(_SQL.units, list(codes))
    products: dict[int, dict[str, Product]] = {row["unit_id"]: {} for row in rows}
    for row in await connection.fetch(_SQL.products, list(products)):
        fields = ("code", "unit", "name_zh", "name_en", "quota_key")
        one = Product(**{name: row[name] for name in fields}, point=row["point"] or "")
        products[row["unit_id"]][one.code] = one
    return {
        row["code"]: EntryUnit(row["unit_id"], row["code"], row["time_zone"], products[row["unit_id"]]) for row in rows
    }


def _read(given: Sequence[Given], units: Mapping[str, EntryUnit], now: datetime) -> list[tuple[Given, Entry]]:
    faults: list[Fault] = []
    entries: list[tuple[Given, Entry]] = []
    for one in given:
        faults += one.faults
        if any(not fault.path for fault in one.faults):
            continue  # the row is cut short: what its cells say is not known
        code = one.said.get("unit", "")
        if code not in units:
            if code or not one.faults:  # else its form says already that there is none
                faults.append(Fault(one.source, one.line, "unit", f"{code!r} is not registered"))
            continue
        today = now.astimezone(ZoneInfo(units[code].time_zone)).date()
        try:
            entries.append((one, entry_from(one, units[code], today)))
        except RecordError as error:
            faults += [fault for fault in error.faults if fault not in one.faults]
    if faults:
        raise RecordError(faults)
    return entries


async def _standing(connection: Connection, keys: Sequence[Key]) -> list[Standing]:
    rows = await connection.fetch(_SQL.standing, *_key_columns(keys))
    return [
        Standing(
            f"entry {row['entry_id']}",
            row["entry_id"],
            Key(row["unit_id"], Kind(row["kind"]), row["subject"], row["first_day"], row["last_day"]),
            row["amount"],
            row["document"],
            row["reason"],
        )
        for row in rows
    ]


def _refuse_contradictions(entries: Sequence[tuple[Given, Entry]], standing: Iterable[Standing]) -> None:
    """Look at the neighbours by day alone: those that stand do not overlap each other."""
    beside: defaultdict[tuple[int, Kind, str], list[Standing]] = defaultdict(list)
    for other in sorted(standing, key=_first_day):
        beside[other.key.unit_id, other.key.kind, other.key.subject].append(other)
    faults: list[Fault] = []
    for one, entry in entries:
        others = beside[entry.key.unit_id, entry.key.kind, entry.key.subject]
        place = bisect_right(others, entry.key.first_day, key=_first_day)
        found = list(contradictions(entry, others[max(0, place - 1) : place + 1]))
        faults += [Fault(one.source, one.line, *why) for why in found]
        if not found:
            same = place > 0 and others[place - 1].key == entry.key
            name = f"line {one.line}" if one.line else "another one"
            mine = Standing(name, None, entry.key, entry.amount, entry.document, entry.reason)
            others[place - same : place] = [mine]
    if faults:
        raise RecordError(faults)


def _first_day(one: Standing) -> date:
    return one.key.first_day


def _same(entry: Entry, other: Standing | None) -> bool:
    if other is None:
        return False
    return (entry.amount, entry.document, entry.reason) == (other.amount, other.document, other.reason)


async def _write(
    connection: Connection, new: Sequence[Entry], earlier: Mapping[Key, int | None], source: Source, now: datetime
) -> dict[Key, int]:
    """Write entries in the place of earlier ones; their numbers."""
    if not new:
        return {}
    ids = [row[0] for row in await connection.fetch(_SQL.numbers, len(new))]
    numbers = {entry.key: number for entry, number in zip(new, ids, strict=True)}
    await connection.execute(_SQL.replace, list(earlier.values()), [numbers[key] for key in earlier])
    keys = [entry.key for entry in new]
    columns = [
        ids,
        *_key_columns(keys),
        [entry.amount for entry in new],
        [entry.unit for entry in new],
        [entry.given for entry in new],
        [entry.given_unit for entry in new],
        [entry.document for entry in new],
        [entry.reason for entry in new],
        [entry.author for entry in new],
        [earlier.get(key) for key in keys],
    ]
    await connection.execute(_SQL.add, *columns, source, now)
    await _mark(connection, keys)
    return numbers


async def _mark(connection: Connection, keys: Sequence[Key]) -> None:
    await connection.execute(_SQL.mark, *_key_columns(keys))
    await connection.execute(_SQL.notify)


def _key_columns(keys: Sequence[Key]) -> tuple[list[int], list[str], list[str], list[date], list[date]]:
    return (
        [key.unit_id for key in keys],
        [key.kind for key in keys],
        [key.subject for key in keys],
        [key.first_day for key in keys],
        [key.last_day for key in keys],
    )
