"""The registry in the database: applied by code, as often as one likes."""

from __future__ import annotations

import msgspec
import pytest

from energy.errors import ConfigError
from energy.registry import Gateway, Meter
from energy.registry.store import apply, find_points
from energy.storage import Notifications, Pool, StorageSettings
from tests.support.register_world import registry

WORLD = registry([("E1", "electricity", 1), ("G1", "natural_gas", 2)], wrap=1e6)
TABLES = ("unit", "gateway", "meter", "point")


async def _versions(pool: Pool) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: [tuple(row) for row in await pool.fetch(f"select *, xmin::text from {table} order by code")]  # noqa: S608 - names of this test
        for table in TABLES
    }


async def test_applying_twice_writes_nothing_the_second_time(pool: Pool) -> None:
    """Rows are found by code; what has not changed is not even rewritten."""
    async with pool.acquire() as connection:
        await apply(connection, WORLD)
        first = await _versions(pool)
        await apply(connection, WORLD)
        assert await _versions(pool) == first
        assert [len(rows) for rows in first.values()] == [1, 1, 2, 2]


async def test_a_replaced_gateway_takes_the_points_over_and_they_keep_their_ids(pool: Pool) -> None:
    """Point ids survive the replacement of a gateway; only the new one may write them."""
    async with pool.acquire() as connection:
        await apply(connection, WORLD)
        before = await find_points(connection, ["E1", "G1", "X1"])
        moved = tuple(msgspec.structs.replace(point, gateway="gw-new") for point in WORLD.points)
        gateways = (*WORLD.gateways, Gateway("gw-new", "610303", "U"))
        await apply(connection, msgspec.structs.replace(WORLD, gateways=gateways, points=moved))
        after = await find_points(connection, ["E1", "G1"])
    assert {code: key.gateway for code, key in before.items()} == {"E1": "gw-u", "G1": "gw-u"}
    assert {code: (key.point_id, key.gateway) for code, key in after.items()} == {
        code: (key.point_id, "gw-new") for code, key in before.items()
    }


async def test_a_registry_with_faults_writes_nothing(pool: Pool) -> None:
    """A contradiction anywhere keeps the whole registry out."""
    broken = msgspec.structs.replace(WORLD, meters=(*WORLD.meters, Meter("M-X", "nobody", "steam_engine", 1, "any")))
    async with pool.acquire() as connection:
        with pytest.raises(ConfigError) as caught:
            await apply(connection, broken)
        assert len(caught.value.faults) == 2
        assert await connection.fetchval("select count(*) from unit") == 0


async def test_those_who_hold_the_registry_are_told(pool: Pool, database: StorageSettings) -> None:
    """Applying notifies the channel `registry`."""
    async with Notifications(database, "registry") as notifications, pool.acquire() as connection:
        await apply(connection, WORLD)
        assert await notifications.wait(10)
