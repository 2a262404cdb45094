"""From readings to rows: what a step of deriving and a rebuild have in common.

`compute` asks for edits and for the course of gaps and is otherwise pure; `derive` makes the tables say what it found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from energy.storage import Connection, load_queries
from energy.storage.binary import listed
from ingest.accounting.algebra.columns import Consumption, Ints, Pairs, Readings, Series
from ingest.accounting.algebra.overlaying import overlay
from ingest.accounting.algebra.pairing import pairs
from ingest.accounting.algebra.spreading import spread
from ingest.accounting.deriving.rows import Changed, forget_gaps, nullable, write
from ingest.accounting.deriving.spans import Stretches
from ingest.accounting.edits.loading import Edits, edits_of
from ingest.accounting.estimation.courses import courses, depends
from ingest.accounting.estimation.gaps import dependents
from ingest.accounting.estimation.rules import EstimationSettings
from ingest.accounting.rollups.marks import mark
from ingest.accounting.totals.refresh import refresh

_SQL = load_queries("ingest.accounting.deriving", "rows.sql")


@dataclass(frozen=True, slots=True)
class Derived:
    """What stretches consist of.

    Attributes:
        rows: their quarter hours.
        pairs: the pairs of readings that these follow from.
        edits: what people said that has a part in them.
    """

    rows: Consumption
    pairs: Pairs
    edits: Edits


async def compute(
    connection: Connection, stretches: Stretches, series: Series, readings: Readings, rules: EstimationSettings
) -> Derived:
    """The quarter hours of `stretches`, of which `readings.series` is an index, and `series` what is known.

    `readings` holds the effective ones in each stretch and `excursions.REACH` usable ones on each side.
    """
    edits = await _edits(connection, stretches, readings)
    found = pairs(readings, series, edits.changes, edits.excluded)
    course = await courses(connection, stretches.point.tolist(), found, series, rules)
    return Derived(overlay(spread(found, series, course), series, edits.amounts, edits.accepted), found, edits)


async def derive(
    connection: Connection, stretches: Stretches, series: Series, readings: Readings, rules: EstimationSettings
) -> tuple[Derived, Changed]:
    """Make every table say what follows from `readings` in `stretches`; arguments as those of `compute`.

    In the transaction of whoever has locked the groups of these points. What other points' gaps rest on marks them.
    """
    derived = await compute(connection, stretches, series, readings, rules)
    changed = await write(connection, stretches, derived.rows)
    await write_gaps(connection, stretches, derived.pairs, series, rules)
    await follow(connection, changed.stretches, changed.stretches, changed.measured, rules)
    return derived, changed


async def follow(
    connection: Connection, balanced: Stretches, rolled: Stretches, measured: Stretches, rules: EstimationSettings
) -> None:
    """Let follow what hangs on quarter hours that changed.

    Args:
        connection: in the transaction that changed them.
        balanced: those of points that may be in a balance.
        rolled: the days to roll up again.
        measured: those that are measured or were, of points on which others' estimates may rest.
        rules: of estimation.
    """
    if len(measured):
        point, since, until = listed([measured.point, measured.since, measured.until])
        marks = await dependents(connection, point, since, until, rules)
        if marks.points:
            await connection.execute(_SQL.mark, marks.points, marks.since, marks.until)
    if len(balanced):
        await refresh(connection, balanced.point.tolist(), moments(balanced.since), moments(balanced.until))
    if len(rolled):
        await mark(connection, rolled.point.tolist(), moments(rolled.since), moments(rolled.until))


async def write_gaps(
    connection: Connection, stretches: Stretches, found: Pairs, series: Series, rules: EstimationSettings
) -> None:
    """Make table `gap` list the pairs that rest on other intervals, and nothing else that reaches into `stretches`."""
    inside = (found.began < series.until[found.series]) & (found.ended > series.since[found.series])
    long = np.flatnonzero(depends(found, series, rules) & inside)  # what lies outside may lack readings
    point, began = stretches.point[found.series[long]], found.began[long]
    await forget_gaps(connection, stretches, point, began)
    if len(long):
        quanta = nullable(found.delta[long], ~found.known[long])
        await connection.execute(_SQL.put_gaps, *listed([point, began, found.ended[long]]), quanta)


def moments(times: Ints) -> Sequence[datetime]:
    """Times as a query takes them."""
    return [datetime.fromtimestamp(at / 1000, UTC) for at in times.tolist()]


async def _edits(connection: Connection, stretches: Stretches, readings: Readings) -> Edits:
    """Those over all that is read or computed: a change counts from its time on, an amount where it stands."""
    since, until = stretches.since.copy(), stretches.until.copy()
    np.minimum.at(since, readings.series, readings.at)
    np.maximum.at(until, readings.series, readings.at)
    return await edits_of(connection, stretches.point, since, until)
