"""Alertmanager's API v2, as far as we use it: https://github.com/prometheus/alertmanager, api/v2/openapi.yaml."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

import msgspec

from alerts.delivery.settings import AlertmanagerSettings
from alerts.delivery.silences import KnownSilence, WantedSilence
from energy.errors import PermissionRefusedError, RejectedError, TransportError
from energy.transport.http import Answer, HttpClient, http_client

T = TypeVar("T")

_MOST_SILENCES_BYTES = 64 << 20  # expired ones are among them for five days
_CONNECTIONS = 2
_SHOWN = 300


class PostedAlert(msgspec.Struct, frozen=True, rename="camel"):
    """An alert as it is posted; times are real."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    generator_url: str = msgspec.field(default="", name="generatorURL")


class _Status(msgspec.Struct, frozen=True):
    uptime: str
    """When the process began, although it is called otherwise."""


@asynccontextmanager
async def alertmanager(settings: AlertmanagerSettings, timeout_s: float) -> AsyncIterator[Alertmanager]:
    """A client; secrets and certificates are read anew.

    Raises:
        SetupError: a secret or a certificate cannot be read.
    """
    headers = {"Content-Type": "application/json", **settings.authorization()}
    context = settings.tls.context(settings.url) if settings.tls else None
    async with http_client(
        settings.url, headers=headers, connections=_CONNECTIONS, timeout_s=timeout_s, context=context
    ) as client:
        yield Alertmanager(client, settings.url)


class Alertmanager:
    """Made by `alertmanager`.

    Each call raises TransportError where nothing, or nothing sensible, is answered, and PermissionRefusedError where
    Alertmanager, or a proxy before it, refuses us.
    """

    def __init__(self, client: HttpClient, url: str) -> None:
        self._client = client
        self._url = url

    async def began(self) -> str:
        """When its process began: another answer than before says that it has lost its memory."""
        return self._read(await self._client.get("/api/v2/status"), _Status).uptime

    async def post(self, alerts: Sequence[PostedAlert]) -> None:
        """Tell of alerts.

        Raises:
            RejectedError: at least one of them is refused for what it holds; others may have been taken.
        """
        answer = await self._client.post("/api/v2/alerts", msgspec.json.encode(alerts))
        if answer.status == HTTPStatus.BAD_REQUEST:
            raise RejectedError(_said(answer))
        self._require(answer)

    async def silences(self) -> list[KnownSilence]:
        """All of its silences, expired ones among them; its filter knows single values only."""
        answer = await self._client.get("/api/v2/silences", most_bytes=_MOST_SILENCES_BYTES)
        return self._read(answer, list[KnownSilence])

    async def silence(self, wanted: WantedSilence) -> None:
        """Make a silence, or make one longer."""
        self._require(await self._client.post("/api/v2/silences", msgspec.json.encode(wanted)))

    async def unsilence(self, number: str) -> None:
        """End a silence; one that is over already, or gone, will do."""
        answer = await self._client.delete(f"/api/v2/silence/{quote(number, safe='')}")
        if answer.status != HTTPStatus.NOT_FOUND:
            self._require(answer)

    def _read(self, answer: Answer, kind: type[T]) -> T:
        self._require(answer)
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except msgspec.DecodeError as error:
            raise TransportError(
                f"{self._url}: not an answer of Alertmanager: {error}", advice="Check the url, with its path prefix."
            ) from error

    def _require(self, answer: Answer) -> None:
        if answer.status == HTTPStatus.OK:
            return
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise PermissionRefusedError(
                f"{self._url} refuses us with status {answer.status}",
                advice="Check username and password_file, or token_file, in [[delivery.alertmanager]].",
            )
        raise TransportError(
            f"{self._url} answers with status {answer.status}: {_said(answer)}",
            advice="Check the url, with its path prefix; Alertmanager 0.22 or newer is needed (API v2).",
        )


def _said(answer: Answer) -> str:
    return answer.body[:_SHOWN].decode(errors="replace").strip()
