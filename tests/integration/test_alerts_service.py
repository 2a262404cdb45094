"""The alerts service as a process part: woken, on time, once, and back after an outage."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from alerts.evaluation.marks import Marks
from alerts.evaluation.service import AlertsService
from alerts.quotas.store import apply_quotas
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from alerts.settings import AlertsSettings
from energy.clocks import ClockSettings, DataClock
from energy.errors import SchemaError
from energy.services import run_services
from energy.storage import Pool, StorageSettings
from tests.support.eventually import eventually, never_within
from tests.support.quota_world import add_units, at, day_quota, use

NOON = DataClock(ClockSettings(origin=at(12), real_origin=4e9))
"""Data time stands at noon: its real origin lies in the future."""


def settings(database: StorageSettings, **changes: float) -> AlertsSettings:
    """A service whose timer never helps unless a test says so."""
    plain = {"timer_s": 600.0, "full_interval_s": 600.0, "min_interval_s": 0.01, "standby_s": 0.05}
    return AlertsSettings(database=database, **(plain | changes))  # type: ignore[arg-type]  # floats by keyword


def service(of: AlertsSettings) -> AlertsService:
    """By the shipped rules of quotas, on a clock that stands at noon."""
    rules = [rule for rule in load_rules([], catalogue()) if rule.subject == "quota"]
    return AlertsService(of, rules, catalogue(), NOON)


@contextlib.asynccontextmanager
async def running(of: AlertsSettings) -> AsyncIterator[asyncio.Event]:
    """The service on a clock that stands at noon; ends in order."""
    stop = asyncio.Event()
    task = asyncio.ensure_future(run_services([service(of)], grace=60, stop=stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 70)


async def fired(pool: Pool) -> int:
    """How often a breach began to fire."""
    return int(
        await pool.fetchval(
            "select count(*) from alert_transition join alert using (alert_id)"
            " where rule = 'breach' and to_state = 'firing'"
        )
    )


async def has_fired_twice(pool: Pool) -> bool:
    """Whether exactly two breaches began to fire."""
    return await fired(pool) == 2


async def judged(pool: Pool) -> int:
    """Quotas with figures."""
    return int(await pool.fetchval("select count(*) from quota_figure"))


def evaluations() -> float:
    """Evaluations of this process so far."""
    return sum(
        REGISTRY.get_sample_value("quotawatt_alerts_evaluations_total", {"scope": scope}) or 0
        for scope in ("marked", "full", "recheck")
    )


@pytest.fixture
async def world(pool: Pool) -> Pool:
    """One unit with a quota of 10 tce a day, 3 tce used by noon."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1"])
        await apply_quotas(connection, [("u1", day_quota("q1", "10"))])
        await use(connection, "u1", "3", at(12))
    return pool


async def breach(pool: Pool, *, tell: bool) -> None:
    """The unit's total rises above its limit, as accounting would write it, with or without a notification."""
    async with pool.acquire() as connection, connection.transaction():
        await use(connection, "u1", "11", at(12))
        if tell:
            await connection.execute("notify totals")


async def test_a_notification_wakes_it(world: Pool, database: StorageSettings) -> None:
    """No timer is due for ten minutes, and yet the breach is flagged at once."""
    async with running(settings(database)):
        await eventually(partial(judged, world))
        await breach(world, tell=True)
        await eventually(partial(fired, world))


async def test_the_timer_guarantees_what_a_lost_notification_would_have_said(
    world: Pool, database: StorageSettings
) -> None:
    """A notification is only a hint."""
    async with running(settings(database, timer_s=0.1)):
        await eventually(partial(judged, world))
        await breach(world, tell=False)
        await eventually(partial(fired, world))


