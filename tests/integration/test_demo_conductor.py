"""The conductor of an audited run: what it asks for, and when it ends the run."""

from __future__ import annotations

import asyncio
import time

from alerts.quotas.store import apply_quotas
from deploy.demo.conductor import UntilFlagged
from energy.clocks import ClockSettings, DataClock
from energy.services import run_services
from energy.storage import Pool
from tests.support.eventually import eventually
from tests.support.quota_world import FIRST_DAY, add_units, at, day_quota

SCALE = 86_400


async def test_it_ends_the_run_once_something_fired_and_the_days_have_passed(pool: Pool) -> None:
    """One line a day, the end while everything still runs, and not before a quota has fired."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1"])
        await apply_quotas(connection, [("u1", day_quota("q1", "10"))])
    said: list[str] = []
    ended: list[str] = []

    async def at_end() -> None:
        ended.append("at end")

    async def fire(rule: str, severity: str) -> None:
        await pool.execute(
            "insert into alert"
            " (rule, subject, subject_id, period_start, state, since, severity, colour, standing, evidence)"
            " select $3, 'quota', quota_id, $1, 'firing', $2, $4, 'red', '{\"firings\": 1}', '{}' from quota",
            FIRST_DAY,
            at(1),
            rule,
            severity,
        )

    clock = DataClock(ClockSettings(at(0), time.time(), SCALE))
    conductor = UntilFlagged(pool, clock, 1, said.append, at_end)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        run = group.create_task(run_services([conductor], grace=1, stop=asyncio.Event()))
        await eventually(lambda: len(said) > 1)
        await fire("share", "attention")  # a band is no reason to end
        count = len(said)
        await eventually(lambda: len(said) > count + 1)
        assert not run.done()
        await fire("breach", "critical")
    assert ended == ["at end"]
    assert said[0] == "day 1: 0 readings stored, 0 quotas flagged"
