"""Days' shapes are kept beside evaluations, by one at a time, and quotas on demand hear of it."""

from __future__ import annotations

import asyncio

from alerts.series.keeping import Keeping
from energy.clocks import ClockSettings, DataClock
from energy.errors import StorageError
from energy.services import Control
from energy.storage import Connection, StorageSettings
from tests.support.eventually import eventually
from tests.support.totals_world import QUARTER, START, Counted, Used, populate, registry, use


def _clock(quarters: int) -> DataClock:
    """A clock that stands so many quarter hours after the beginning."""
    origin = START + quarters * QUARTER
    return DataClock(ClockSettings(origin, real_origin=0.0), wall=lambda: 0.0)


async def test_one_keeps_and_quotas_on_demand_are_looked_at_again(
    database: StorageSettings, connection: Connection
) -> None:
    """The other one stands by; who has a quota on demand is marked where a maximum changed, nobody else ever."""
    failures: list[StorageError] = []
    await populate(connection, registry({"E": Counted("electricity")}))
    await use(connection, Used("E", 0, (1000,) * 200))
    one, other = (Keeping(database, _clock(quarters), failures.append) for quarters in (200, 201))
    await connection.execute("delete from unit_touched")
    assert await one.step() == 3
    assert await other.step() == 0
    assert not await connection.fetchval("select count(*) from unit_touched")
    await connection.execute(_QUOTA)
    await use(connection, Used("E", 100, (9000,)), Used("E", 200, (1000,)))
    await connection.execute("delete from unit_touched")
    assert await other.step() == 2
    assert (await connection.fetchval("select min(since) from unit_touched")).isoformat() == "2026-03-02"
    # Another session is at it: not twice the same work.
    await use(connection, Used("E", 100, (8000,)))
    await connection.execute("select pg_advisory_lock(8175543449907004014)")
    assert await other.step() == 0
    await connection.execute("select pg_advisory_unlock(8175543449907004014)")
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        control = Control(other.name, asyncio.Event())
        tasks.create_task(other.run(control))
        await eventually(lambda: connection.fetchval("select max(demand_kw) = 32 from unit_load_day"))
        control.stopping.set()
    assert not failures


_QUOTA = """
insert into quota (code, unit_id, key, measure, period, limit_value, limit_unit, valid_from, source, min_elapsed)
select 'Q', unit_id, code, 'demand', 'month', 30, 'kW', '2026-01-01', 'invented', 0 from unit
"""
