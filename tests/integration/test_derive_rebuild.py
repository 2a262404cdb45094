"""A rebuild gives the rows that were there, finds those that are wrong, and gets in nobody's way."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from deploy.cli import root
from energy.errors import SetupError
from energy.storage import Connection, StorageSettings, connect
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.rebuilding.run import Wanted, run
from ingest.accounting.validation.loading import shipped_checks
from tests.support.deriving import derive_all
from tests.support.deriving_world import arrivals, course, forget_derived, minutely, tables
from tests.support.eventually import eventually
from tests.support.register_world import T0, instant, populate, registry, shown, store
from tests.support.rollup_world import TABLES, rows_of

CODES = [("A", "electricity", 1), ("B", "electricity", 1), ("C", "natural_gas", 1), ("D", "electricity", 2)]
MINUTES = 800
EDITS = """
insert into edit (point_id, kind, since, until, old_end, new_start, amount, unit, author, reason, recorded_at)
select point_id, kind, $1::timestamptz + at * interval '1 minute', $1::timestamptz + till * interval '1 minute',
    old_end, new_start, amount::numeric, e.unit, 'a', 'r', $1
from (values ('A', 'exclude', 200, 230, null, null, null, null), ('B', 'amount', 300, 360, null, null, 7.777, 'kWh'),
             ('C', 'accept', 0, 400, null, null, null, null), ('D', 'replacement', 500, 500, 100.0, 5.0, null, null))
    as e (code, kind, at, till, old_end, new_start, amount, unit)
join point using (code)
"""


async def everything(connection: Connection) -> dict[str, Any]:
    """All that is derived, rollups too."""
    rolled = {table: await rows_of(connection, table, key) for table, key in TABLES.items()}
    return {**await tables(connection), **rolled}


async def rebuilt(database: StorageSettings, wanted: Wanted | None = None, workers: int = 1) -> dict[str, int]:
    """Rebuild; what had to be changed, by table."""
    found = await run(database, wanted or Wanted(), Rules(), shipped_checks(), workers=workers)
    return found.differing


async def world(connection: Connection, seed: int, wild: float = 0.05) -> None:
    """Four points with wild readings and with edits, derived live and rolled up."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable history, not a secret
    await populate(connection, minutely(registry(CODES)))
    await connection.execute(EDITS, _at(0))
    readings = [one for code, _, _ in CODES for one in course(chance, code, MINUTES, every=2, rates=(wild, 0.02))]
    silent = range(T0 + 500 * 60_000, T0 + 700 * 60_000)  # more than a straight line may bridge
    for batch in arrivals(chance, [one for one in readings if one.point != "B" or one.at not in silent], 400):
        await store(connection, batch)
    await derive_all(connection)


def _at(minute: int) -> datetime:
    return datetime.fromtimestamp(T0 / 1000, UTC) + timedelta(minutes=minute)


async def test_a_rebuild_finds_what_steps_have_left(database: StorageSettings, connection: Connection) -> None:
    """Nothing differs, in one portion or in many small ones; from nothing, in two processes, the same tables come."""
    await world(connection, 1)
    await rebuilt(database)  # rolls up
    stood = await everything(connection)
    assert all(stood.values())
    assert await rebuilt(database, Wanted(check=True)) == {}
    assert await rebuilt(database, Wanted(readings=300)) == {}
    assert await everything(connection) == stood
    for readings, workers in ((300, 1), (10_000, 2)):
        await forget_derived(connection)
        await connection.execute("truncate derivation_dirty, consumption_hour, consumption_day, consumption_month")
        assert await rebuilt(database, Wanted(readings=readings), workers)
        assert await everything(connection) == stood


@pytest.mark.parametrize("seed", range(2))
async def test_any_range_is_exact_at_its_borders(database: StorageSettings, connection: Connection, seed: int) -> None:
    """Wherever a range begins and ends, and however it is cut, nothing differs; what is spoilt within it is mended."""
    chance = random.Random(seed)  # noqa: S311 - likewise
    await world(connection, seed, wild=0.15)
    await rebuilt(database)
    stood = await everything(connection)
    for _ in range(3):
        first, last = sorted(chance.sample(range(-60, MINUTES + 60), 2))
        wanted = Wanted(since=_at(first), until=_at(last), readings=chance.choice([100, 5_000]))
        assert await rebuilt(database, wanted) == {}
        harmed = await connection.execute(chance.choice(HARMS), _at(first), _at(last))
        assert await rebuilt(database, replace(wanted, check=True)) != {} or harmed.endswith(" 0")
        await rebuilt(database, wanted)
        assert await everything(connection) == stood


HARMS = (
    "update consumption_15min set quanta = quanta + 1 where ts >= $1 and ts < $2",
    "delete from consumption_15min where ts >= $1 and ts < $2",
    "update consumption_15min set flags = flags + 1, ready = ready - interval '1 s' where ts >= $1 and ts < $2",
    "delete from unit_hour where ts >= $1 and ts < $2",
    "update consumption_hour set quality = 3 - quality where ts >= $1 and ts < $2",
    "delete from gap where began >= $1 and ended <= $2",
)


