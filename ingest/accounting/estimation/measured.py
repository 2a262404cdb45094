"""Reading what was measured: of all gaps of a step at once, each quarter hour once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from energy.storage import Connection, load_queries
from energy.storage.binary import Layout
from ingest.accounting.algebra.columns import Ints
from ingest.accounting.estimation.shapes import MOST_USABLE

_SQL = load_queries("ingest.accounting.estimation", "estimation.sql")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER = timedelta(minutes=15)
_ROW = Layout(point="int4", quarter="int8", quanta="int8")
_SHIFT = 32
"""Point and quarter hour in one number: quarter hours stay below 2^32 for a hundred thousand years."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Quarter hours that were measured, sorted by `key`: the point's id and, in the lower 32 bits, the quarter hour."""

    key: Ints
    quanta: Ints

    def of(self, point: int, first: int, beyond: int) -> tuple[Ints, Ints]:
        """Quarter hours of `point` from `first` up to `beyond` that were measured, ascending, and their quanta."""
        base = point << _SHIFT
        low, high = np.searchsorted(self.key, [base + first, base + beyond])
        return self.key[low:high] - base, self.quanta[low:high]


async def read(connection: Connection, wanted: Iterable[tuple[int, int, int]]) -> Measured:
    """What was measured of `wanted`, each a point's id and its quarter hours from the first up to the one beyond."""
    spans = merged(wanted)
    if not spans:
        return Measured(np.empty(0, np.int64), np.empty(0, np.int64))
    since, until = ([_EPOCH + span[end] * _QUARTER for span in spans] for end in (1, 2))
    points = [span[0] for span in spans]
    arguments = (points, since, until, min(since), max(until), MOST_USABLE)
    rows = await _ROW.copy(connection, _SQL.measured, *arguments)
    key = (rows["point"] << _SHIFT) + rows["quarter"]
    order = np.argsort(key, kind="stable")
    return Measured(key[order], rows["quanta"][order])


def merged(wanted: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """`wanted` sorted, and those of one point that touch or overlap as one: what many gaps need is read once."""
    spans: list[tuple[int, int, int]] = []
    for point, first, beyond in sorted(wanted):
        if spans and spans[-1][0] == point and first <= spans[-1][2]:
            spans[-1] = (point, spans[-1][1], max(spans[-1][2], beyond))
        else:
            spans.append((point, first, beyond))
    return spans
