"""A whole rebuild: portion after portion, by one process or several, then what follows from all of them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context

import numpy as np

from energy.errors import SetupError
from energy.storage import Connection, StorageSettings, check_schema, connect, load_queries, translating
from ingest.accounting.algebra.columns import Ints
from ingest.accounting.deriving.points import load_points
from ingest.accounting.deriving.readings import Extent, extent_of
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.spans import closed, opened
from ingest.accounting.rebuilding.follow import check_rollups, follow_up
from ingest.accounting.rebuilding.plan import Portion, portions, shares
from ingest.accounting.rebuilding.reading import TooManyError
from ingest.accounting.rebuilding.rebuild import Rebuilt, Scope, StaleScopeError, rebuild
from ingest.accounting.validation.loading import Checks

_SQL = load_queries("ingest.accounting.rebuilding", "rebuild.sql")

READINGS = 2_000_000
"""Readings of a portion, about; with their columns and what follows from them some 400 MB."""
MOST = 2 * READINGS
"""A portion that has more, because its points are read more often than they are meant to, is halved."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be rebuilt.

    Attributes:
        units, points: codes; all points where both are empty.
        since, until: None for all of the time that there is anything of.
        check: find out what differs, and change nothing.
        readings: readings of a portion, about.
    """

    units: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    check: bool = False
    readings: int = READINGS


async def chosen(connection: Connection, wanted: Wanted) -> Ints:
    """Ids of the points that are meant.

    Raises:
        SetupError: a code is no one's.
        StorageError and its like: as `energy.storage.translating` says.
    """
    with translating():
        row = await connection.fetchrow(_SQL.points, list(wanted.units), list(wanted.points))
    assert row is not None  # noqa: S101 - one row, always
    for name, what in (("no_units", "unit"), ("no_points", "point that consumption is derived from")):
        if row[name]:
            raise SetupError(f"there is no {what} {', '.join(row[name])}", advice="Codes are those of the registry.")
    return np.array(row["points"], np.int64)


async def run(database: StorageSettings, wanted: Wanted, rules: Rules, checks: Checks, *, workers: int = 1) -> Rebuilt:
    """Rebuild, or check, what is `wanted`, and what follows from it: totals, rollups, gaps.

    Raises:
        SetupError: a code is no one's.
        StorageError and its like: as `energy.storage.translating` says; portions that are done stay done.
    """
    found = await run_portions(database, wanted, rules, workers=workers)
    async with connect(database) as connection:
        if not wanted.check:
            await follow_up(connection, rules, checks)
            return found
        ids = await chosen(connection, wanted)
        span = _span(await extent_of(connection), wanted)
        return found + Rebuilt(differing=await check_rollups(connection, ids, *span))


async def run_portions(database: StorageSettings, wanted: Wanted, rules: Rules, *, workers: int = 1) -> Rebuilt:
    """Rebuild quarter hours and totals in so many processes, each with units of its own; raises as `run` does."""
    async with connect(database) as connection:
        await check_schema(connection)
        ids = await chosen(connection, wanted)
        scope = await _scope(connection, wanted, rules, ids)
    parts = [part for part in shares(scope.points, ids, scope.groups, workers) if len(part)]
    if len(parts) <= 1:
        return await rebuild_all(database, wanted, rules, ids)
    loop = asyncio.get_running_loop()
    # Started anew, not forked: nothing of our event loop may be in a child.
    with ProcessPoolExecutor(len(parts), mp_context=get_context("spawn")) as pool:
        try:
            async with asyncio.TaskGroup() as group:

                async def one(part: Ints) -> Rebuilt:
                    return await loop.run_in_executor(pool, _in_process, database, wanted, rules, part)

                tasks = [group.create_task(one(part)) for part in parts]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None  # each says of its own portions what `run` documents
    return sum((task.result() for task in tasks), Rebuilt())


async def waiting(database: StorageSettings) -> int:
    """How many batches wait to be derived: what differs may differ because of them."""
    async with connect(database) as connection:
        with translating():
            count: int = await connection.fetchval(_SQL.waiting)
    return count


def _in_process(database: StorageSettings, wanted: Wanted, rules: Rules, ids: Ints) -> Rebuilt:
    return asyncio.run(rebuild_all(database, wanted, rules, ids))


async def rebuild_all(database: StorageSettings, wanted: Wanted, rules: Rules, ids: Ints) -> Rebuilt:
    """Rebuild the points `ids` on one connection, portion after portion."""
    total = Rebuilt()
    async with connect(database) as connection:
        scope = await _scope(connection, wanted, rules, ids)
        since, until = _span(scope.extent, wanted)
        waiting = list(portions(scope.points, ids, since, until, wanted.readings))[::-1]
        while waiting:
            portion = waiting.pop()
            try:
                total += await rebuild(connection, scope, portion)
            except TooManyError:
                waiting += portion.halves()[::-1]
            except StaleScopeError:
                scope = await _scope(connection, wanted, rules, ids)
                known = scope.points.places(portion.point)[1]
                if known.any():
                    waiting.append(Portion(portion.point[known], portion.since, portion.until))
    return total


async def _scope(connection: Connection, wanted: Wanted, rules: Rules, ids: Ints) -> Scope:
    with translating():
        dropped = await connection.fetchval(_SQL.dropped)
        return Scope(
            points=await load_points(connection, ids),
            groups=await connection.fetchval(_SQL.groups),
            extent=await extent_of(connection),
            floor=None if dropped is None else _ms(dropped),
            rules=rules,
            most=2 * wanted.readings,
            check=wanted.check,
        )


def _span(extent: Extent, wanted: Wanted) -> tuple[int, int]:
    """Whole quarter hours that hold what is wanted, within what there is."""
    since = extent.since if wanted.since is None else max(extent.since, _ms(wanted.since))
    until = extent.until if wanted.until is None else min(extent.until, _ms(wanted.until))
    first, beyond = int(opened(np.array(since))), int(closed(np.array(until)))
    return first, max(first, beyond)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
