"""The dated factors in the database, where totals, alerts and boards find the one of their unit and day.

What changes is marked in `unit_dirty`, for exactly the units and days that it touches. Readers go through the view
`factor_in_force`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from energy.factors import EVER, FOREVER, NATIONAL, VERSION_MARK, Factor, FactorSet
from energy.storage import Connection, load_queries, translating
from ingest.accounting.factors.changes import Change, Held, changed

_SQL = load_queries("ingest.accounting.factors", "factors.sql")
_FIGURES = ("unit", "kgce", "kgce_equal", "kgco2", "kgco2_per_gj", "provisional")
_COLUMNS = ("carrier", "region", "valid_from", "valid_to", *_FIGURES, "source")

Series = dict[tuple[str, str], list[Held]]


@dataclass(frozen=True, slots=True)
class Synced:
    """What became of the factors in the database.

    Attributes:
        changes: how many stretches have another figure now.
        replaced: versions of the data set that others had written, and that this one took the place of.
    """

    changes: int
    replaced: tuple[str, ...] = ()


async def sync_factors(connection: Connection, factors: FactorSet) -> Synced:
    """Make the database say what `factors` say, and mark what this touches.

    One transaction; the same again changes nothing, and several workers may come at once. A marked day is totalled
    again by whoever derives next. Raises as `energy.storage.translating` says.
    """
    with translating():
        async with connection.transaction():
            await connection.execute(_SQL.lock)
            old = await connection.fetch(_SQL.factors)
            regions = {row["prefix"]: row["region"] for row in await connection.fetch(_SQL.regions)}
            new = [tuple(getattr(one, name) for name in _COLUMNS) for one in for_every_region(factors)]
            if {tuple(row) for row in old} == set(new) and regions == factors.regions:
                return Synced(0)
            await connection.execute(_SQL.stop_totals)
            changes = await _replace(connection, _series(map(dict, old)), factors, new)
            versions = {row["source"].rpartition(VERSION_MARK)[2] for row in old}
            return Synced(changes, tuple(sorted(versions - {factors.version})))


def for_every_region(factors: FactorSet) -> list[Factor]:
    """The factors as the database has them: those of which the region does not matter once for each region."""
    regions = sorted({NATIONAL, *factors.regions.values()})
    return [
        replace(one, region=region) for one in factors.factors for region in ([one.region] if one.region else regions)
    ]


async def _replace(connection: Connection, old: Series, factors: FactorSet, rows: Sequence[tuple[object, ...]]) -> int:
    before = await _unit_regions(connection)
    columns = list(map(list, zip(*rows, strict=True)))
    await connection.execute(_SQL.drop, *columns[:3])
    await connection.execute(_SQL.write, *columns)
    await connection.execute(_SQL.write_regions, list(factors.regions), list(factors.regions.values()))
    after = await _unit_regions(connection)
    changes = changed(old, _series(map(dict, await connection.fetch(_SQL.factors))))
    await _mark(connection, changes)
    moved = [unit for unit, region in after.items() if before.get(unit) != region]
    await _mark_moved(connection, moved, sorted({one.carrier for one in factors.factors if one.region}))
    return len(changes)


async def _unit_regions(connection: Connection) -> Mapping[int, str]:
    return {row["unit_id"]: row["region"] for row in await connection.fetch(_SQL.unit_regions)}


async def _mark(connection: Connection, changes: Sequence[Change[tuple[str, str]]]) -> None:
    keys = [change.key for change in changes]
    carriers, regions = [carrier for carrier, _ in keys], [region for _, region in keys]
    days = [change.since for change in changes], [change.until for change in changes]
    await connection.execute(_SQL.mark, carriers, regions, [None] * len(keys), *days)


async def _mark_moved(connection: Connection, units: Sequence[int], carriers: Sequence[str]) -> None:
    """Mark all days of units that belong to another grid now, of carriers whose factor is the grid's."""
    pairs = [(unit, carrier) for unit in units for carrier in carriers]
    count = len(pairs)
    columns = [carrier for _, carrier in pairs], [None] * count, [unit for unit, _ in pairs]
    await connection.execute(_SQL.mark, *columns, [EVER] * count, [FOREVER] * count)


def _series(rows: Iterable[Mapping[str, Any]]) -> Series:
    found: Series = defaultdict(list)
    for row in rows:
        held = Held(row["valid_from"], row["valid_to"], tuple(row[name] for name in _FIGURES))
        found[row["carrier"], row["region"]].append(held)
    return dict(found)
