"""A replay that is killed loses nothing, does nothing twice, and leaves nothing half done."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from energy.storage import Connection, Pool
from ingest.checking.verdicts import Bounds
from tests.support.eventually import eventually
from tests.support.ingest_world import START_MS, message
from tests.support.rejects_world import keep, register, replay, unknown

ROOT = Path(__file__).parents[2]
ENVELOPES = 20


async def replayed(connection: Connection) -> int:
    """How many rejects are marked, when exactly as many readings are stored."""
    stored, marked = await connection.fetchrow(
        "select (select count(*) from readings), (select count(*) from rejects where replayed_by is not null)"
    ) or (0, 0)
    assert stored == marked
    return int(stored)


async def kill_one(connection: Connection, dsn: str) -> None:
    """Start a replay, and kill it when it has done something."""
    before = await replayed(connection)
    command = (sys.executable, "-m", "deploy.cli", "rejects", "replay", "--yes")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=os.environ | {"QUOTAWATT_DSN": dsn})

    async def has_begun() -> bool:
        return await replayed(connection) > before

    try:
        await eventually(has_begun, 60)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("kills", [1, pytest.param(4, marks=pytest.mark.long)])
async def test_a_killed_replay_is_run_again(pool: Pool, dsn: str, kills: int) -> None:
    """Killed in the middle, and again: at every moment as many readings are stored as rejects are marked."""
    async with pool.acquire() as connection:
        await keep(connection, *(message(unknown(1_000, since=1_000 * n), seq=n + 1) for n in range(ENVELOPES)))
        await register(connection)
        for _ in range(kills):
            await kill_one(connection, dsn)

        async def all_in() -> bool:  # the server may still hold what the killed one had begun
            await replay(connection, bounds=Bounds(0, START_MS + 1_000_000 * ENVELOPES))
            return await replayed(connection) == 1_000 * ENVELOPES

        assert await eventually(all_in, 30)
        assert await connection.fetchval("select count(*) from reading_conflicts") == 0
        offered = await connection.fetchval("select sum(offered)::int from ingest_batch where worker like 'replay-%'")
        assert offered == 1_000 * ENVELOPES