async def test_late_data_that_a_dead_leader_had_taken_is_judged(world: Pool, database: StorageSettings) -> None:
    """Of a day of two months ago, which no other evaluation looks at."""
    long_ago = at(0).date() - timedelta(days=60)
    async with world.acquire() as connection:
        await apply_quotas(connection, [("u1", day_quota("q1", "10", valid_from=long_ago))])
        await use(connection, "u1", "11", at(12), day=long_ago)
        await Marks().take(connection, at(12).date())
    async with running(settings(database)):
        await eventually(partial(fired, world))


async def test_many_notifications_cost_few_evaluations(world: Pool, database: StorageSettings) -> None:
    """At most one evaluation per least interval, however often totals change."""
    async with running(settings(database, min_interval_s=30.0)):
        await eventually(partial(judged, world))
        before = evaluations()
        for _ in range(50):
            await world.execute("notify totals")
        await never_within(0.5, lambda: evaluations() > before)


async def test_what_was_committed_before_the_stop_is_judged(world: Pool, database: StorageSettings) -> None:
    """The last evaluation comes after the stop was asked for."""
    async with running(settings(database)):
        await eventually(partial(judged, world))
        await breach(world, tell=False)
    assert await fired(world) == 1


async def test_it_comes_back_after_its_connections_were_cut(world: Pool, database: StorageSettings) -> None:
    """A restarted database is a delay, not an end; nothing is said twice."""
    async with running(settings(database, timer_s=0.1)):
        await breach(world, tell=False)
        await eventually(partial(fired, world))
        await world.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        async with world.acquire() as connection:
            await apply_quotas(connection, [("u1", day_quota("q2", "5", "electricity", "kWh"))])
        await eventually(partial(has_fired_twice, world))


async def test_the_second_instance_stands_by_and_takes_over(world: Pool, database: StorageSettings) -> None:
    """Killing the leader's connection hands over; the same breach does not fire again."""
    async with running(settings(database, timer_s=0.1)), running(settings(database, timer_s=0.1)):
        await breach(world, tell=False)
        await eventually(partial(fired, world))
        holders = "select pid from pg_locks where locktype = 'advisory' and granted and database ="
        holders += " (select oid from pg_database where datname = current_database())"
        leader = await world.fetchval(holders)
        await world.execute("select pg_terminate_backend($1)", leader)
        await eventually(partial(world.fetchval, f"{holders} and pid <> $1", leader))
        async with world.acquire() as connection:
            await apply_quotas(connection, [("u1", day_quota("q2", "5", "electricity", "kWh"))])
        await eventually(partial(has_fired_twice, world))


async def test_a_schema_of_another_version_ends_it(pool: Pool, database: StorageSettings) -> None:
    """It neither works on nor waits for a database that was not migrated."""
    await pool.execute("update alembic_version set version_num = '0000'")
    with pytest.raises(SchemaError, match="expects"):
        await run_services([service(settings(database))], grace=5, stop=asyncio.Event())


async def test_the_command_runs_lists_and_stops(world: Pool, database: StorageSettings, tmp_path: Path) -> None:
    """`quotawatt alerts run` flags the breach, SIGTERM ends it with code 0, `alerts list --json` shows the evidence."""
    config = tmp_path / "alerts.toml"
    config.write_text(
        # It may be told to stop amid its first pass, of which each step takes its time on a busy machine.
        f'grace_s = 60.0\n[database]\ndsn = "{database.dsn}"\n'
        f"[clock]\norigin = {at(12).isoformat()}\nreal_origin = 4e9\nscale = 60.0\n",
        encoding="utf-8",
    )
    await breach(world, tell=False)
    command = (sys.executable, "-m", "deploy.cli", "alerts")
    service = await asyncio.create_subprocess_exec(*command, "run", str(config))
    try:
        await eventually(partial(fired, world), within=40)
    finally:
        service.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(service.wait(), 70)
    assert code == 0
    listing = await asyncio.create_subprocess_exec(
        *command, "list", "--dsn", database.dsn, "--json", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(listing.communicate(), 30)
    found = {row["rule"]: row for row in json.loads(output)}
    assert {"breach", "share"} <= found.keys()
