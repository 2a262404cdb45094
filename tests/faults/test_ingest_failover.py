"""The primary dies and its standby takes over: the worker goes on there, by a DSN that names both."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping, Sequence

import pytest
from structlog.testing import capture_logs

from deploy.stack import Stack
from energy.storage import StorageSettings, connect
from energy.storage.databases import create_database
from energy.storage.migrate import migrate
from energy.transport.mqtt import MqttSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.fault_load import WINDOW
from tests.support.fault_platform import confirmed, database_name, load, mqtt_senders, register, settings
from tests.support.stack import running_stack
from tests.support.standby import standby_of

LIMIT_S = 100
WAITING = "select count(*) from pg_stat_activity where wait_event = 'SyncRep' and application_name like 'quotawatt %'"


@pytest.fixture
def own_stack() -> Iterator[Stack]:
    """A stack whose database this test kills for good."""
    with running_stack("failover") as stack:
        yield stack


async def test_the_worker_goes_on_with_the_promoted_standby(own_stack: Stack) -> None:
    """What the standby does not have is confirmed to nobody, so that nothing confirmed goes with the primary.

    The standby is held up first: the primary has then committed what only it knows, and waits with the answer.
    """
    endpoints = own_stack.endpoints()
    broker = MqttSettings(host=endpoints.mqtt_host, port=endpoints.mqtt_port)
    senders = mqtt_senders(broker)
    async with standby_of(own_stack) as standby:
        dsn = await create_database(standby.both(endpoints.dsn), database_name())
        await asyncio.to_thread(migrate, dsn)
        database = StorageSettings(dsn)
        await register(database, senders)
        with capture_logs() as logs:
            async with worker.running(settings(database, broker)), load(database, senders, LIMIT_S):
                await confirmed(senders, WINDOW)
                await standby.hold_up()
                async with connect(StorageSettings(endpoints.dsn)) as connection:
                    await eventually(lambda: connection.fetchval(WAITING))
                os.kill(own_stack.pid_of("postgres"), signal.SIGKILL)
                await standby.promote()
                await confirmed(senders, 2 * WINDOW)
                # Another part of the worker may notice the loss only now: it is back when the last word says so.
                await eventually(lambda: _told(logs)[-1:] == ["database_back"])
    assert _told(logs)[0] == "database_lost"


def _told(logs: Sequence[Mapping[str, object]]) -> list[str]:
    return [event for line in logs if (event := str(line.get("event"))).startswith("database_")]
