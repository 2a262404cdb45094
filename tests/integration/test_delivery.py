"""A real Alertmanager is told of alerts, and a webhook behind it hears: once, and of the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from energy.storage import Connection, StorageSettings
from tests.support.alerting import RealAlertmanager, alertmanager
from tests.support.delivery_world import (
    GROUP_INTERVAL_S,
    RED,
    YELLOW,
    Alert,
    Webhook,
    configuration,
    delivering,
    settings_for,
    soon,
)
from tests.support.eventually import never_within

LABELS = {
    "alertname": "quota_pace",
    "severity": "critical",
    "subject": "quota",
    "unit": "u-1",
    "district": "610301",
    "industry": "31",
    "quota": "u-1.tce",
    "measure": "tce",
    "period": "day",
    "period_start": "2026-03-01",
    "kind": "quota",
    "site": "baoji",
    "team": "energy",
}


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    """A webhook that hears."""
    async with Webhook().listening() as listening:
        yield listening


@pytest.fixture
async def real(tmp_path: Path, webhook: Webhook) -> AsyncIterator[RealAlertmanager]:
    """An Alertmanager that tells the webhook."""
    async with alertmanager(tmp_path, configuration(webhook.url)) as server:
        yield server


async def test_an_alert_arrives_once_per_group_interval_and_resolves(
    connection: Connection, database: StorageSettings, webhook: Webhook, real: RealAlertmanager
) -> None:
    """Told again ten times a second, each is heard of once, in its district's group, and once when it is over."""
    alerts = [Alert(connection, f"u-{number}", f"61030{number % 2}", number=number) for number in range(1, 5)]
    async with delivering(database, settings_for(real.url, labels={"site": "baoji"})):
        for one in alerts:
            await one.look(120)
        await soon(lambda: len({one["fingerprint"] for one in webhook.alerts("firing")}) == 4)
        await never_within(2.5 * GROUP_INTERVAL_S, lambda: len(webhook.heard) > 4)
        heard = len(webhook.heard)
        for one in alerts:
            await one.look(80)
        await soon(lambda: webhook.count("resolved") == 4)
        assert len(webhook.heard) <= heard + 4
    assert all(len(group["groupLabels"]) == 1 for group in webhook.heard)
    told = next(webhook.alerts("firing", unit="u-1"))
    assert told["labels"].pop("alert_id")
    assert told["labels"] == LABELS
    assert told["annotations"]["summary_zh"] == "u-1 用量 120,限额 100"
    assert told["annotations"]["summary_en"] == "u-1 used 120 of 100"
    assert told["annotations"]["source"] == "市发改委〔2026〕1号"
    over = next(webhook.alerts("resolved", unit="u-1"))
    assert over["annotations"]["ended_en"] == "The condition has cleared"
    assert over["annotations"]["summary_en"] == "u-1 used 120 of 100"
    rows = await connection.fetch("select alertmanager, active_at, ended_at from alert_acceptance")
    assert len(rows) == 4
    assert all(row["alertmanager"] == real.url and row["active_at"] < row["ended_at"] for row in rows)


async def test_an_acknowledged_alert_is_silenced_in_the_name_of_who_has_it(
    connection: Connection, database: StorageSettings, webhook: Webhook, real: RealAlertmanager
) -> None:
    """The silence comes with the acknowledgement, goes with its withdrawal, and the end is heard of all the same."""
    alert = Alert(connection)
    async with delivering(database, settings_for(real.url)):
        await alert.look(120)
        await soon(lambda: webhook.count("firing"))
        await alert.acknowledge("Li Wei", "furnace 2 is being stopped")
        (silence,) = await soon(real.silences)
        assert silence["createdBy"] == "Li Wei"
        assert silence["comment"] == "Quotawatt: acknowledged: furnace 2 is being stopped"
        by_hand = await _silence_by_hand(real)
        await alert.unacknowledge("Li Wei")
        await soon(lambda: real.silences("expired"))
        await alert.acknowledge("Zhang Min")
        await soon(lambda: _made_by(real, "Zhang Min"))
        await alert.look(80)
        await soon(lambda: webhook.count("resolved"))
        assert [one["id"] for one in await real.silences()] == [by_hand]
    assert next(webhook.alerts("resolved"))["annotations"]["acknowledged_by"] == "Zhang Min"


