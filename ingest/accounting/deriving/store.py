"""What a step of accounting reads and writes; every call is part of the step's one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from energy.storage import Connection, load_queries
from ingest.accounting.algebra.counters import INTERVAL_MS, MOST_QUANTA, Consumption, Ints, Readings, Series
from ingest.accounting.deriving.copied import decode_readings
from ingest.accounting.totals.refresh import refresh

_SQL = load_queries("ingest.accounting.deriving", "deriving.sql")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of quarter hours to compute again, sorted by (point, since); those of one point do not touch.

    Attributes:
        point: ids of the points.
        since, until: from the start of the first quarter hour to the end of the last one.
        read_since, read_until: the readings that this needs, both ends included.
        series: the same stretches as the counter algebra takes them.
    """

    point: list[int]
    since: list[datetime]
    until: list[datetime]
    read_since: list[datetime]
    read_until: list[datetime]
    series: Series


@dataclass(frozen=True, slots=True)
class Taken:
    """Batches taken out of those `waiting` to be derived, and what they made dirty."""

    batches: int
    waiting: int
    stretches: Stretches


async def lock(connection: Connection) -> bool:
    """Whether this transaction is the one that accounts; false where another worker's is."""
    return bool(await connection.fetchval(_SQL.lock))


async def take(connection: Connection, limit: int, gap_intervals: float) -> Taken:
    """Take up to `limit` dirty batches away, in the order of their numbers.

    Readings further apart than `gap_intervals` times their point's interval leave a gap.
    """
    # Half of what the algebra can use, so that a rounding never makes the two disagree about a neighbour.
    rows = await connection.fetch(_SQL.take, limit, MOST_QUANTA // 2)
    batches, waiting = rows[0]["batches"], rows[0]["waiting"]
    found = [row for row in rows if row["point_id"] is not None]
    columns = {name: [row[name] for row in found] for name in rows[0].keys()}  # noqa: SIM118 - a Record iterates values
    series = Series(
        quantum=np.array(columns["quantum"], np.float64),
        wrap=np.array([np.nan if wrap is None else wrap for wrap in columns["wrap"]], np.float64),
        gap_ms=np.array([round(1000 * gap_intervals * seconds) for seconds in columns["interval_s"]], np.int64),
        since=_milliseconds(columns["since"]),
        until=_milliseconds(columns["until"]),
    )
    times = {name: columns[name] for name in ("since", "until", "read_since", "read_until")}
    return Taken(batches, waiting, Stretches(point=columns["point_id"], **times, series=series))


async def read(connection: Connection, stretches: Stretches) -> Readings:
    """The effective readings that `stretches` need, sorted as the counter algebra takes them."""
    parts: list[bytes] = []

    async def keep(part: bytes) -> None:
        """What asyncpg awaits for each part; a file would cost a thread."""
        parts.append(part)

    spans = (stretches.point, stretches.read_since, stretches.read_until)
    await connection.copy_from_query(_SQL.readings, *spans, output=keep, format="binary")
    return decode_readings(b"".join(parts))


async def write(connection: Connection, stretches: Stretches, found: Consumption) -> None:
    """Make `consumption_15min` say `found` and nothing else in `stretches`; then compute the days that this touches."""
    await _forget(connection, stretches, found)
    points = np.array(stretches.point, np.int64)[found.series]
    columns = (points, found.start, found.quanta, found.quality, found.covered_s, found.ready)
    await connection.execute(_SQL.write, *(column.tolist() for column in columns))
    await refresh(connection, stretches.point, stretches.since, stretches.until)


async def notify_totals(connection: Connection) -> None:
    """Wake whoever judges totals, at commit."""
    await connection.execute(_SQL.notify_totals)


async def _forget(connection: Connection, stretches: Stretches, found: Consumption) -> None:
    """Delete what stands in a stretch before its first row or after its last one: rows have no holes between."""
    series = stretches.series
    number = np.arange(len(stretches.point))
    first, beyond = np.searchsorted(found.series, number), np.searchsorted(found.series, number, "right")
    some = beyond > first
    kept_since, kept_until = series.until.copy(), series.until.copy()
    kept_since[some] = found.start[first[some]]
    kept_until[some] = found.start[beyond[some] - 1] + INTERVAL_MS
    for since, until in ((series.since, kept_since), (kept_until, series.until)):
        bare = np.flatnonzero(since < until)
        if len(bare):
            points = [stretches.point[i] for i in bare]
            await connection.execute(_SQL.forget, points, _times(since[bare]), _times(until[bare]))


def _milliseconds(times: list[datetime]) -> Ints:
    return np.array([(at - _EPOCH) // _MS for at in times], np.int64)


def _times(milliseconds: Ints) -> list[datetime]:
    return [_EPOCH + at * _MS for at in milliseconds.tolist()]
