"""SIGKILL of workers that derive, at random moments: nothing is left wrong, and others go on at once."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from energy.storage import Connection, Pool, StorageSettings
from tests.support.deriving import derive_all
from tests.support.deriving_world import arrivals, course, expected, forget_derived, intervals, minutely, tables
from tests.support.eventually import eventually
from tests.support.register_world import populate, registry, store

_CODES = [("A", "electricity", 1), ("B", "electricity", 1), ("C", "natural_gas", 1), ("D", "electricity", 2)]


async def _started(config: Path) -> Process:
    command = (sys.executable, "-m", "deploy.cli", "accounting", "run", str(config))
    return await asyncio.create_subprocess_exec(
        *command, cwd=Path.cwd(), env=os.environ, stderr=asyncio.subprocess.DEVNULL
    )


async def _killed(worker: Process) -> None:
    worker.kill()
    await worker.wait()


async def _progressed(connection: Connection, chance: random.Random) -> None:
    """Wait until some more steps were made."""
    steps = "select sum(steps) from derivation_group"
    goal = (await connection.fetchval(steps)) + chance.choice([0, 1, 8, 20])

    async def reached() -> bool:
        dirty = await connection.fetchval("select exists (select from derivation_dirty)")
        return not dirty or await connection.fetchval(steps) >= goal

    await eventually(reached, within=60)


@pytest.mark.parametrize("rounds", [4, pytest.param(60, marks=pytest.mark.long)])
async def test_kills_leave_what_one_pass_over_everything_gives(
    pool: Pool, database: StorageSettings, tmp_path: Path, rounds: int
) -> None:
    """Two workers, one after the other is killed in the middle of live and late readings, and started again."""
    chance = random.Random(rounds)  # noqa: S311 - a repeatable history, not a secret
    config = tmp_path / "accounting.toml"
    config.write_text(f'[database]\ndsn = "{database.dsn}"\n[step]\ntimer_s = 0.05\npause_s = 0\nreadings = 2000\n')
    async with pool.acquire() as connection:
        await populate(connection, minutely(registry(_CODES)))
        readings = [
            s for code, _, _ in _CODES for s in course(chance, code, 60 * rounds, every=1.0, rates=(0.01, 0.01))
        ]
        batches = arrivals(chance, readings, 30)
        workers = [await _started(config), await _started(config)]
        try:
            for number in range(rounds):
                for batch in batches[number::rounds]:
                    await store(connection, batch)
                    if chance.random() < 0.1:
                        await _progressed(connection, chance)
                await _killed(workers[number % 2])
                workers[number % 2] = await _started(config)

            async def clean() -> bool:
                return not await connection.fetchval("select exists (select from derivation_dirty)")

            await eventually(clean, within=120)
        finally:
            for worker in workers:
                await _killed(worker)
        assert await intervals(connection) == await expected(connection)
        stood = await tables(connection)
        await forget_derived(connection)
        await derive_all(connection)
        assert await tables(connection) == stood
