"""Rejects are bounded by age and size, whatever comes in; what went away unreplayed is counted."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

import ingest.rejects.bounds
import ingest.rejects.metrics
import ingest.rejects.service
from energy.clocks import ClockSettings, DataClock
from energy.services import run_services
from energy.storage import Connection, Pool, StorageSettings
from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from ingest.rejects.bounds import Removed, Remover
from ingest.rejects.service import RejectBounds
from ingest.rejects.settings import RejectSettings
from ingest.service import services
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.ingest_world import message
from tests.support.rejects_world import NOW, keep, register, replay, table, unknown

BY_GATEWAY = "select gateway, count(*) from rejects group by gateway order by gateway"


async def flood(connection: Connection, gateway: str, readings: int) -> None:
    """Readings of a gateway's unregistered point, in envelopes of 500."""
    sender = Address("610303", gateway)
    envelopes = [
        message(unknown(500, gateway=gateway, since=since), seq=since + 1, sender=sender)
        for since in range(0, readings, 500)
    ]
    await keep(connection, *envelopes)


async def enforce(
    connection: Connection, *, days: float = 90.0, megabytes: int = 1_024, later_days: int = 0
) -> Removed:
    """One round of a new worker."""
    removed, _ = await Remover(RejectSettings(days, megabytes)).enforce(connection, NOW + timedelta(days=later_days))
    return removed


async def test_what_is_too_old_goes_in_pieces(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replayed or not, by code; what is younger stays; the record of upkeep says what went."""
    monkeypatch.setattr(ingest.rejects.bounds, "PIECE", 7)
    await keep(connection, message(unknown(30)))
    await keep(connection, message(unknown(20, gateway="gw-b"), seq=2))
    await register(connection)
    await replay(connection)
    await connection.execute(
        "update rejects set received_at = received_at + interval '5 days'"
        " where point = 'gw-b-0' and reading_index >= 12"
    )
    assert (await enforce(connection, days=3, later_days=2)).rejects == 0
    removed = await enforce(connection, days=3, later_days=4)
    assert (removed.open, removed.replayed) == ({"unknown_point": 12}, {"unknown_point": 30})
    assert await connection.fetchval("select count(*) from rejects") == 8
    assert await table(connection, "select relation, action, count, detail from upkeep_run") == [
        ("rejects", "rows_deleted", 42, "never replayed: 12 unknown_point; replayed: 30")
    ]


async def test_a_flood_gives_way_to_the_few_of_others(connection: Connection) -> None:
    """Of the gateway that has most the oldest go; a gateway within its share loses none, however old they are."""
    await flood(connection, "gw-quiet", 500)
    await flood(connection, "gw-flood", 6_000)
    removed = await enforce(connection, megabytes=1)
    left = dict(await table(connection, BY_GATEWAY))
    assert left["gw-quiet"] == 500
    assert 500 < left["gw-flood"] < 2_500
    assert removed.open == {"unknown_point": 6_000 - left["gw-flood"]}
    assert await connection.fetchval(
        "select min(reject_id) > $1 from rejects where gateway = 'gw-flood'", 500 + removed.rejects
    )
    assert (await enforce(connection, megabytes=1)).rejects == 0


async def test_the_estimate_is_what_the_disk_takes(connection: Connection) -> None:
    """Neither half nor double of a table into which only readings came, without what waits for vacuum."""
    await flood(connection, "gw-flood", 10_000)
    estimate = await connection.fetchval(
        "select sum(octet_length(payload) + octet_length(detail) + octet_length(source) + 400) from rejects"
    )
    on_disk = await connection.fetchval("select pg_total_relation_size('rejects')")
    assert 0.75 < on_disk / estimate < 1.2


async def test_one_worker_at_a_time(pool: Pool) -> None:
    """Whoever comes second goes away; when the first is done, or its connection dies, the next one works."""
    async with pool.acquire() as first, pool.acquire() as second:
        await keep(second, message(unknown(3)))
        await first.fetchval("select pg_advisory_lock(8176108593446806883)")
        assert (await enforce(second, days=1, later_days=9)).rejects == 0
        await first.fetchval("select pg_advisory_unlock(8176108593446806883)")
        assert (await enforce(second, days=1, later_days=9)).rejects == 3
        assert await first.fetchval("select pg_try_advisory_lock(8176108593446806883)")
        await first.fetchval("select pg_advisory_unlock(8176108593446806883)")


async def test_removing_and_replaying_at_once_end(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reject is stored, or removed, or both: none is left, and neither waits for the other for ever."""
    monkeypatch.setattr(ingest.rejects.bounds, "PIECE", 50)
    async with pool.acquire() as one, pool.acquire() as other:
        await flood(one, "gw-a", 2_000)
        await register(one)
        async with asyncio.timeout(30):
            removed, sums = await asyncio.gather(enforce(one, days=1, later_days=9), replay(other))
        assert removed.rejects == 2_000
        assert sums.stored == await one.fetchval("select count(*) from readings")
        assert removed.replayed.total() <= sums.rejects


async def test_every_worker_has_the_service(database: StorageSettings, mqtt: MqttSettings) -> None:
    """Between its other services, so that nobody has to remember it."""
    assert "rejects" in {service.name for service in services(worker.settings(database, mqtt))}


async def test_the_service_keeps_the_bounds(
    connection: Connection, database: StorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Round after round, by data time; rights that are missing do not end it."""
    monkeypatch.setattr(ingest.rejects.service, "EVERY_S", 0.05)
    await keep(connection, message(unknown(3)))
    clock = DataClock(ClockSettings(NOW + timedelta(days=91), 0.0))
    await connection.execute("alter table rejects rename to rejects_away")
    stop = asyncio.Event()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        service = RejectBounds(database, clock, RejectSettings())
        group.create_task(run_services([service], grace=5, stop=stop))
        failures = ingest.rejects.metrics._FAILED._value
        before = failures.get()
        await eventually(lambda: failures.get() > before, 10)
        await connection.execute("alter table rejects_away rename to rejects")

        async def gone() -> bool:
            return bool(await connection.fetchval("select count(*) = 0 from rejects"))

        await eventually(gone, 10)
        stop.set()
