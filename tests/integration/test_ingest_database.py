"""A kept connection that several ask at once: a health endpoint's clients, uploads beside the cutter."""

from __future__ import annotations

import asyncio

from energy.errors import StorageError
from energy.storage import Connection, StorageSettings, translating
from ingest.database import KeptConnection


async def test_steps_at_once_run_one_after_the_other(database: StorageSettings) -> None:
    """On one connection, which takes one statement at a time, and with which none of them is lost."""
    failures: list[StorageError] = []
    kept = KeptConnection(database, failures.append)

    async def step(connection: Connection) -> int:
        with translating():
            await connection.execute("select pg_sleep(0.01)")
            own: int = await connection.fetchval("select pg_backend_pid()")
        return own

    try:
        found = await asyncio.gather(*(kept.once(step) for _ in range(5)))
    finally:
        await kept.close()
    assert len(set(found)) == 1
    assert failures == []
