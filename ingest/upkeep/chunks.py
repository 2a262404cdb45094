"""Sets the interval of chunks to come from what is measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from energy.queries import load_queries
from energy.storage import Connection
from ingest.upkeep.done import Done
from ingest.upkeep.interval import Choice, Growth, Limits, choose
from ingest.upkeep.settings import UpkeepSettings

_SQL = load_queries("ingest.upkeep", "chunks.sql")

READINGS, CONSUMPTION, HOURS = "readings", "consumption_15min", "consumption_hour"
MEASURED = timedelta(days=1)
"""Over how long the rate is measured; a day has all hours in it."""
LEAST_MEASURED = timedelta(hours=6)
LEAST_ROWS = 10_000
"""Less says nothing about the rate, or about bytes per row."""
INDEX_BYTES = 40.0
"""Of a row, where no chunk tells: an index entry of (int4, timestamptz) has 24 bytes and a pointer of 4, in pages that
are between half and nine tenths full (PostgreSQL documentation, "B-Tree Indexes" and "Database Page Layout")."""

_PER_DAY = {CONSUMPTION: 96, HOURS: 24}
_MIB = 1_048_576


@dataclass(frozen=True, slots=True)
class Sizing:
    """What the interval of a table was chosen by; `choice` is None while too little is known."""

    relation: str
    current_s: int
    growth: Growth
    limits: Limits
    choice: Choice | None

    def __str__(self) -> str:
        """The figures, for a person."""
        return (
            f"{self.growth.rows_per_s:.4g} rows/s of {self.growth.index_bytes:.3g} B in the index, "
            f"{self.limits.index_bytes / _MIB:.4g} MiB for the index of a chunk, "
            f"{self.limits.kept_days:g} days in at most {self.limits.most_chunks} chunks"
        )


async def sizing(connection: Connection, relation: str, now: datetime, settings: UpkeepSettings) -> Sizing:
    """Measure `relation` and choose: `readings` by what the last day stored, consumption by the number of points."""
    current = await connection.fetchval(_SQL.interval, relation)
    current_s = int(current.total_seconds())
    rate = await (_stored(connection, now) if relation == READINGS else _derived(connection, relation))
    growth = Growth(rate or 0.0, await _index_bytes(connection, relation))
    memory = settings.memory_mb * _MIB if settings.memory_mb else await connection.fetchval(_SQL.shared_buffers)
    kept = {READINGS: settings.readings_days, CONSUMPTION: settings.intervals_days, HOURS: settings.hours_days}[
        relation
    ]
    limits = Limits(memory * settings.memory_share, kept, settings.most_chunks)
    choice = choose(current_s, growth, limits) if rate else None
    return Sizing(relation, current_s, growth, limits, choice)


async def set_intervals(connection: Connection, now: datetime, settings: UpkeepSettings) -> list[Done]:
    """Give the chunks to come of the large hypertables the interval that the law chooses."""
    done = []
    for relation in (READINGS, CONSUMPTION, HOURS):
        found = await sizing(connection, relation, now, settings)
        if found.choice is None or found.choice.interval_s == found.current_s:
            continue
        await connection.execute(_SQL.set_interval, relation, timedelta(seconds=found.choice.interval_s))
        hours, before = found.choice.interval_s / 3_600, found.current_s / 3_600
        detail = f"{before:g} h before, {hours:g} h now, bounded by {found.choice.bound}: {found}"
        done.append(Done(relation, "chunk_interval", detail=detail))
    return done


async def _stored(connection: Connection, now: datetime) -> float | None:
    """Rows of `readings` per second of data time; None while too little is known."""
    row = await connection.fetchrow(_SQL.stored, now - MEASURED, now)
    if row is None or row["rows"] < LEAST_ROWS or now - row["since"] < LEAST_MEASURED:
        return None
    rows: float = row["rows"]
    seconds: float = (now - row["since"]).total_seconds()
    return rows / seconds


async def _derived(connection: Connection, relation: str) -> float:
    points: int = await connection.fetchval(_SQL.counted)
    return points * _PER_DAY[relation] / MEASURED.total_seconds()


async def _index_bytes(connection: Connection, relation: str) -> float:
    """Bytes of index per row in the newest chunks that tell."""
    rows = await connection.fetch(_SQL.newest, relation, LEAST_ROWS)
    count = sum(row["rows"] for row in rows)
    return float(sum(row["index_bytes"] for row in rows) / count) if count else INDEX_BYTES
