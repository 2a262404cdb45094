"""Alerts that live in a database, a service that tells of them, and a webhook that hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from aiohttp import web

from alerts.delivery.service import DeliveryService
from alerts.delivery.settings import AlertmanagerSettings, DeliverySettings
from alerts.life.commands import acknowledge, unacknowledge
from alerts.life.evidence import Evidence, Judged, QuotaUse
from alerts.life.machine import advance
from alerts.life.model import Condition, Look, Standing
from alerts.life.store import SQL, AlertKey, Outcome, keep
from alerts.rules.messages import render
from alerts.rules.model import Message, Rule, Timing
from alerts.verdicts import Colour, Mark, Severity
from energy.clocks import DataClock
from energy.services import run_services
from energy.storage import Connection, StorageSettings
from tests.support.alert_rows import as_said
from tests.support.eventually import eventually

YELLOW = Mark(Severity.ATTENTION, Colour.YELLOW)
RED = Mark(Severity.CRITICAL, Colour.RED)
DAY = date(2026, 3, 1)
TEXT = Message("{unit} 用量 {used},限额 {limit}", "{unit} used {used} of {limit}")
GROUP_INTERVAL_S = 0.5


def settings_for(*urls: str, **others: Any) -> DeliverySettings:
    """Settings that tell these Alertmanagers again and again, far more often than anybody would."""
    quick = {"resend_s": 0.1, "lapse_s": 60.0, "keep_ended_s": 1.0, "check_s": 0.1, "timeout_s": 5.0}
    return DeliverySettings(tuple(AlertmanagerSettings(url) for url in urls), **{**quick, **others})


def configuration(webhook: str) -> str:
    """An alertmanager.yml that tells the webhook of each district at once, and then once per group interval."""
    return f"""
route:
  receiver: webhook
  group_by: [district]
  group_wait: 0s
  group_interval: {GROUP_INTERVAL_S * 1000:.0f}ms
  repeat_interval: 1h
receivers:
  - name: webhook
    webhook_configs: [{{url: "{webhook}", send_resolved: true}}]
"""


async def soon(check: Callable[[], Any]) -> Any:
    """Wait for what takes a moment, on a machine that may be busy with all else."""
    return await eventually(check, within=40)


class Alert:
    """One alert of a quota of a unit; each call is one commit, as the evaluation or a person makes it.

    Args:
        connection: to the database.
        unit: code of the unit.
        district: its district.
        corrects: the rule's.
        number: of its subject, its own among a test's.
    """

    def __init__(
        self,
        connection: Connection,
        unit: str = "u-1",
        district: str = "610303",
        *,
        number: int = 1,
        corrects: bool = False,
    ) -> None:
        self._connection = connection
        self._unit = unit
        self._district = district
        self._corrects = corrects
        self._key = AlertKey("quota_breach" if corrects else "quota_pace", "quota", number, DAY)
        self._standing: Standing | None = None
        self._revision = 0
        self._previous: Evidence | None = None

    async def look(
        self,
        used: float,
        *,
        mark: Mark = RED,
        silenced: bool = False,
        closed: bool = False,
        timing: Timing | None = None,
    ) -> None:
        """An evaluation finds so much used of 100."""
        now = datetime.now(UTC)
        condition = Condition.RAISED if used > 100 else Condition.CLEAR
        end = now - timedelta(hours=1) if closed else now + timedelta(days=1)
        look = Look(condition, mark, now, end, final=closed, corrects=self._corrects)
        standing, move = advance(self._standing, look, timing or Timing(), now, silenced=silenced)
        if standing is None:
            return
        evidence = self._evidence(used, condition, mark, now, end) if move else None
        assert not await keep(self._connection, [Outcome(self._key, None, self._revision, standing, move, evidence)])
        self._standing, self._revision, self._previous = standing, self._revision + 1, evidence or self._previous
        await self._connection.execute(SQL.tell)

    async def acknowledge(self, who: str, note: str = "") -> None:
        """A person takes it on."""
        assert self._standing is not None
        await self._said(*acknowledge(self._standing, who, datetime.now(UTC)), who, note)

    async def unacknowledge(self, who: str) -> None:
        """A person takes that back."""
        assert self._standing is not None
        await self._said(*unacknowledge(self._standing, datetime.now(UTC)), who, "")

    async def _said(self, standing: Standing, move: Any, who: str, note: str) -> None:
        number = await self._connection.fetchval(
            "select alert_id from alert where rule = $1 and subject_id = $2", self._key.rule, self._key.subject_id
        )
        said = msgspec.json.encode(standing).decode()
        await self._connection.execute(
            SQL.say, number, standing.state, standing.since, said, move.from_state, move.reason, who, note
        )
        self._standing, self._revision = standing, self._revision + 1
        await self._connection.execute(SQL.tell)

    def _evidence(self, used: float, condition: Condition, mark: Mark, now: datetime, end: datetime) -> Evidence:
        figures: dict[str, float | None] = {"used": used, "limit": 100.0}
        names = {"unit": self._unit}
        previous = self._previous
        return Evidence(
            rule=Rule(
                code=self._key.rule,
                version="v1",
                subject="quota",
                when="used > limit",
                clear="",
                timing=Timing(),
                severity=mark.severity,
                colour=mark.colour,
                corrects=self._corrects,
                every_s=0,
                where={},
                labels={"team": "energy"},
                message=TEXT,
            ),
            subject=Judged(
                "quota",
                1,
                f"{self._unit}.tce",
                "示例企业",
                "Example",
                self._unit,
                self._district,
                "31",
                {"kind": "quota"},
            ),
            now=now,
            at=now,
            condition=condition,
            mark=mark,
            figures=figures,
            period_start=DAY,
            end=end,
            message=Message(render(TEXT.zh, "zh", figures, names), render(TEXT.en, "en", figures, names)),
            quota=QuotaUse(f"{self._unit}.tce", 1, "市发改委〔2026〕1号", "tce", "tce", "day"),
            previous=as_said(previous, self._standing.state) if previous and self._standing else None,
        )


class Webhook:
    """What arrived, in order, as Alertmanager posts it.

    Attributes:
        url: where it listens.
        heard: every notification.
    """

    def __init__(self) -> None:
        self.url = ""
        self.heard: list[dict[str, Any]] = []

    async def _hear(self, request: web.Request) -> web.Response:
        self.heard.append(await request.json())
        return web.Response()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Webhook]:
        """Listen on any free port."""
        app = web.Application()
        app.router.add_post("/", self._hear)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        try:
            yield self
        finally:
            await runner.cleanup()

    def alerts(self, status: str | None = None, **labels: str) -> Iterator[dict[str, Any]]:
        """Every alert that arrived in this status and with these labels, as often as it arrived."""
        for notification in self.heard:
            for one in notification["alerts"]:
                fits = all(one["labels"].get(name, "") == value for name, value in labels.items())
                if fits and status in {None, one["status"]}:
                    yield one

    def count(self, status: str, **labels: str) -> int:
        """How often that arrived."""
        return sum(1 for _ in self.alerts(status, **labels))


@asynccontextmanager
async def delivering(database: StorageSettings, settings: DeliverySettings) -> AsyncIterator[asyncio.Event]:
    """Run the service for the length of the block; yields what stops it earlier."""
    stop = asyncio.Event()
    service = DeliveryService(database, settings, DataClock())
    async with asyncio.TaskGroup() as group:
        group.create_task(run_services([service], grace=5, stop=stop))
        try:
            yield stop
        finally:
            stop.set()
