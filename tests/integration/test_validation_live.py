"""From readings to findings: what comes late and changes no interval still reaches the checks."""

from __future__ import annotations

from datetime import date, timedelta

from energy.registry import Point, Registry
from energy.storage import Connection
from tests.support.deriving import derive_all
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