async def test_another_severity_is_another_alert_to_route_by_and_the_old_one_says_what_became_of_it(
    connection: Connection, database: StorageSettings, webhook: Webhook, real: RealAlertmanager
) -> None:
    """Both are told at once: nobody hears that it is over without hearing that it goes on."""
    alert = Alert(connection)
    async with delivering(database, settings_for(real.url)):
        await alert.look(120, mark=YELLOW)
        await soon(lambda: webhook.count("firing", severity="attention"))
        await alert.look(130, mark=RED)
        await soon(lambda: webhook.count("firing", severity="critical"))
        last = webhook.heard[-1]["alerts"]
        assert {(one["status"], one["labels"]["severity"]) for one in last} == {
            ("firing", "critical"),
            ("resolved", "attention"),
        }
        (before,) = (one for one in last if one["status"] == "resolved")
        assert before["annotations"]["became"] == "critical"
        assert before["annotations"]["ended_en"] == "Goes on as critical"


async def test_a_correction_arrives_with_both_figures(
    connection: Connection, database: StorageSettings, webhook: Webhook, real: RealAlertmanager
) -> None:
    """One that still fires ends with it; one that had ended long ago is told of once, as a notice of its own."""
    lasting, over = Alert(connection, corrects=True), Alert(connection, "u-2", number=2, corrects=True)
    async with delivering(database, settings_for(real.url)):
        await lasting.look(120)
        await over.look(110)
        await soon(lambda: webhook.count("firing", unit="u-1") and webhook.count("firing", unit="u-2"))
        await over.look(110, closed=True)
        await soon(lambda: webhook.count("resolved", unit="u-2"))
        await lasting.look(95)
        await over.look(99, closed=True)
        await soon(lambda: webhook.count("resolved", unit="u-1") and webhook.count("firing", severity="notice"))
    said = next(webhook.alerts("resolved", unit="u-1"))["annotations"]
    assert said["correction_en"] == (
        "Correction: it did not happen after all; said before: used 120 tce, limit 100 tce;"
        " now: used 95 tce, limit 100 tce"
    )
    assert said["correction_zh"] == "更正：并未发生；此前：用量 120 tce，限额 100 tce；现为：用量 95 tce，限额 100 tce"
    notice = next(webhook.alerts("firing", severity="notice"))
    assert notice["labels"]["unit"] == "u-2"
    assert notice["labels"]["correction"]
    assert "used 110 tce" in notice["annotations"]["correction_en"]
    assert "used 99 tce" in notice["annotations"]["correction_en"]


async def test_nobody_is_called_within_a_maintenance_window(
    connection: Connection, database: StorageSettings, webhook: Webhook, real: RealAlertmanager
) -> None:
    """What fires first within it is told when it ends; what people know of already is silenced, not taken for over."""
    fresh, known = Alert(connection, "u-1"), Alert(connection, "u-2", number=2)
    async with delivering(database, settings_for(real.url, lapse_s=1.0)):
        await known.look(120)
        await soon(lambda: webhook.count("firing", unit="u-2"))
        await connection.execute(
            "insert into maintenance_window (subject, since, until, author, reason)"
            " values ('all', $1, $2, 'Wang Fang', 'transformer')",
            datetime.now(UTC) - timedelta(hours=1),
            datetime.now(UTC) + timedelta(hours=1),
        )
        await known.look(121, silenced=True)
        await fresh.look(120, silenced=True)
        (silence,) = await soon(real.silences)
        assert silence["createdBy"] == "Wang Fang"
        assert silence["comment"].endswith("transformer")
        await never_within(1.2, lambda: webhook.count("firing", unit="u-1") or webhook.count("resolved"))
        await fresh.look(120)
        await known.look(121)
        await soon(lambda: webhook.count("firing", unit="u-1"))
        await soon(lambda: real.silences("expired"))


async def _made_by(real: RealAlertmanager, who: str) -> bool:
    return any(one["createdBy"] == who for one in await real.silences())


async def _silence_by_hand(real: RealAlertmanager) -> str:
    """A person silences one of our alerts in Alertmanager's own page."""
    now = datetime.now(UTC)
    matchers = [{"name": name, "value": "1", "isRegex": False} for name in ("alertname", "alert_id")]
    body = {
        "matchers": matchers,
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "somebody",
        "comment": "by hand",
    }
    async with aiohttp.ClientSession() as session, session.post(f"{real.url}/api/v2/silences", json=body) as answer:
        return str((await answer.json())["silenceID"])
