"""Reading what was measured: of all gaps of a step at once, each quarter hour once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from energy.storage import Connection, load_queries
from ingest.accounting.algebra.columns import Ints
from ingest.accounting.estimation.shapes import MOST_USABLE

_SQL = load_queries("ingest.accounting.estimation", "estimation.sql")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER = timedelta(minutes=15)
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("point_length", ">i4"),
        ("point", ">i4"),
        ("quarter_length", ">i4"),
        ("quarter", ">i8"),
        ("quanta_length", ">i4"),
        ("quanta", ">i8"),
    ]
)
_HEADER, _TRAILER = 19, 2
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
    parts: list[bytes] = []

    async def keep(part: bytes) -> None:
        """What asyncpg awaits for each part; a file would cost a thread."""
        parts.append(part)

    points = [span[0] for span in spans]
    arguments = (points, since, until, min(since), max(until), MOST_USABLE)
    await connection.copy_from_query(_SQL.measured, *arguments, output=keep, format="binary")
    copied = b"".join(parts)
    rows = np.frombuffer(copied, _ROW, offset=_HEADER, count=(len(copied) - _HEADER - _TRAILER) // _ROW.itemsize)
    key = (rows["point"].astype(np.int64) << _SHIFT) + rows["quarter"]
    order = np.argsort(key, kind="stable")
    return Measured(key[order], rows["quanta"].astype(np.int64)[order])


def merged(wanted: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """`wanted` sorted, and those of one point that touch or overlap as one: what many gaps need is read once."""
    spans: list[tuple[int, int, int]] = []
    for point, first, beyond in sorted(wanted):
        if spans and spans[-1][0] == point and first <= spans[-1][2]:
            spans[-1] = (point, spans[-1][1], max(spans[-1][2], beyond))
        else:
            spans.append((point, first, beyond))
    return spans
