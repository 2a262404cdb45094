"""Quotas in the database: taken as a whole or not at all, versioned, listed; all SQL stands in `sql/quotas.sql`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from alerts.quotas.checks import Known, faults_against
from alerts.quotas.given import Given, given_by_hand
from alerts.quotas.model import Group, Quotas, QuotaSpec
from alerts.quotas.sums import warnings_in
from energy.errors import Fault, RejectedError
from energy.records import RecordError, wrong_text
from energy.registry.store import check_units
from energy.storage import Connection, load_queries, translating

_SQL = load_queries("alerts.quotas", "quotas.sql")
_DEMO = "demo"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""When a demo's quotas were set: before its time begins."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of quotas that were given.

    Attributes:
        new, changed, same: codes of quotas that were not known, that have a new version, and that stand as they stood.
        warnings: what is seldom meant.
    """

    new: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]
    warnings: tuple[Fault, ...]


class Recorded(msgspec.Struct, frozen=True):
    """A quota as it stands: its text, the number of its version, by whom and when that was recorded."""

    quota: QuotaSpec
    version: int
    author: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the database knows, with the numbers that it knows it by."""

    known: Known
    unit_ids: Mapping[str, int]
    standing: Mapping[str, QuotaSpec]
    versions: Mapping[str, int]


async def known(connection: Connection) -> Known:
    """All that quotas are checked against; raises as `energy.storage.translating` says."""
    with translating():
        return (await _facts(connection)).known


async def take(connection: Connection, given: Given, *, author: str, now: datetime) -> Taken:
    """Write quotas and the units of their groups, all of them or none.

    A quota whose text differs from the one that stands becomes a new version of it; the same one again changes nothing.
    The units whom a change concerns are marked, and the alerts service is woken.

    Args:
        connection: the transaction is made here.
        given: the quotas, with their places.
        author: who sets them.
        now: data time.

    Raises:
        RecordError: with everything that is wrong with them.
        RejectedError: there is no author.
        StorageError and its like: as `energy.storage.translating` says.
    """
    if not author.strip() or wrong_text(author):
        raise RejectedError(f"a quota is set by somebody: {wrong_text(author) or 'an author is needed'}")
    with translating():
        async with connection.transaction():
            await connection.execute(_SQL.lock)
            facts = await _facts(connection)
            if faults := faults_against(given, facts.known):
                raise RecordError(faults)
            specs = [spec for spec, _ in given.quotas]
            differing = [spec for spec in specs if facts.standing.get(spec.code) != spec]
            groups = [group for group, _ in given.groups if _differs(group, facts.known)]
            touched = [spec.code for spec in differing], [group.code for group in groups]
            # Before and after: also whom a quota or group leaves has something to be judged again.
            await connection.execute(_SQL.touch, *touched)
            await _write_groups(connection, groups, facts.unit_ids)
            await _write(connection, differing, facts, author=author, now=now)
            await connection.execute(_SQL.touch, *touched)
            if differing or groups:
                await connection.execute(_SQL.notify)
    changed = {spec.code for spec in differing}
    return Taken(
        new=tuple(spec.code for spec in differing if spec.code not in facts.standing),
        changed=tuple(spec.code for spec in differing if spec.code in facts.standing),
        same=tuple(spec.code for spec in specs if spec.code not in changed),
        warnings=tuple(warnings_in(given, facts.known)),
    )


async def apply_quotas(
    connection: Connection,
    quotas: Iterable[tuple[str, QuotaSpec]],
    *,
    author: str = _DEMO,
    now: datetime = _LONG_AGO,
) -> Taken:
    """Write quotas of units, each with the code of its unit; raises like `take`."""
    return await take(connection, given_by_hand(spec.of_unit(unit) for unit, spec in quotas), author=author, now=now)


async def end(connection: Connection, code: str, day: date, *, author: str, now: datetime) -> None:
    """Say that a quota governs no period that begins on `day` or later: a new version of it.

    Raises:
        RejectedError: there is none of this code, it ends on that day already, or it has not begun by then.
        StorageError and its like: as `energy.storage.translating` says.
    """
    found = await recorded(connection, code=code)
    if not found:
        raise RejectedError(f"there is no quota {code!r}", advice="`quotawatt quotas list` shows them.")
    spec = found[0].quota
    if spec.valid_to == day:
        raise RejectedError(f"quota {code} ends on {day} already")
    try:
        ended = msgspec.structs.replace(spec, valid_to=day)
    except ValueError as error:
        raise RejectedError(
            f"quota {code} cannot end on {day}, since it is valid from {spec.valid_from}",
            advice="What should never have been set is imported again as it should have been, under the same code.",
        ) from error
    await take(connection, given_by_hand([ended]), author=author, now=now)


async def recorded(
    connection: Connection, *, unit: str | None = None, code: str | None = None, day: date | None = None
) -> list[Recorded]:
    """Quotas as they stand, those of many units first.

    Args:
        connection: where to look.
        unit: those that the use of this unit counts against, also as a member of a group, district, …; None for all.
        code: the one of this code; None for all.
        day: those that govern a period which begins on this day; None for all, past ones too.

    Raises:
        RejectedError: there is no such unit.
        StorageError and its like: as `energy.storage.translating` says.
    """
    await check_units(connection, [unit] if unit else [])
    with translating():
        rows = await connection.fetch(_SQL.recorded, unit, code, day)
    return [Recorded(_spec(row["spec"]), row["version"], row["author"], row["recorded_at"]) for row in rows]


async def exported(
    connection: Connection, *, unit: str | None = None, code: str | None = None, day: date | None = None
) -> Quotas:
    """The same as a file holds them, with the groups that they name."""
    quotas = tuple(one.quota for one in await recorded(connection, unit=unit, code=code, day=day))
    codes = sorted({spec.key for spec in quotas if spec.subject == "group"})
    with translating():
        rows = await connection.fetch(_SQL.groups, codes)
    return Quotas(tuple(Group(row["code"], tuple(row["units"])) for row in rows), quotas)


async def _facts(connection: Connection) -> _Facts:
    units = await connection.fetch(_SQL.units)
    products = await connection.fetch(_SQL.products)
    members = await connection.fetch(_SQL.members)
    rows = await connection.fetch(_SQL.standing)
    standing = {row["code"]: _spec(row["spec"]) for row in rows}
    facts = Known(
        units=frozenset(row["code"] for row in units),
        products={(row["unit"], row["product"]): row["unit_of_measure"] for row in products},
        members={(row["grouping"], row["key"]): frozenset(row["units"]) for row in members},
        quotas=tuple(standing.values()),
    )
    versions = {row["code"]: row["version"] for row in rows}
    return _Facts(facts, {row["code"]: row["unit_id"] for row in units}, standing, versions)


def _spec(text: str) -> QuotaSpec:
    return msgspec.json.decode(text, type=QuotaSpec)


def _differs(group: Group, facts: Known) -> bool:
    return facts.members.get(("group", group.code), frozenset()) != frozenset(group.units)


async def _write_groups(connection: Connection, groups: Sequence[Group], units: Mapping[str, int]) -> None:
    await connection.execute(_SQL.forget_members, [group.code for group in groups])
    pairs = [(group.code, units[unit]) for group in groups for unit in group.units]
    await connection.execute(_SQL.write_members, [code for code, _ in pairs], [unit for _, unit in pairs])


async def _write(
    connection: Connection, specs: Sequence[QuotaSpec], facts: _Facts, *, author: str, now: datetime
) -> None:
    rows = [_row(spec, facts) for spec in specs]
    written = await connection.fetch(_SQL.write, msgspec.json.encode(rows).decode())
    texts = {spec.code: msgspec.json.encode(spec).decode() for spec in specs}
    await connection.execute(
        _SQL.write_versions,
        [row["quota_id"] for row in written],
        [row["version"] for row in written],
        [texts[row["code"]] for row in written],
        author,
        now,
    )


def _row(spec: QuotaSpec, facts: _Facts) -> dict[str, Any]:
    product_unit = facts.known.products.get((spec.key, spec.product), "")
    same = ("code", "subject", "key", "kind", "measure", "product", "period", "area_m2", "valid_from", "valid_to")
    return {name: getattr(spec, name) for name in same} | {
        "unit_id": facts.unit_ids[spec.key] if spec.subject == "unit" else None,
        "limit_value": spec.limit_in_base_unit(product_unit),
        "limit_unit": spec.base_unit(product_unit),
        "source": spec.source,
        "bands": spec.bands,
        "profile": spec.profile,
        "min_elapsed": spec.judged_from,
        "version": facts.versions.get(spec.code, 0) + 1,
    }
