"""Unit totals after consumption changed; every call is part of the transaction that wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from energy.storage import Connection, load_queries

_SQL = load_queries("ingest.accounting.totals", "totals.sql")


async def refresh(
    connection: Connection, points: Sequence[int], since: Sequence[datetime], until: Sequence[datetime]
) -> None:
    """Compute again what the consumption of `points`, each in its [since, until), has a part in; idempotent."""
    await connection.execute(_SQL.write_unit_days, points, since, until)