async def test_what_an_interval_meter_s_first_reading_speaks_of_is_rebuilt(
    database: StorageSettings, connection: Connection
) -> None:
    """Its quarter hour lies before any reading, and here before any chunk that has some."""
    await populate(connection, registry([("A", "electricity", 1)]))
    await connection.execute("update point set quantity = 'interval'")
    first = -(T0 // 60_000) % (7 * 24 * 60)
    await store(connection, [shown("A", first + minute, 4.0) for minute in (0, 15)])
    chunk = "select min(range_start) from timescaledb_information.chunks where hypertable_name = 'readings'"
    assert await connection.fetchval(chunk) == instant(first)
    await derive_all(connection)
    stood = await tables(connection)
    assert [row[1] for row in stood["consumption_15min"]] == [instant(first - 15), instant(first)]
    await forget_derived(connection)
    await connection.execute("truncate derivation_dirty")
    await rebuilt(database)
    assert await tables(connection) == stood


async def test_it_is_cut_off_between_portions_and_run_again(database: StorageSettings, connection: Connection) -> None:
    """Each portion is whole or not there; a step that is under way is waited for; the second run finishes."""
    await world(connection, 5)
    await rebuilt(database)
    stood = await everything(connection)
    await connection.execute("truncate consumption_15min, gap, unit_hour, unit_day, unit_month")
    async with connect(database) as holder:
        held = holder.transaction()
        await held.start()
        await holder.execute("select from derivation_group order by grp for update")
        running = asyncio.create_task(rebuilt(database, Wanted(readings=300)))
        await eventually(lambda: _waits(connection))
        assert await connection.fetchval("select count(*) from consumption_15min") == 0
        await held.rollback()
        await eventually(lambda: connection.fetchval("select count(*) > 0 from consumption_15min"))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    known = {row[:2]: row for row in stood["consumption_15min"]}
    assert all(known[tuple(row)[:2]] == tuple(row) for row in await connection.fetch("select * from consumption_15min"))
    await rebuilt(database)
    assert await everything(connection) == stood


async def _waits(connection: Connection) -> bool:
    waiting: bool = await connection.fetchval(
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
    )
    return waiting


async def test_what_follows_from_readings_that_are_gone_stays(
    database: StorageSettings, connection: Connection
) -> None:
    """Readings whose time was over were dropped: a rebuild does not take away what was derived of them."""
    await world(connection, 6)
    await rebuilt(database)
    stood = await everything(connection)
    border = _at(300)
    await connection.execute("delete from readings where ts < $1", border)
    await connection.execute("delete from reading_conflicts where ts < $1", border)
    await connection.execute(
        "insert into upkeep_run (at, relation, action, until, count) values ($1, 'readings', 'chunks_dropped', $1, 1)",
        border,
    )
    assert await rebuilt(database) == {}
    assert await everything(connection) == stood
    await connection.execute("delete from consumption_15min where ts >= $1", _at(600))
    assert await rebuilt(database)
    assert await everything(connection) == stood


async def test_more_readings_than_a_portion_may_have_halve_it(
    database: StorageSettings, connection: Connection
) -> None:
    """Points that are read far more often than they are meant to: memory stays bounded, and the rows are the same."""
    await world(connection, 7)
    await connection.execute("update point set interval_s = 3600")
    await derive_all(connection)
    await rebuilt(database)
    stood = await everything(connection)
    await connection.execute("truncate consumption_15min")
    await rebuilt(database, Wanted(readings=400))
    assert await everything(connection) == stood


async def test_the_command_says_what_differs(dsn: str, connection: Connection) -> None:
    """Exit code 0 and nothing differs; 1 and what does; a code that is no one's is refused."""
    await world(connection, 8, wild=0.0)

    async def called(*arguments: str) -> tuple[int, str]:
        command = ["derive", "rebuild", "--dsn", dsn, "--workers", "1", *arguments]
        done = await asyncio.to_thread(CliRunner().invoke, root, command)
        if isinstance(done.exception, SetupError):
            return -1, str(done.exception)
        return done.exit_code, done.output

    assert await called("--check", "--unit", "U") == (0, await _said(connection, "nothing differs"))
    await connection.execute("update consumption_15min set quanta = quanta + 1 where ts = $1", _at(45))
    code, said = await called("--check")
    assert code == 1
    assert f"consumption_15min: {len(CODES)} rows differ" in said
    assert f"point 1, {_at(45):%Y-%m-%dT%H:%M+00:00} to {_at(60):%Y-%m-%dT%H:%M+00:00}" in said
    assert (await called("--point", "A", "--from", _at(0).isoformat()))[0] == 0
    code, said = await called("--check")
    assert f"consumption_15min: {len(CODES) - 1} rows differ" in said
    assert (await called())[1].endswith("all of them are right now\n")
    assert (await called("--check"))[0] == 0
    assert await called("--unit", "V") == (-1, "there is no unit V")
    assert (await called("--from", "2026-03-02", "--to", "2026-03-01"))[0] == 2
    assert (await called("--from", "yesterday"))[0] == 2


async def _said(connection: Connection, what: str) -> str:
    counts = [await connection.fetchval(f"select count(*) from {table}") for table in ("readings", "consumption_15min")]  # noqa: S608 - ours
    return f"{counts[0]} readings, {counts[1]} quarter hours\n{what}\n"
