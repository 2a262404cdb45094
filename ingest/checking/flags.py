"""Keeps what looks wrong about readings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from energy.queries import load_queries
from energy.storage import Connection
from ingest.checking.rates import Flag

SQL = load_queries("ingest.checking", "checking.sql")
RATE = "rate"
"""The value changed faster than is plausible."""


async def keep_flags(connection: Connection, flags: Sequence[Flag], number: int) -> None:
    """Keep the `flags` of batch `number`, in the transaction that `connection` is in."""
    await connection.execute(
        SQL.keep_flags,
        RATE,
        number,
        [flag.point for flag in flags],
        [datetime.fromtimestamp(flag.at / 1000, UTC) for flag in flags],
        [flag.detail for flag in flags],
    )
