"""The alerts service as processes that are killed: another one goes on, nothing is said twice, nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from alerts.quotas.store import apply_quotas
from energy.storage import Pool, StorageSettings
from tests.support.alerting import alertmanager
from tests.support.delivery_world import GROUP_INTERVAL_S, Webhook, configuration
from tests.support.eventually import eventually, never_within
from tests.support.quota_world import add_units, at, day_quota, use

_UNITS = [f"u{number}" for number in range(4)]
_CONFIG = """
standby_s = 0.1
full_interval_s = 5.0
[database]
dsn = "{dsn}"
[clock]
origin = {origin}
real_origin = 4e9
[delivery]
resend_s = 0.2
check_s = 0.2
[[delivery.alertmanager]]
url = "{url}"
"""
_LEADS = """
select a.application_name from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and l.objid = $1 and a.datname = current_database()
"""
_LOCK = 0x6C657274
"""The lower half of the key of the leader's lock."""


@contextlib.asynccontextmanager
async def process(config: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`quotawatt alerts run`, killed at the end if it still runs."""
    service = await asyncio.create_subprocess_exec(sys.executable, "-m", "deploy.cli", "alerts", "run", str(config))
    try:
        yield service
    finally:
        if service.returncode is None:
            service.kill()
        await service.wait()


async def fired(pool: Pool) -> dict[str, int]:
    """How often the breach of each quota began to fire."""
    rows = await pool.fetch(
        "select q.code, count(*) from alert_transition t join alert a using (alert_id)"
        " join quota q on q.quota_id = a.subject_id"
        " where a.rule = 'breach' and t.to_state = 'firing' and t.from_state <> 'firing' group by 1"
    )
    return {row[0]: row[1] for row in rows}


async def has_fired(pool: Pool, quota: str) -> bool:
    """Whether it fired."""
    return quota in await fired(pool)


async def leads(pool: Pool) -> bool:
    """Whether anybody holds the lock."""
    return bool(await pool.fetch(_LEADS, _LOCK))


async def breach(pool: Pool, unit: str) -> None:
    """A unit uses more than its limit, and accounting tells of it."""
    await use_again(pool, unit, "11")


async def use_again(pool: Pool, unit: str, tce: str) -> None:
    """A unit has used so much of its 10 tce."""
    async with pool.acquire() as connection, connection.transaction():
        await use(connection, unit, tce, at(12))
        await connection.execute("notify totals")


async def test_killed_leaders_are_followed_and_people_hear_of_each_breach_once_and_of_its_end(
    pool: Pool, database: StorageSettings, tmp_path: Path
) -> None:
    """Each of three leaders is killed just after a breach was committed, told again and again by whoever delivers.

    In the end each breach fired exactly once, and a real Alertmanager called exactly once. What the dead had told of
    ends, by the word of another.
    """
    config = tmp_path / "alerts.toml"
    async with pool.acquire() as connection:
        await add_units(connection, _UNITS)
        await apply_quotas(connection, [(unit, day_quota(f"q-{unit}", "10")) for unit in _UNITS])
    async with contextlib.AsyncExitStack() as stack:
        webhook = await stack.enter_async_context(Webhook().listening())
        real = await stack.enter_async_context(alertmanager(tmp_path, configuration(webhook.url)))
        config.write_text(_CONFIG.format(dsn=database.dsn, origin=at(12).isoformat(), url=real.url), encoding="utf-8")
        leader = await stack.enter_async_context(process(config))
        await eventually(partial(leads, pool), within=40)
        for unit in _UNITS[:3]:
            standby = await stack.enter_async_context(process(config))
            await breach(pool, unit)
            leader.send_signal(signal.SIGKILL)
            await leader.wait()
            await eventually(partial(has_fired, pool, f"q-{unit}"), within=40)
            leader = standby
        await breach(pool, _UNITS[3])
        await eventually(lambda: webhook.count("firing", alertname="breach", unit=_UNITS[3]), within=40)
        await use_again(pool, _UNITS[0], "9")
        await eventually(lambda: webhook.count("resolved", alertname="breach", unit=_UNITS[0]), within=40)
        await never_within(2 * GROUP_INTERVAL_S, lambda: webhook.count("resolved", alertname="breach") > 1)
    heard = {one["fingerprint"]: one["labels"]["unit"] for one in webhook.alerts("firing", alertname="breach")}
    assert sorted(heard.values()) == _UNITS
    assert await fired(pool) == {f"q-{unit}": 1 for unit in _UNITS}
