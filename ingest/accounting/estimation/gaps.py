"""Which gaps must be derived again because something changed that their course rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from energy.storage import Connection, load_queries
from ingest.accounting.estimation.courses import DEFAULTS
from ingest.accounting.estimation.rules import EstimationSettings

_SQL = load_queries("ingest.accounting.estimation", "estimation.sql")
_SLACK = timedelta(days=2)
"""A window of whole local days reaches that much further back than its weeks, at most."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What is dirty, as `derivation_dirty` has it: per gap its point, and the two readings that it lies between."""

    points: list[int]
    since: list[datetime]
    until: list[datetime]


async def dependents(
    connection: Connection,
    points: Sequence[int],
    since: Sequence[int],
    until: Sequence[int],
    rules: EstimationSettings = DEFAULTS,
) -> Marks:
    """The gaps whose course may rest on measured rows that changed: of `points`, each from `since` up to `until` (ms).

    Only rows that have changed, not all that were derived again: asking for what rests on those would never end, as a
    gap lies within eight weeks of itself. To be asked after table `gap` is written: a gap of the same step may need it,
    whose course was looked for before the rows were there. One indexed query; in live flow it finds nothing.
    """
    back, longest = timedelta(weeks=rules.weeks) + _SLACK, timedelta(days=rules.longest_days)
    rows = await connection.fetch(_SQL.dependents, points, since, until, back, longest)
    return Marks([row["point_id"] for row in rows], [row["began"] for row in rows], [row["ended"] for row in rows])
