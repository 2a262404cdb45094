"""Alertmanager and the database's line die at bad moments: everything arrives, once, and ends.

For the whole service, see `test_alerts_kills.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from energy.storage import Connection, StorageSettings
from tests.support.alerting import RealAlertmanager, alertmanager
from tests.support.delivery_world import (
    GROUP_INTERVAL_S,
    Alert,
    Webhook,
    configuration,
    delivering,
    settings_for,
    soon,
)
from tests.support.eventually import never_within

SELDOM = {"resend_s": 100.0, "lapse_s": 300.0}
"""So that what is told again is told because the loss was noticed."""
_CUT = (
    "select count(pg_terminate_backend(pid)) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
)


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    """A webhook that hears."""
    async with Webhook().listening() as listening:
        yield listening


@pytest.fixture
async def absent(tmp_path: Path, webhook: Webhook) -> AsyncIterator[RealAlertmanager]:
    """An Alertmanager that is not there yet."""
    async with alertmanager(tmp_path, configuration(webhook.url), started=False) as server:
        yield server


async def test_alertmanager_is_not_there_at_first(
    connection: Connection, database: StorageSettings, webhook: Webhook, absent: RealAlertmanager
) -> None:
    """What fires meanwhile arrives when it comes, once; what was over by then calls nobody."""
    lasting, over = Alert(connection), Alert(connection, "u-2", "610304", number=2)
    async with delivering(database, settings_for(absent.url)):
        await lasting.look(120)
        await over.look(120)
        await soon(lambda: _notices(connection, 2))
        await over.look(80)
        await absent.start()
        await soon(lambda: webhook.count("firing", unit="u-1"))
        await lasting.look(80)
        await soon(lambda: webhook.count("resolved", unit="u-1"))
        await soon(lambda: _taken(connection, 2))
    assert webhook.count("firing") == 1
    assert not webhook.count("firing", unit="u-2")


async def test_alertmanager_is_killed_and_finds_its_memory_again(
    connection: Connection, database: StorageSettings, webhook: Webhook, absent: RealAlertmanager
) -> None:
    """It has its log of notifications, but no alert: it is told of all, calls nobody twice, and tells of the end."""
    lasting, over = Alert(connection), Alert(connection, "u-2", "610304", number=2)
    await absent.start()
    async with delivering(database, settings_for(absent.url, **SELDOM)):
        await lasting.look(120)
        await over.look(120)
        await soon(lambda: webhook.count("firing") == 2)
        await absent.until_written()
        await absent.kill()
        await over.look(80)
        await absent.start(remembers=True)
        await soon(lambda: webhook.count("resolved", unit="u-2"))
        await never_within(2 * GROUP_INTERVAL_S, lambda: webhook.count("firing") > 2)
        await lasting.look(80)
        await soon(lambda: webhook.count("resolved", unit="u-1"))
    assert webhook.count("firing") == webhook.count("resolved") == 2


async def test_alertmanager_is_killed_and_has_lost_everything(
    connection: Connection, database: StorageSettings, webhook: Webhook, absent: RealAlertmanager
) -> None:
    """It calls again, since nobody can know whether people heard; but not for what somebody has acknowledged."""
    known, taken = Alert(connection), Alert(connection, "u-2", "610304", number=2)
    await absent.start()
    async with delivering(database, settings_for(absent.url, **SELDOM)):
        await known.look(120)
        await taken.look(120)
        await soon(lambda: webhook.count("firing") == 2)
        await taken.acknowledge("Li Wei")
        await soon(absent.silences)
        await absent.kill()
        await absent.start()
        await soon(lambda: webhook.count("firing", unit="u-1") == 2)
        await never_within(2 * GROUP_INTERVAL_S, lambda: webhook.count("firing", unit="u-2") > 1)
        await known.look(80)
        await soon(lambda: webhook.count("resolved", unit="u-1"))


async def test_one_alertmanager_that_is_away_holds_up_no_other(
    connection: Connection, database: StorageSettings, webhook: Webhook, tmp_path: Path, absent: RealAlertmanager
) -> None:
    """The one that is there is told at once, the other one all of it when it comes, the end included."""
    (tmp_path / "second").mkdir()
    async with (
        Webhook().listening() as late,
        alertmanager(tmp_path / "second", configuration(late.url), started=False) as second,
    ):
        await absent.start()
        async with delivering(database, settings_for(absent.url, second.url)):
            alert = Alert(connection)
            await alert.look(120)
            await soon(lambda: webhook.count("firing"))
            await second.start()
            await soon(lambda: late.count("firing"))
            await alert.look(80)
            await soon(lambda: webhook.count("resolved") and late.count("resolved"))
    assert webhook.count("firing") == late.count("firing") == 1


async def test_the_line_to_the_database_is_cut(
    connection: Connection, database: StorageSettings, webhook: Webhook, absent: RealAlertmanager
) -> None:
    """It comes back, finds what changed meanwhile, and tells it once."""
    await absent.start()
    alert, other = Alert(connection), Alert(connection, "u-2", "610304", number=2)
    async with delivering(database, settings_for(absent.url)):
        await alert.look(120)
        await soon(lambda: webhook.count("firing"))
        assert await connection.fetchval(_CUT) >= 2
        await alert.look(80)
        await other.look(120)
        await soon(lambda: webhook.count("resolved", unit="u-1") and webhook.count("firing", unit="u-2"))
        await never_within(2 * GROUP_INTERVAL_S, lambda: webhook.count("firing") > 2 or webhook.count("resolved") > 1)


async def _notices(connection: Connection, count: int) -> bool:
    found: int = await connection.fetchval("select count(*) from alert_notice")
    return found == count


async def _taken(connection: Connection, count: int) -> bool:
    found: int = await connection.fetchval("select count(*) from alert_acceptance where ended_at is not null")
    return found == count
