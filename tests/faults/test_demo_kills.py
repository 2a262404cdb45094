"""Killing any one process of the running demo and starting it again loses nothing and counts nothing twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
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
SEEDS = range(10)


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
    """Conducts the run: lets readings flow, strikes at a moment that the seed picks, waits until all flows again.

    One strike after the other: none starts what the one before has stopped.
    """

    name = "killing"

    def __init__(self, running: Running, strikes: Sequence[Strike], seed: int) -> None:
        self._running = running
        self._strikes = strikes
        self._before = 300 + 37 * seed

    async def run(self, control: Control) -> None:
        """Strike with each once."""
        control.ready()
        await self._stored(self._before)
        for strike in self._strikes:
            await strike(self._running)
            await self._recovered(self._running.clock.now())
        control.request_stop()

    async def _recovered(self, struck_at: datetime) -> None:
        await self._stored(await self._count() + 400)

        async def all_flow() -> bool:
            # A collector that is offline when it is stopped keeps what it has in its spool, which the audit calls lost.
            return bool(await self._ask(_FLOWS, struck_at))

        await eventually(all_flow, within=60)
        await eventually(self._derived, within=60)

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


KILLS: Mapping[str, Strike] = {
    "ingest": kill_ingest,
    "collector": kill_collector,
    "mosquitto": kill_server("mosquitto"),
    "postgres": kill_server("postgres"),
}
TOGETHER = [(("ingest", "collector"), 0), (("mosquitto", "postgres"), 0)]
"""What is killed in one run, and the seed: a run is dear, and in this order a kill mends nothing that one before broke.

After ingest's, one of two collectors goes on as it was; to a broker that died collectors come back by themselves.
"""
ALONE = [pytest.param((name,), seed, marks=pytest.mark.long) for name in KILLS for seed in SEEDS]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("killed", "seed"), [*TOGETHER, *ALONE])
async def test_a_kill_loses_nothing_and_doubles_nothing(
    own_stack: Stack, city: City, killed: Sequence[str], seed: int
) -> None:
    """After SIGKILL and restart the audit is clean, energy is conserved, and only what was killed had to restart."""
    outcome = await run_demo(
        city,
        own_stack,
        Options(DAY_S, audited=True, collectors=2, lead_s=6.0),
        lambda running: Killing(running, [KILLS[name] for name in killed], seed),
        lambda _: None,
    )
    assert outcome is not None
    restarts = len({"ingest", "collector"}.intersection(killed))
    assert (outcome.lost, outcome.duplicates, outcome.restarts) == (0, 0, restarts)
    assert outcome.readings_stored >= 700
    # Milliseconds of a time stamp weigh ten times what they do in three days; one interval lost would be above 0.02.
    assert outcome.energy_error <= 0.01
