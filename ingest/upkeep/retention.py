"""Drops raw readings whose time is over, chunk by chunk, once all of them are derived; derived rows likewise."""

from __future__ import annotations

from datetime import datetime, timedelta

from energy.queries import load_queries
from energy.storage import Connection
from ingest.upkeep.done import Done
from ingest.upkeep.settings import UpkeepSettings

_SQL = load_queries("ingest.upkeep", "retention.sql")
_CHUNKS = load_queries("ingest.upkeep", "chunks.sql")

CHUNKS_AT_ONCE = 20
"""Chunks dropped in one transaction: each is locked, with its indexes, and a server's table of locks is small."""

_ROLLED = timedelta(days=2)

LONGEST_SILENCE = timedelta(days=366)
"""If the newest reading is older than this, the clock may be far ahead, and what it says to be over need not be so."""


def horizon(now: datetime, settings: UpkeepSettings) -> datetime:
    """The time before which readings are no longer kept."""
    return now - timedelta(days=settings.readings_days)


async def held_back(connection: Connection, until: datetime) -> bool:
    """Whether accounting has still to derive something from before `until`.

    Then nothing is dropped at all: what is derived next may need the reading before it, however long before that is.
    """
    mark: datetime | None = await connection.fetchval(_SQL.oldest_mark)
    return mark is not None and mark < until


def derived_horizons(now: datetime, settings: UpkeepSettings) -> dict[str, datetime]:
    """By table of what is derived, the time before which it is no longer kept; days and months are kept for good."""
    intervals, hours = (now - timedelta(days=days) for days in (settings.intervals_days, settings.hours_days))
    return {"consumption_15min": intervals, "consumption_hour": hours, "unit_hour": hours}


async def drop_derived(connection: Connection, *, relation: str, until: datetime, now: datetime) -> list[Done]:
    """Drop the oldest chunks of derived rows that end at or before `until`, at most `CHUNKS_AT_ONCE`.

    None while anything has to change two days after that or before: a day that is rolled up again is made of all of its
    hours. None either where nothing is newer than `LONGEST_SILENCE` before data time `now`.
    """
    mark: datetime | None = await connection.fetchval(_SQL.oldest_open)
    if mark is not None and mark < until + _ROLLED:
        return []
    over = await connection.fetch(_SQL.over, until, CHUNKS_AT_ONCE, now - LONGEST_SILENCE, relation)
    if not over:
        return []
    end = over[-1]["until"]
    count: int = await connection.fetchval(_SQL.drop, end, relation)
    return [Done(relation, "chunks_dropped", end, count, f"from {over[0]['since']:%Y-%m-%d %H:%M} on")]


async def drop_over(connection: Connection, until: datetime, now: datetime) -> list[Done]:
    """Drop the oldest chunks that end at or before `until`, at most `CHUNKS_AT_ONCE`, with what hangs on them.

    None where nothing was read for `LONGEST_SILENCE` before data time `now`.
    """
    over = await connection.fetch(_SQL.over, until, CHUNKS_AT_ONCE, now - LONGEST_SILENCE, "readings")
    if not over:
        return []
    end = over[-1]["until"]
    count: int = await connection.fetchval(_SQL.drop, end, "readings")
    detail = f"from {over[0]['since']:%Y-%m-%d %H:%M} on"
    return [Done("readings", "chunks_dropped", end, count, detail), *await _forget(connection, end)]


async def note_dropped(connection: Connection, until: datetime) -> list[Done]:
    """Find out what TimescaleDB's own policy has dropped since the last time, and delete what hung on it."""
    summary = await connection.fetchrow(_CHUNKS.summary, "readings")
    first = summary["since"] if summary else None
    if first is None:
        return []
    seen: datetime | None = await connection.fetchval(_SQL.seen)
    if seen is None:
        return [Done("readings", "chunks_seen", first)]
    end = min(first, until)
    if end <= seen:
        return []
    return [Done("readings", "chunks_dropped", end, 0, "by TimescaleDB's policy"), *await _forget(connection, end)]


async def _forget(connection: Connection, until: datetime) -> list[Done]:
    tables = (("reading_conflicts", _SQL.forget_conflicts), ("reading_flags", _SQL.forget_flags))
    counts = [(table, _count(await connection.execute(statement, until))) for table, statement in tables]
    return [Done(table, "rows_deleted", until, count) for table, count in counts if count]


def _count(tag: str) -> int:
    """Rows of a command tag such as `DELETE 17`."""
    return int(tag.rsplit(" ", 1)[1])
