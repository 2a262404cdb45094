"""Tests that share a database: what one does there is undone, which is far quicker than a database for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from energy.storage import Connection, StorageSettings, connect


@asynccontextmanager
async def undoing(dsn: str) -> AsyncIterator[Connection]:
    """A connection in a transaction that is rolled back at the end of the block."""
    async with connect(StorageSettings(dsn)) as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()
