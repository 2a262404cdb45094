"""From readings to findings: what comes late and changes no interval still reaches the checks."""

from __future__ import annotations

import asyncio
import time
from datetime import date, timedelta

from msgspec.structs import replace

from energy.clocks import ClockSettings, DataClock
from energy.errors import StorageError
from energy.registry import Point, Registry
from energy.services import Control
from energy.storage import Connection, StorageSettings
from ingest.accounting.edits.model import Given, Kind
from ingest.accounting.edits.store import add, undo
from ingest.accounting.rollups.service import Rolling
from ingest.accounting.rollups.settings import RollupSettings
from tests.support.deriving import derive_all
from tests.support.eventually import eventually
from tests.support.register_world import instant, populate, registry, shown, store
from tests.support.validation_store import findings, judge, judge_all, whole

DAY = date(2026, 3, 1)
"""The world's first day."""
HOUR = 60


def _world() -> Registry:
    world = registry([("E", "electricity", 1)])
    power = Point("P", "M-E", "gw-u", "W", quantity="power_active")
    return Registry(world.units, world.gateways, world.meters, (*world.points, power))


async def _all_judged(connection: Connection, hours: int) -> None:
    """Derive, roll up and judge until nothing waits, `hours` after the world's beginning."""
    await derive_all(connection)
    await judge_all(connection, instant(hours * HOUR))


async def test_a_ratio_on_record_is_no_contradiction(connection: Connection) -> None:
    """Of the day on which it changed, of later days, and of edits that are undone."""
    await populate(connection, _world())
    value = 1000.0
    readings = []
    for slot in range(3 * 96 + 1):
        readings.append(shown("E", slot * 15, round(value, 3)))
        value += 20 + (slot * 7) % 11
    await store(connection, readings)
    ratio = Given(Kind.RATIO, "E", {"since": instant(12 * HOUR).isoformat(), "ratio": "1.5"}, "Li Wei", "new CT")
    (taken,) = await add(connection, [ratio], instant(72 * HOUR))
    await _all_judged(connection, 96)
    assert await connection.fetchval("select max(quanta) from consumption_15min") == 45_000
    assert await findings(connection) == []
    await undo(connection, taken.edit_id, author="Li Wei", reason="another meter", now=instant(96 * HOUR))
    await _all_judged(connection, 120)
    assert await findings(connection) == []


async def test_what_changes_no_interval_reaches_the_checks(connection: Connection) -> None:
    """A conflict that is not effective, and a power that comes a day late; the table is that of judging all at once."""
    points = await populate(connection, _world())
    # Nothing flows from 10:00 to 11:30; what flows else changes with every slot.
    readings, value = [], 1000.0
    for slot in range(97):
        readings.append(shown("E", slot * 15, round(value, 3)))
        value += 0 if 40 <= slot < 46 else 20 + (slot * 7) % 11
    await store(connection, readings)
    await _all_judged(connection, 24)
    assert await findings(connection) == []

    await store(connection, [shown("E", 30, 5.0, 2)])
    await _all_judged(connection, 26)
    assert await findings(connection) == [("E", "conflict", "warning")]

    await store(connection, [shown("P", slot * 15 + 1, 80_000.0) for slot in range(96)])
    await _all_judged(connection, 28)
    assert await findings(connection) == [("E", "conflict", "warning"), ("E", "stuck_register", "failure")]

    step_by_step = await whole(connection)
    await connection.execute("delete from finding")
    await judge(connection, list(points.values()), DAY, DAY + timedelta(days=1))
    assert await whole(connection) == step_by_step


async def test_an_edit_of_the_open_day_is_judged_as_soon_as_it_is_derived(
    database: StorageSettings, connection: Connection
) -> None:
    """Its finding and its suspect quarter hour go, long before the open day's turn; findings of dropped days stay."""
    world = _world()
    bounded = tuple(replace(one, max_rate=100.0) if one.code == "E" else one for one in world.points)
    points = await populate(connection, replace(world, points=bounded))
    await store(
        connection,
        [shown("E", slot * 15, 1000.0 + slot * 10 + slot * slot % 7 + (slot > 8) * 70) for slot in range(17)],
    )
    await derive_all(connection)
    dropped = DAY - timedelta(days=400)
    await connection.execute(_DROPPED, points["E"], dropped, instant(-399 * 24 * HOUR))
    clock = DataClock(ClockSettings(instant(5 * HOUR), time.time()))
    failed: list[StorageError] = []
    service = Rolling(database, clock, RollupSettings(every_s=0.05), failed.append)
    control = Control(service.name, asyncio.Event())
    running = asyncio.create_task(service.run(control))

    async def stand() -> list[tuple[date, str]]:
        rows = await connection.fetch("select day, check_id from finding order by day, check_id")
        return [(row["day"], row["check_id"]) for row in rows]

    async def settled(*checks: str) -> bool:
        return await stand() == [(dropped, "range"), *((DAY, check) for check in checks)]

    await eventually(lambda: settled("range"), within=60)
    said = {"since": instant(120).isoformat(), "until": instant(135).isoformat(), "amount": "10", "unit": "kWh"}
    await add(connection, [Given(Kind.AMOUNT, "E", said, "Li Wei", "a test of the meter")], instant(5 * HOUR))
    await derive_all(connection)
    await eventually(settled, within=60)
    assert not await connection.fetchval(
        "select marked or judged_at is not null from validation_day where day = $1", dropped
    )
    assert await connection.fetchval("select max(flags & 32768) from validated_15min") == 0
    assert await connection.fetchval("select count(*) from validated_15min where quality = 3") == 0
    control.stopping.set()
    await running
    assert not failed


_DROPPED = """
with run as (
    insert into upkeep_run (relation, action, at, until) values ('consumption_15min', 'chunks_dropped', $3, $3)
), judged as (
    insert into validation_day (block, day, marked, fingerprint) values ($1 / 1000, $2, false, 1)
)
insert into finding values ($1, $2, 'range', $3 - interval '1 day', $3, 'failure', '{}')
"""
