"""Tests on the community edition of TimescaleDB, which our stack does not have: they need a server of the tester's own.

QUOTAWATT_COMMUNITY_DSN names it; its databases are made and dropped as they are needed. Without it these tests are
deselected, and the run says so.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from deploy.stack import Endpoints
from energy.storage.databases import create_database
from energy.storage.migrate import migrate

_VARIABLE = "QUOTAWATT_COMMUNITY_DSN"
_HERE = Path(__file__).parent
_TEMPLATE = "quotawatt_community_template"
_left_out = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave these tests out where no server is named."""
    own = [item for item in items if _HERE in item.path.parents]
    if own and not os.environ.get(_VARIABLE):
        items[:] = [item for item in items if item not in own]
        config.hook.pytest_deselected(items=own)
        config.stash[_left_out] = len(own)


def pytest_report_collectionfinish(config: pytest.Config) -> str:
    """Say why."""
    count = config.stash.get(_left_out, 0)
    return f"{count} tests deselected: {_VARIABLE} names no server of the community edition" if count else ""


@pytest.fixture(scope="session")
def endpoints() -> Endpoints:
    """The given server; there is no broker."""
    return Endpoints(os.environ[_VARIABLE], "127.0.0.1", 0)


@pytest.fixture(scope="session")
def template(endpoints: Endpoints) -> str:
    """The name of a migrated database that tests clone."""
    migrate(asyncio.run(create_database(endpoints.dsn, _TEMPLATE)))
    return _TEMPLATE
