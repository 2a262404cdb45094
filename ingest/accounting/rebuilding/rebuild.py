"""Rebuilds what is derived of a portion of points and time from its readings: the same rows as were there, or it tells.

A portion is one transaction, under the locks of its groups: cut off, nothing of it is done, and it may be done again.
What is right already is not written. Marks stay as they are: what is dirty, a step of deriving will do.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from energy.errors import StorageError
from energy.storage import Connection, load_queries, translating
from ingest.accounting.deriving import groups
from ingest.accounting.deriving.core import compute, follow, write_gaps
from ingest.accounting.deriving.points import Points, registry_version
from ingest.accounting.deriving.readings import Extent
from ingest.accounting.deriving.rows import write
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.rebuilding.plan import Portion
from ingest.accounting.rebuilding.reading import Bounds, read

_SQL = load_queries("ingest.accounting.rebuilding", "rebuild.sql")

TABLES = ("consumption_15min", "gap", "unit_hour", "unit_day", "unit_month")
"""What a portion writes, but for marks."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found.

    Attributes:
        readings: that were read.
        intervals: quarter hours that were computed.
        differing: by table, how many rows were not what they must be.
        examples: some stretches of points in which quarter hours were not.
    """

    readings: int = 0
    intervals: int = 0
    differing: dict[str, int] = field(default_factory=dict)
    examples: tuple[tuple[int, int, int], ...] = ()

    def __add__(self, other: Rebuilt) -> Rebuilt:
        """Both together."""
        names = sorted(self.differing.keys() | other.differing.keys())
        return Rebuilt(
            self.readings + other.readings,
            self.intervals + other.intervals,
            {name: self.differing.get(name, 0) + other.differing.get(name, 0) for name in names},
            (*self.examples, *other.examples)[:MOST_EXAMPLES],
        )


MOST_EXAMPLES = 20


class StaleScopeError(StorageError):
    """The registry is another one than the scope of the rebuild has: nothing was done, and it is to be made anew."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What all portions of a rebuild share.

    Attributes:
        points: the registry.
        groups: how many groups there are.
        extent: where all time lies that there is anything of.
        floor: time before which readings were dropped, ms; None where none were.
        rules: of deriving.
        most: readings that a portion may have; bounds memory.
        check: find out what differs, and change nothing.
    """

    points: Points
    groups: int
    extent: Extent
    floor: int | None
    rules: Rules
    most: int
    check: bool


async def rebuild(connection: Connection, scope: Scope, portion: Portion) -> Rebuilt:
    """Rebuild `portion`, totals with it, and mark its days to be rolled up.

    Raises:
        StaleScopeError: `scope` is to be made anew.
        TooManyError: `portion` has more than `scope.most` readings; it is to be halved.
        StorageError and its like: as `energy.storage.translating` says; nothing has changed then.
    """
    with translating():
        transaction = connection.transaction()
        await transaction.start()
        try:
            found = await _rebuild(connection, scope, portion)
        except BaseException:
            await transaction.rollback()
            raise
        await (transaction.rollback() if scope.check else transaction.commit())
    return found


async def _rebuild(connection: Connection, scope: Scope, portion: Portion) -> Rebuilt:
    points, rules = scope.points, scope.rules
    place, _ = points.places(portion.point)
    total = await groups.lock_these(connection, set((points.unit[place] % scope.groups).tolist()))
    if total != scope.groups or await registry_version(connection) != points.version:
        raise StaleScopeError("the registry changed while a rebuild was under way")
    before = await written(connection)
    stretches, readings = await read(connection, points, portion, Bounds(scope.extent, scope.floor, scope.most))
    if not len(stretches):
        return Rebuilt()
    place, _ = points.places(stretches.point)
    series = points.series(place, stretches.since, stretches.until, rules.gap_intervals)
    derived = await compute(connection, stretches, series, readings, rules.estimation)
    changed = await write(connection, stretches, derived.rows)
    await write_gaps(connection, stretches, derived.pairs, series, rules.estimation)
    # Totals and rollups of all of it, whether or not quarter hours changed: they may be wrong by themselves.
    balanced = stretches.take(points.balanced[place])
    await follow(connection, balanced, stretches, changed.measured, rules.estimation)
    after = await written(connection)
    differing = {name: count for name in TABLES if (count := after.get(name, 0) - before.get(name, 0))}
    spans = (changed.stretches.point, changed.stretches.since, changed.stretches.until)
    examples = tuple(zip(*(column[:MOST_EXAMPLES].tolist() for column in spans), strict=True))
    return Rebuilt(len(readings.at), len(derived.rows), differing, examples)


async def written(connection: Connection) -> dict[str, int]:
    """By table, how many rows this session wrote so far: differences tell, also of what will be undone."""
    return {row["relation"]: row["rows"] for row in await connection.fetch(_SQL.written)}
