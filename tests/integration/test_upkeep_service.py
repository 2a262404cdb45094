"""Upkeep as a part of an ingest worker, and by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from click.testing import CliRunner, Result
from prometheus_client import REGISTRY

from deploy.cli import root
from deploy.demo.toml_files import write_settings
from energy.clocks import ClockSettings
from energy.services import run_services
from energy.storage import Connection, Pool, StorageSettings
from energy.transport.mqtt import MqttSettings
from ingest.checking.settings import CheckSettings
from ingest.settings import IngestSettings
from ingest.upkeep.service import Upkeep
from ingest.upkeep.settings import UpkeepSettings
from tests.support.eventually import eventually

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS = UpkeepSettings(readings_days=100, every_s=0.05)


def clock_at(now: datetime) -> ClockSettings:
    """Data time that begins at `now`, and hardly moves during a test."""
    return ClockSettings(now, datetime.now(UTC).timestamp())


@asynccontextmanager
async def running(database: StorageSettings, settings: UpkeepSettings = SETTINGS) -> AsyncIterator[None]:
    """The service, until the end of the block."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(run_services([Upkeep(database, clock_at(NOW), settings)], grace=10, stop=stop))
        try:
            yield
        finally:
            stop.set()


def rounds(outcome: str) -> float:
    """How many rounds ended so."""
    return REGISTRY.get_sample_value("quotawatt_upkeep_rounds_total", {"outcome": outcome}) or 0.0


async def put(connection: Connection, age: timedelta) -> None:
    """One reading of this age."""
    await connection.execute("insert into readings values ($1, 11, 1, 0, 1)", NOW - age)


async def is_empty(pool: Pool) -> bool:
    """Whether no reading is left."""
    return not await pool.fetchval("select count(*) from readings")


async def test_rounds_follow_each_other(database: StorageSettings, pool: Pool) -> None:
    """What is over when the worker starts is dropped, and what comes to be so later."""
    old = timedelta(days=120)
    async with pool.acquire() as connection:
        await put(connection, old)
        async with running(database):
            await eventually(lambda: is_empty(pool))
            await put(connection, old)
            await eventually(lambda: is_empty(pool))


async def test_missing_rights_stop_nobody(database: StorageSettings, pool: Pool) -> None:
    """A worker that may write, but owns nothing, cannot drop: that is counted, and the worker goes on."""
    parts = urlsplit(database.dsn)
    async with pool.acquire() as connection:
        await put(connection, timedelta(days=120))
        name = parts.path.removeprefix("/")
        await connection.execute(f"create role {name} login password 'secret'")
        await connection.execute(f"grant select, insert, update, delete on all tables in schema public to {name}")
        host = f"{name}:secret@{parts.hostname}:{parts.port}"
        limited = StorageSettings(urlunsplit(parts._replace(netloc=host)), database.connect_timeout_s)
        before = rounds("failed")
        async with running(limited):
            await eventually(lambda: rounds("failed") > before)
        assert not await is_empty(pool)
        await connection.execute(f"drop owned by {name}")
        await connection.execute(f"drop role {name}")


def quotawatt(*arguments: str) -> Result:
    """The command line."""
    return CliRunner().invoke(root, ["upkeep", *arguments], catch_exceptions=False)


async def test_by_hand(database: StorageSettings, pool: Pool, tmp_path: Path) -> None:
    """A round with a worker's file tells what it did; `show` changes nothing, and tells it again."""
    async with pool.acquire() as connection:
        await put(connection, timedelta(days=120))
        await put(connection, timedelta(days=1))
    file = write_settings(
        tmp_path / "ingest.toml",
        IngestSettings(
            database, MqttSettings(), clock=clock_at(NOW), checks=CheckSettings(age_days=30), upkeep=SETTINGS
        ),
    )
    shown = await asyncio.to_thread(quotawatt, "show", "--config", str(file))
    assert "readings: 2 chunks, 0 compressed" in shown.output
    assert "readings are kept from 2025-11-21 on" in shown.output
    made = await asyncio.to_thread(quotawatt, "run", str(file))
    assert made.output.startswith("readings chunks_dropped 1 before 2025-11-06 00:00")
    again = await asyncio.to_thread(quotawatt, "run", str(file))
    assert again.output == "nothing was due\n"
    shown = await asyncio.to_thread(quotawatt, "show", "--dsn", database.dsn)
    assert "licence apache: no policies, no columnstore" in shown.output
    assert "readings: 1 chunk," in shown.output
    assert "readings chunks_dropped 1 before 2025-11-06 00:00" in shown.output


@pytest.mark.parametrize("arguments", [("show",), ("run",)])
def test_a_database_must_be_named(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is guessed, least of all for what drops."""
    monkeypatch.delenv("QUOTAWATT_DSN", raising=False)
    assert CliRunner().invoke(root, ["upkeep", *arguments]).exit_code == 2
