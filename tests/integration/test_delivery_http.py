"""What stands between us and Alertmanager: certificates, secrets, proxies, and alerts that it does not take."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from alerts.delivery import store
from alerts.delivery.service import check_alertmanagers
from alerts.delivery.settings import AlertmanagerSettings, DeliverySettings
from energy.errors import TransportError
from energy.storage import Connection, StorageSettings
from energy.transport.tls import TlsSettings
from tests.support.delivery_world import YELLOW, Alert, delivering, settings_for, soon


@dataclass
class Guard:
    """Stands for an Alertmanager behind a proxy: asks for a token, and refuses requests that hold a certain unit.

    Attributes:
        lets_in: the token that it lets in; None lets everybody in.
        refused: the unit that it does not take, as Alertmanager does with labels that it cannot read.
        taken: every alert that it took.
        asked: how often it was asked without being let in.
        answers: set while it answers at once.
    """

    lets_in: str | None = None
    refused: str = ""
    taken: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def listening(self, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        """Listen on any free port; yields the url."""
        self.answers.set()
        app = web.Application(middlewares=[self._let_in])
        app.router.add_get("/api/v2/status", _status)
        app.router.add_get("/api/v2/silences", _silences)
        app.router.add_post("/api/v2/alerts", self._alerts)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        try:
            yield f"http{'s' if context else ''}://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.lets_in is not None and request.headers.get("Authorization") != f"Bearer {self.lets_in}":
            self.asked += 1
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        response: web.StreamResponse = await handler(request)
        return response

    async def _alerts(self, request: web.Request) -> web.Response:
        alerts = await request.json()
        await self.answers.wait()
        if any(one["labels"]["unit"] == self.refused for one in alerts):
            return web.Response(status=HTTPStatus.BAD_REQUEST, text="invalid label")
        self.taken += alerts
        return web.Response()

    def units(self) -> set[str]:
        """Of which units it took something."""
        return {one["labels"]["unit"] for one in self.taken}


async def _status(_: web.Request) -> web.Response:
    return web.json_response({"uptime": "2026-03-01T00:00:00Z"})


async def _silences(_: web.Request) -> web.Response:
    return web.json_response([])


async def test_one_alert_that_is_refused_keeps_no_other(
    connection: Connection, database: StorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alertmanager refuses a request as a whole; the others of it are told all the same, and it is tried again.

    Both bounds are below the number of alerts: what does not fit follows at once.
    """
    monkeypatch.setattr(store, "MOST_CHANGES", 2)
    guard = Guard(refused="u-3")
    async with guard.listening() as url:
        for number in range(1, 6):
            await Alert(connection, f"u-{number}", number=number).look(120)
        async with delivering(database, settings_for(url, batch=3)):
            await soon(lambda: guard.units() == {"u-1", "u-2", "u-4", "u-5"})
            guard.refused = ""
            await soon(lambda: "u-3" in guard.units())


async def test_a_breach_overtakes_the_flood_that_is_being_told(
    connection: Connection, database: StorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written down while lesser alerts wait is told after the request that is under way."""
    monkeypatch.setattr(store, "MOST_CHANGES", 5)
    guard = Guard()
    async with guard.listening() as url:
        guard.answers.clear()
        for number in range(2, 30):
            await Alert(connection, f"u-{number}", number=number).look(120, mark=YELLOW)
        async with delivering(database, settings_for(url, batch=1)):
            await soon(lambda: connection.fetchval("select count(*) = 28 from alert_notice"))
            await Alert(connection, "u-1", number=1).look(120)
            await soon(lambda: connection.fetchval("select count(*) = 29 from alert_notice"))
            guard.answers.set()
            await soon(lambda: len(guard.units()) == 29)
    assert "u-1" in [one["labels"]["unit"] for one in guard.taken[:4]]


async def test_notices_that_are_done_are_deleted_in_time(
    connection: Connection, database: StorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table must not grow for years: the history is in the transitions."""
    monkeypatch.setattr(store, "KEPT", timedelta(0))
    guard, over, lasting = Guard(), Alert(connection, "u-1", number=1), Alert(connection, "u-2", number=2)
    async with guard.listening() as url, delivering(database, settings_for(url, keep_ended_s=0.001)):
        await over.look(120)
        await soon(guard.units)
        await over.look(80)
        await soon(lambda: connection.fetchval("select count(*) = 1 from alert_acceptance where ended_at is not null"))
        await lasting.look(120)
        await soon(lambda: connection.fetchval("select array_agg(labels ->> 'unit') = '{u-2}' from alert_notice"))
    assert await connection.fetchval("select count(*) from alert_transition") == 3


async def test_a_renewed_token_is_read_and_certificates_are_verified(
    connection: Connection, database: StorageSettings, tmp_path: Path
) -> None:
    """Over TLS, with a token that is old at first; who does not know the authority is not even asked."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "token").write_text("old")
    guard = Guard(lets_in="new")
    async with guard.listening(context) as url:
        tls = TlsSettings(ca_file=tmp_path / "ca.pem")
        settings = DeliverySettings((AlertmanagerSettings(url, token_file=tmp_path / "token", tls=tls),), check_s=0.1)
        await Alert(connection).look(120)
        async with delivering(database, settings):
            await soon(lambda: guard.asked)
            (tmp_path / "token").write_text("new\n")
            await soon(guard.units)
        asked = guard.asked
        with pytest.raises(TransportError, match="certificate"):
            await check_alertmanagers(DeliverySettings((AlertmanagerSettings(url),)))
        assert guard.asked == asked
        await check_alertmanagers(settings)


async def test_what_is_no_alertmanager_is_named() -> None:
    """Where the path prefix is missing, say."""
    async with Guard().listening() as url:
        settings = DeliverySettings(
            (AlertmanagerSettings(f"{url}/elsewhere"), AlertmanagerSettings("http://127.0.0.1:1"))
        )
        with pytest.raises(TransportError, match=r"/elsewhere answers with status 404.*; http://127.0.0.1:1") as caught:
            await check_alertmanagers(settings)
        assert "cannot connect" in str(caught.value)
