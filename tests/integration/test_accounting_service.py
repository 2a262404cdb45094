"""The accounting worker as a service: woken, made sure of by its timer, draining at the stop, patient with outages."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from energy.data import shipped
from energy.errors import SchemaError
from energy.storage import Connection, Notifications, Pool, StorageSettings
from ingest.accounting.service import run
from ingest.accounting.settings import AccountingSettings, FactorSettings, StepSettings
from tests.support.eventually import eventually
from tests.support.register_world import populate, registry, shown, store
from tests.support.tcp_proxy import tcp_proxy

WORLD = registry([("E1", "electricity", 1)])


@contextlib.asynccontextmanager
async def _running(settings: AccountingSettings) -> AsyncIterator[asyncio.Event]:
    """The service, stopped in order at the end of the block or when the event is set inside it."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(run(settings, stop=stop))
        try:
            yield stop
        finally:
            stop.set()


async def _amount(connection: Connection) -> object:
    return await connection.fetchval("select sum(amount) from unit_day")


async def _listens(connection: Connection) -> object:
    return await connection.fetchval(
        "select count(*) from pg_stat_activity where query like 'LISTEN%readings%' and datname = current_database()"
    )


async def test_a_notification_wakes_it_and_it_wakes_those_who_judge(pool: Pool, database: StorageSettings) -> None:
    """With a timer of an hour, only ingest's word can have made it work; it passes the word on."""
    settings = AccountingSettings(database, step=StepSettings(pause_s=0.01, timer_s=3600))
    async with pool.acquire() as connection, Notifications(database, "totals") as totals:
        await populate(connection, WORLD)
        async with _running(settings):
            await eventually(lambda: _listens(connection))
            await store(connection, [shown("E1", 0, 1), shown("E1", 15, 2)])

            async def derived() -> bool:
                await connection.execute("notify readings")
                return await _amount(connection) == 1

            await eventually(derived)
            assert await totals.wait(10)


async def test_the_log_and_a_metric_name_the_factors_that_took_the_place_of_others(
    pool: Pool, database: StorageSettings, tmp_path: Path
) -> None:
    """At the start which set and directory; and once more when a worker put its own in the place of another's."""
    grid = shipped().texts["co2_grid.csv"] + "2025,northwest,0.5,\n"
    (tmp_path / "co2_grid.csv").write_text(grid, encoding="utf-8")
    settings = AccountingSettings(database, factors=FactorSettings(tmp_path))
    count = "quotawatt_accounting_factors_replaced_total"
    before = REGISTRY.get_sample_value(count) or 0
    async with pool.acquire() as connection:
        await populate(connection, WORLD)

        async def written() -> object:
            return await connection.fetchval("select count(*) from carrier_factor where kgco2 = 0.5")

        with capture_logs() as logs:
            async with _running(settings):
                await eventually(written)
    told = {line["event"]: line for line in logs if line["event"].startswith("factors_")}
    assert (told["factors_loaded"]["log_level"], told["factors_replaced"]["log_level"]) == ("info", "warning")
    assert {line["directory"] for line in told.values()} == {str(tmp_path)}
    assert told["factors_replaced"]["version"] == told["factors_loaded"]["version"] != shipped().version
    assert told["factors_replaced"]["replaced"] == [shipped().version]
    assert REGISTRY.get_sample_value(count) == before + 1


async def test_the_timer_finds_what_nobody_told(pool: Pool, database: StorageSettings) -> None:
    """Notifications are only hints: without one the work is done all the same."""
    settings = AccountingSettings(database, step=StepSettings(timer_s=0.05))
    async with pool.acquire() as connection:
        await populate(connection, WORLD)
        async with _running(settings):
            await store(connection, [shown("E1", 0, 1), shown("E1", 15, 2)])
            await eventually(lambda: _amount(connection))


async def test_a_stop_derives_what_is_dirty_before_it_ends(pool: Pool, database: StorageSettings) -> None:
    """Many small batches are waiting when the stop comes, one step takes few: nothing is left."""
    settings = AccountingSettings(database, step=StepSettings(batches=2, timer_s=3600))
    async with pool.acquire() as connection:
        await populate(connection, WORLD)
        async with _running(settings):
            await eventually(lambda: _listens(connection))
            for minute in range(30):
                await store(connection, [shown("E1", 15 * minute, minute)])
        assert await connection.fetchval("select count(*) from derivation_dirty") == 0
        assert await _amount(connection) == 29


async def test_an_outage_of_the_database_is_waited_out(pool: Pool, database: StorageSettings) -> None:
    """Absent at the start and cut off in between, the database is found again and nothing is missed."""
    where = urlsplit(database.dsn)
    async with tcp_proxy(str(where.hostname), int(where.port or 5432)) as proxy, pool.acquire() as connection:
        dsn = where._replace(netloc=where.netloc.replace(f":{where.port}", f":{proxy.port}")).geturl()
        settings = AccountingSettings(StorageSettings(dsn), step=StepSettings(timer_s=0.05))
        await populate(connection, WORLD)
        await proxy.cut()
        async with _running(settings):
            await store(connection, [shown("E1", 0, 1), shown("E1", 15, 2)])
            await proxy.restore()
            await eventually(lambda: _amount(connection), within=20)
            await proxy.cut()
            await store(connection, [shown("E1", 30, 5)])
            await proxy.restore()

            async def caught_up() -> bool:
                return await _amount(connection) == 4

            await eventually(caught_up, within=20)


async def test_a_schema_of_another_version_stops_it(pool: Pool, database: StorageSettings) -> None:
    """It does not write into tables that it does not know."""
    await pool.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(SchemaError, match="9999"):
        await run(AccountingSettings(database), stop=asyncio.Event())


async def test_the_command_runs_and_ends_on_sigterm(pool: Pool, database: StorageSettings, tmp_path: Path) -> None:
    """`quotawatt accounting run` reads its TOML, works, and drains on SIGTERM with exit code 0."""
    config = tmp_path / "accounting.toml"
    config.write_text(f'[database]\ndsn = "{database.dsn}"\n[step]\ntimer_s = 0.1\n')
    async with pool.acquire() as connection:
        await populate(connection, WORLD)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.cli", "accounting", "run", str(config), cwd=Path.cwd(), env=os.environ
        )
        try:
            await store(connection, [shown("E1", 0, 1), shown("E1", 15, 2)])
            await eventually(lambda: _amount(connection), within=30)
        finally:
            process.send_signal(signal.SIGTERM)
            code = await asyncio.wait_for(process.wait(), 20)
        assert code == 0
