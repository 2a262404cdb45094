"""Killing any one process of the running demo and starting it again loses nothing and counts nothing twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec
import pytest

from deploy.demo import BAOJI
from deploy.demo.city import City, load_city
from deploy.demo.demo import Options, Running, run_demo
from deploy.stack import Stack
from energy.errors import RetryableError
from energy.services import Control
from energy.storage import StorageSettings, connect, translating
from tests.support.eventually import eventually
from tests.support.stack import running_stack

Strike = Callable[[Running], Awaitable[None]]
UNITS = 6
DAY_S = 20.0
_FLOWS = """
select bool_and(exists (select from readings r where r.point_id = p.point_id and r.ts > $1)) from point p
"""
"""Whether every point has delivered something that was read after $1."""
SEEDS = [pytest.param(0), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 10))]


@pytest.fixture(scope="module")
def own_stack() -> Iterator[Stack]:
    """A stack that only these tests break."""
    with running_stack("kills") as stack:
        yield stack


@pytest.fixture(scope="module")
def city() -> City:
    """The first units of the example city: enough meters to be busy, few enough to be quick."""
    whole = load_city(BAOJI)
    return msgspec.structs.replace(whole, unit=whole.unit[:UNITS])


class Killing:
    """Conducts the run: lets readings flow, strikes at a moment that the seed picks, waits until all flows again."""

    name = "killing"

    def __init__(self, running: Running, strike: Strike, seed: int) -> None:
        self._running = running
        self._strike = strike
        self._before = 300 + 37 * seed

    async def run(self, control: Control) -> None:
        """Strike once."""
        control.ready()
        await self._stored(self._before)
        await self._strike(self._running)
        struck_at = self._running.clock.now()
        await self._stored(await self._count() + 400)

        async def all_flow() -> bool:
            # A collector that is offline when it is stopped keeps what it has in its spool, which the audit calls lost.
            return bool(await self._ask(_FLOWS, struck_at))

        await eventually(all_flow, within=60)
        await eventually(self._derived, within=60)
        control.request_stop()

    async def _stored(self, readings: int) -> None:
        async def enough() -> bool:
            return await self._count() >= readings

        await eventually(enough, within=60)

    async def _derived(self) -> bool:
        """Whether consumption follows the readings again."""
        return bool(
            await self._ask(
                "select max(ready) > (select max(ts) - interval '1 hour' from readings) from consumption_15min"
            )
        )

    async def _count(self) -> int:
        return int(await self._ask("select count(*) from readings") or 0)

    async def _ask(self, sql: str, *arguments: object) -> Any:
        try:
            with translating():
                return await self._running.pool.fetchval(sql, *arguments)
        except RetryableError:
            return None  # the database is the one that was struck


async def kill_collector(running: Running) -> None:
    """SIGKILL for a collector; the demo starts it again."""
    running.processes["collector-1"].signal(signal.SIGKILL)


async def kill_ingest(running: Running) -> None:
    """SIGKILL for ingest while it waits for a commit: what it had acknowledged too early would be lost."""
    async with connect(StorageSettings(running.dsn)) as connection, connection.transaction():
        await connection.execute("lock table readings in share mode")

        async def commits_wait() -> bool:
            return bool(await connection.fetchval("select exists (select from pg_locks where not granted)"))

        await eventually(commits_wait, within=30)
        running.processes["ingest"].signal(signal.SIGKILL)
        await running.processes["ingest"].exited()


def kill_server(name: str) -> Strike:
    """SIGKILL for a server of the stack, and `up` to repair it."""

    async def strike(running: Running) -> None:
        before = running.stack.pid_of(name)
        os.kill(before, signal.SIGKILL)
        await asyncio.to_thread(running.stack.up)
        assert running.stack.pid_of(name) != before

    return strike


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("strike", "restarts"),
    [
        pytest.param(kill_collector, 1, id="collector"),
        pytest.param(kill_ingest, 1, id="ingest"),
        pytest.param(kill_server("mosquitto"), 0, id="mosquitto"),
        pytest.param(kill_server("postgres"), 0, id="postgres"),
    ],
)
async def test_a_kill_loses_nothing_and_doubles_nothing(
    own_stack: Stack, city: City, strike: Strike, restarts: int, seed: int
) -> None:
    """After SIGKILL and restart the audit is clean, energy is conserved, and only what was killed had to restart."""
    outcome = await run_demo(
        city,
        own_stack,
        Options(DAY_S, audited=True, collectors=2, lead_s=6.0),
        lambda running: Killing(running, strike, seed),
        lambda _: None,
    )
    assert outcome is not None
    assert (outcome.lost, outcome.duplicates, outcome.restarts) == (0, 0, restarts)
    assert outcome.readings_stored >= 700
    # Milliseconds of a time stamp weigh ten times what they do in three days; one interval lost would be above 0.02.
    assert outcome.energy_error <= 0.01
