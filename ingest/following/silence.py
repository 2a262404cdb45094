"""Gateways without a last will: one that posts over HTTP is offline when it was not heard of for a while."""

from __future__ import annotations

from datetime import timedelta

from energy.clocks import DataClock
from energy.queries import load_queries
from energy.storage import Connection, translating
from ingest.following import metrics

_SQL = load_queries("ingest.following", "status.sql")


async def mark_silent(connection: Connection, clock: DataClock, silent_s: float) -> None:
    """Set offline whoever was silent for `silent_s` real seconds.

    Raises as `energy.storage.translating` says.
    """
    since = clock.now() - timedelta(seconds=silent_s * clock.scale)
    with translating():
        tag = await connection.execute(_SQL.silent, since)
    metrics.gateways_silent(int(tag.rsplit(" ", 1)[1]))
