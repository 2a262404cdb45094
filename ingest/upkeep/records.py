"""Deletes records whose time is over, a bounded number at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from energy.queries import load_queries
from energy.storage import Connection
from ingest.upkeep.done import Done
from ingest.upkeep.settings import UpkeepSettings

_SQL = load_queries("ingest.upkeep", "records.sql")

ROWS_AT_ONCE = 10_000


async def delete_over(connection: Connection, now: datetime, settings: UpkeepSettings) -> list[Done]:
    """Delete up to `ROWS_AT_ONCE` of each kind of record; to be called again while it deletes something."""
    kinds = (
        ("ingest_batch", _SQL.batches, settings.batches_days),
        ("gateway_day", _SQL.accounts, settings.accounts_days),
        ("upkeep_run", _SQL.runs, settings.accounts_days),
    )
    done = []
    for table, statement, days in kinds:
        until = now - timedelta(days=days)
        tag = await connection.execute(statement, until, ROWS_AT_ONCE)
        if count := int(tag.rsplit(" ", 1)[1]):
            done.append(Done(table, "rows_deleted", until, count))
    return done
