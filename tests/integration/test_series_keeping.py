"""Days' shapes are kept beside evaluations, by one at a time, and quotas on demand hear of it."""

from __future__ import annotations

import asyncio
from datetime import date

from alerts.evaluation.loads import LOCK, LoadsService
from alerts.series.loads import refresh
from alerts.settings import AlertsSettings
from energy.clocks import ClockSettings, DataClock
from energy.services import Control
from energy.storage import Connection, StorageSettings
from tests.support import register_world
from tests.support.deriving import derive_all
from tests.support.eventually import eventually
from tests.support.totals_world import QUARTER, START, Counted, Used, populate, registry, use


def _service(database: StorageSettings, quarters: int) -> LoadsService:
    """A service whose clock stands so many quarter hours after the beginning."""
    clock = DataClock(ClockSettings(START + quarters * QUARTER, real_origin=0.0), wall=lambda: 0.0)
    return LoadsService(AlertsSettings(database, full_interval_s=0.1, standby_s=0.1), clock)


async def test_one_keeps_and_quotas_on_demand_are_looked_at_again(
    database: StorageSettings, connection: Connection
) -> None:
    """The other one stands by; who has a quota on demand is marked where a maximum changed, nobody else ever."""
    await populate(connection, registry({"E": Counted("electricity")}))
    await use(connection, Used("E", 0, (1000,) * 200))
    one, other = _service(database, 200), _service(database, 201)
    await connection.execute("delete from unit_touched")
    assert await one.step(connection) == 3
    assert await other.step(connection) == 0
    assert not await connection.fetchval("select count(*) from unit_touched")
    await connection.execute(_QUOTA)
    await use(connection, Used("E", 100, (9000,)), Used("E", 200, (1000,)))
    await connection.execute("delete from unit_touched")
    assert await other.step(connection) == 2
    assert await connection.fetchval("select min(since) from unit_touched") == date(2026, 3, 2)
    # One that comes half a year later finds what nobody kept, stretch by stretch, and then rests.
    await connection.execute("delete from unit_load_day")
    late = _service(database, 96 * 180)
    assert sum([await late.step(connection) for _ in range(12)]) == 3
    await connection.execute("delete from unit_load_day")
    assert await late.step(connection) == 0
    # While another session is at it, it waits.
    await connection.execute("select pg_advisory_lock($1::int8)", LOCK)
    control = Control(other.name, asyncio.Event())
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(other.run(control))
        waits = (
            "select count(*) >= 1 from pg_stat_activity where query like '%pg_try_advisory_lock%' and state = 'idle'"
        )
        await eventually(lambda: connection.fetchval(waits))
        assert not await connection.fetchval("select count(*) from unit_load_day")
        await connection.execute("select pg_advisory_unlock($1::int8)", LOCK)
        await eventually(lambda: connection.fetchval("select count(*) = 3 from unit_load_day"))
        control.stopping.set()


async def test_maxima_are_a_function_of_the_readings_in_whatever_order_they_come(connection: Connection) -> None:
    """A reading that comes late between two others moves energy between quarter hours and no total: it counts."""
    world = register_world.registry([("E1", "electricity", 1)])
    await register_world.populate(connection, world)
    values = {0: 0, 15: 1, 30: 8, 45: 9, 60: 10, 60 * 24: 10, 60 * 24 + 15: 11}
    for minutes in ([m for m in values if m != 15], [15]):
        await register_world.store(connection, [register_world.shown("E1", m, values[m]) for m in minutes])
        await derive_all(connection)
        await refresh(connection, register_world.instant(60 * 24 * 3), date(2026, 2, 1))
    found = await connection.fetch("select demand_kw, demand_at from unit_load_day where kwh > 1")
    assert [tuple(row) for row in found] == [(28, register_world.instant(15))]


_ASKED = "select count(*) > 0 from pg_stat_activity where query like '%pg_try_advisory_lock%' and state = 'idle'"
_QUOTA = """
insert into quota (code, unit_id, key, measure, period, limit_value, limit_unit, valid_from, source, min_elapsed)
select 'Q', unit_id, code, 'demand', 'month', 30, 'kW', '2026-01-01', 'invented', 0 from unit
"""
