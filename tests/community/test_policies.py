"""Upkeep and accounting on the community edition of TimescaleDB: policies instead of our own schedule."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from energy.storage import Connection, Pool, StorageSettings
from ingest.accounting.deriving.rules import Rules
from ingest.upkeep import edition
from ingest.upkeep.edition import read_edition
from ingest.upkeep.settings import UpkeepSettings
from ingest.upkeep.steps import Round, run_round
from tests.support import late_world
from tests.support.deriving import derive_all
from tests.support.ingest_world import START_MS
from tests.support.writing_world import WritingWorld

START = datetime.fromtimestamp(START_MS / 1000, UTC)
DAY = timedelta(days=1)
SETTINGS = UpkeepSettings(readings_days=365, columnstore_days=45)


async def round_at(connection: Connection, now: datetime, settings: UpkeepSettings = SETTINGS) -> list[str]:
    """What one round did."""
    made: Round = await run_round(connection, now, settings, real_time=True)
    return [one.action for one in made.done]


async def policies(connection: Connection) -> dict[str, tuple[str, bool]]:
    """Age and activity of each policy on readings."""
    rows = await connection.fetch(
        "select proc_name, coalesce(config ->> 'drop_after', config ->> 'compress_after') as age, scheduled "
        "from timescaledb_information.jobs where hypertable_name = 'readings'"
    )
    return {row["proc_name"]: (row["age"], row["scheduled"]) for row in rows}


async def run_policy(connection: Connection, name: str) -> None:
    """Do what the server's scheduler does; it goes by the server's own clock."""
    job = await connection.fetchval("select job_id from timescaledb_information.jobs where proc_name = $1", name)
    await connection.execute(f"call run_job({job})")


async def test_policies_follow_the_settings(pool: Pool) -> None:
    """Made, changed, removed; a round that finds them as they should be does nothing; and never both ways at once."""
    async with pool.acquire() as connection:
        assert (await read_edition(connection)).has_policies
        assert await round_at(connection, START) == ["policy_set", "columnstore_set", "policy_set"]
        assert await policies(connection) == {
            "policy_retention": ("365 days", True),
            "policy_compression": ("45 days", True),
        }
        assert await round_at(connection, START) == []
        longer = UpkeepSettings(readings_days=800, columnstore_days=45)
        assert await round_at(connection, START, longer) == ["policy_removed", "policy_set"]
        assert (await policies(connection))["policy_retention"] == ("800 days", True)
        none = UpkeepSettings(readings_days=800, policies=False)
        assert await round_at(connection, START, none) == ["policy_removed", "policy_removed"]
        assert await policies(connection) == {}
        for at in (START, START + 890 * DAY):
            await connection.execute("insert into readings values ($1, 11, 1, 0, 1)", at)
        assert await round_at(connection, START + 900 * DAY, none) == ["chunks_dropped"]


async def test_the_policies_work_and_what_they_dropped_is_known(pool: Pool) -> None:
    """Two chunks before the server's horizon and two after it: dropped, compressed, written down, conflicts gone."""
    async with pool.acquire() as connection:
        server = await connection.fetchval("select clock_timestamp()")
        old, kept = server - 400 * DAY, server - 100 * DAY
        times = [old, old + 10 * DAY, kept, kept + 10 * DAY]
        await connection.executemany("insert into readings values ($1, 11, 1, 0, 1)", [(at,) for at in times])
        await connection.executemany("insert into reading_conflicts values (11, $1, 2, 0, 1)", [(at,) for at in times])
        assert "chunks_seen" in await round_at(connection, server)
        await run_policy(connection, "policy_retention")
        await run_policy(connection, "policy_compression")
        assert await connection.fetchval("select count(*) from readings") == 2
        assert await round_at(connection, server) == ["chunks_dropped", "rows_deleted"]
        assert await round_at(connection, server) == []
        assert [row[0] for row in await connection.fetch("select ts from reading_conflicts order by 1")] == times[2:]
        until = await connection.fetchval("select until from upkeep_run where action = 'chunks_dropped'")
        assert times[1] < until <= times[2]
        assert (await read_edition(connection)).compressed == 2


async def test_dropping_is_paused_until_all_is_derived(pool: Pool) -> None:
    """The policy does not know of accounting, so we stop it where marks reach into what is over."""
    async with pool.acquire() as connection:
        await round_at(connection, START)
        await connection.execute("insert into derivation_dirty values (1, '{11}', $1, $1)", [START - 366 * DAY])
        assert await round_at(connection, START) == ["policy_paused"]
        assert (await policies(connection))["policy_retention"] == ("365 days", False)
        assert await round_at(connection, START) == []
        await connection.execute("delete from derivation_dirty")
        assert await round_at(connection, START) == ["policy_resumed"]


async def test_a_version_that_ends_at_conflicts_gets_no_columnstore(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were this one such: what is compressed already stays, nothing more is compressed, and retention works."""
    async with pool.acquire() as connection:
        await round_at(connection, START)
        monkeypatch.setattr(edition, "FIRST_PASSING", (99, 0, 0))
        assert await round_at(connection, START) == ["policy_removed"]
        assert set(await policies(connection)) == {"policy_retention"}


async def test_accounting_derives_late_readings_in_compressed_chunks(database: StorageSettings, pool: Pool) -> None:
    """The same consumption as from a table that was never compressed."""
    chance = random.Random(3)  # noqa: S311 - a repeatable shuffle, not a secret
    on_time, late = late_world.on_time(), late_world.late(chance, 300)
    world = WritingWorld(database)
    async with pool.acquire() as connection:
        await connection.execute(
            "insert into unit (unit_id, code, name_zh, name_en, district, industry) "
            "overriding system value values (1, 'U', 'U', 'U', '610303', '32');"
            "insert into gateway overriding system value values (1, 'gw-a', '610303', 1);"
            "insert into meter (meter_id, code, unit_id, carrier, level, profile) overriding system value "
            "values (1, 'M', 1, 'electricity', 2, 'none');"
            "insert into point (point_id, code, meter_id, gateway_id, unit) overriding system value "
            "values (11, 'A-1', 1, 1, 'kWh'), (12, 'A-2', 1, 1, 'kWh');"
        )
        found = []
        for compressed in (True, False):
            await connection.execute("truncate readings, reading_conflicts, derivation_dirty, consumption_15min")
            for part in (on_time, late):
                for batch in late_world.batches(part, chance, 300):
                    await world.write(batch)
                await derive_all(connection, Rules(batches=5))
                if compressed and part is on_time:
                    await round_at(connection, START)
                    await connection.fetch("select compress_chunk(c) from show_chunks('readings') c")
            columns = "point_id, ts, quanta, quality, covered_s, ready"
            found.append(await connection.fetch(f"select {columns} from consumption_15min order by 1, 2"))  # noqa: S608 - ours
    await world.connection.close()
    assert len(found[0]) > 2_000
    assert found[0] == found[1]
