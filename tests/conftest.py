"""What tests share: one embedded stack a run, and for each test a database cloned from a migrated template."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from deploy.stack import Endpoints, Stack
from energy.storage import Connection, Pool, StorageSettings, connect, open_pool
from energy.storage.databases import create_database, drop_database
from energy.storage.migrate import migrate
from energy.transport.mqtt import MqttSettings
from tests.support.stack import running_stack
from tests.support.undoing import undoing

# CI has two shared cores: a slow example is no fault, and the same seed makes a failure repeatable.
settings.register_profile(
    "quick", max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", settings.get_profile("quick"), max_examples=2_000, derandomize=False)
settings.load_profile(os.environ.get("QUOTAWATT_HYPOTHESIS", "quick"))

# Commands speak the language of whoever calls; tests expect English unless they ask for Chinese.
os.environ["LC_ALL"] = "C.UTF-8"

_TEMPLATE = "quotawatt_template"


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A stack of this run's own; programs come from the shared cache."""
    with running_stack("tests") as own:
        yield own


@pytest.fixture(scope="session")
def endpoints(stack: Stack) -> Endpoints:
    """Where the run's stack listens."""
    return stack.endpoints()


@pytest.fixture(scope="session")
def template(endpoints: Endpoints) -> str:
    """The name of a migrated database that tests clone."""
    migrate(asyncio.run(create_database(endpoints.dsn, _TEMPLATE)))
    return _TEMPLATE


@pytest.fixture
async def dsn(endpoints: Endpoints, template: str) -> AsyncIterator[str]:
    """A migrated database of the test's own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield await create_database(endpoints.dsn, name, template=template)
    await drop_database(endpoints.dsn, name)


@pytest.fixture(scope="session")
def shared_dsn(endpoints: Endpoints, template: str) -> str:
    """A migrated database in which nothing is ever committed."""
    return asyncio.run(create_database(endpoints.dsn, "quotawatt_shared", template=template))


@pytest.fixture
async def undone(shared_dsn: str) -> AsyncIterator[Connection]:
    """A connection whose work is undone at the end: far quicker than a database, where one connection does."""
    async with undoing(shared_dsn) as connection:
        yield connection


@pytest.fixture(scope="session")
def reported_dsn(endpoints: Endpoints, template: str) -> str:
    """A database in which the October of `tests.support.report_world` has been; nothing more is committed there."""
    from tests.support.report_world import live  # noqa: PLC0415 - loads the platform, which most tests do not need

    async def made() -> str:
        dsn = await create_database(endpoints.dsn, "quotawatt_reports", template=template)
        async with connect(StorageSettings(dsn)) as connection:
            await live(connection)
        return dsn

    return asyncio.run(made())


@pytest.fixture
async def district(reported_dsn: str) -> AsyncIterator[Connection]:
    """A connection to a database in which October has been; what a test changes there is undone."""
    async with undoing(reported_dsn) as connection:
        yield connection


@pytest.fixture
def database(dsn: str) -> StorageSettings:
    """Settings of the test's database."""
    return StorageSettings(dsn)


@pytest.fixture
async def pool(database: StorageSettings) -> AsyncIterator[Pool]:
    """A pool on the test's database."""
    async with open_pool(database) as opened:
        yield opened


@pytest.fixture
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    """One connection to the test's database."""
    async with pool.acquire() as acquired:
        yield acquired


@pytest.fixture
def mqtt(endpoints: Endpoints) -> MqttSettings:
    """The run's broker; it is shared, so a test takes region, gateway and group names of its own."""
    return MqttSettings(host=endpoints.mqtt_host, port=endpoints.mqtt_port)
