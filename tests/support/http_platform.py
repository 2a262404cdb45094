"""A platform that speaks HTTP push, as docs/wire-protocol.md has it: it commits, then answers; faults on demand."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from energy.clocks import DataClock
from energy.errors import WireError
from energy.wire import (
    Acknowledgement,
    Command,
    Refusal,
    RefusalCode,
    Status,
    StatusAnswer,
    decode_envelope,
    decode_status,
    encode,
)

Fault = Callable[[web.Request, bytes], Any]
"""Answers a request with this body in the place of a commit; plain or async."""


class HttpPlatform:
    """What came up, and how it is answered; made by `http_platform`.

    Attributes:
        url: where it listens.
        committed: bodies by number of what it took; a set, since a repeated one must be the same.
        order: numbers in the order of their first arrival.
        times: how often each number came.
        statuses: what was told.
        gateways: the values of the gateway header.
        tokens: those of the authorization header.
        commands: handed out with the next answer to a status.
        turned_away: requests without the right token.
        token: the only one that is let in, where it is set.
        skew_ms: how far the platform's clock is ahead.
        gate: clear it to keep every commit waiting.
        status_gate: clear it to keep every status waiting.
        most_at_once: the most requests for readings that ran beside each other.
    """

    def __init__(self) -> None:
        self.url = ""
        self.committed: dict[int, set[bytes]] = {}
        self.order: list[int] = []
        self.times: Counter[int] = Counter()
        self.statuses: list[Status] = []
        self.gateways: set[str | None] = set()
        self.tokens: set[str | None] = set()
        self.commands: list[Command] = []
        self.token: str | None = None
        self.turned_away = 0
        self.skew_ms = 0
        self.most_at_once = 0
        self._at_once = 0
        self._faults: list[Fault] = []
        self._always: Fault | None = None
        self.gate, self.status_gate = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.status_gate.set()

    def fail(self, *faults: Fault) -> None:
        """Answer the next requests for readings so, one fault each."""
        self._faults.extend(faults)

    def fail_always(self, fault: Fault | None) -> None:
        """Answer every request for readings so, until told otherwise."""
        self._always = fault

    async def readings(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/readings`."""
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            body = await request.read()
            await self.gate.wait()
            return await self._readings(request, body)
        finally:
            self._at_once -= 1

    async def status(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/status`."""
        if (refused := self._refused(request)) is not None:
            return refused
        await self.status_gate.wait()
        self.statuses.append(decode_status(await request.read()))
        commands, self.commands = self.commands, []
        return _json(encode(StatusAnswer(1, [msgspec.Raw(encode(command)) for command in commands])))

    async def _readings(self, request: web.Request, body: bytes) -> web.StreamResponse:
        if (refused := self._refused(request)) is not None:
            return refused
        fault = self._faults.pop(0) if self._faults else self._always
        if fault is not None:
            found = fault(request, body)
            answered: web.StreamResponse = await found if asyncio.iscoroutine(found) else found
            return answered
        return self.commit(body)

    def commit(self, body: bytes) -> web.Response:
        """Take an envelope, or refuse it whole, and answer."""
        now = DataClock().now_ms() + self.skew_ms
        try:
            envelope = decode_envelope(body)
        except WireError as error:
            refusal = Refusal(None, None, RefusalCode(error.code), error.detail)
            return _json(encode(Acknowledgement(1, None, [], [refusal], now)), status=400)
        if envelope.seq not in self.committed:
            self.order.append(envelope.seq)
        self.committed.setdefault(envelope.seq, set()).add(body)
        self.times[envelope.seq] += 1
        return _json(encode(Acknowledgement(1, envelope.stream, [envelope.seq], [], now)))

    def _refused(self, request: web.Request) -> web.Response | None:
        self.gateways.add(request.headers.get("Quotawatt-Gateway"))
        self.tokens.add(request.headers.get("Authorization"))
        if self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}":
            self.turned_away += 1
            return web.Response(status=401)
        return None


def answer(status: int, body: bytes = b"", **headers: str) -> Fault:
    """The fault of answering without a commit; underscores in names of headers stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request, _body: web.Response(status=status, body=body, headers=named)


def wrong_stream(_request: web.Request, body: bytes) -> web.Response:
    """The fault of confirming the number in another stream."""
    return _json(encode(Acknowledgement(1, "f" * 32, [decode_envelope(body).seq])))


async def cut(request: web.Request, _body: bytes) -> web.StreamResponse:
    """The fault of closing the connection in the middle of the answer, which promises more bytes."""
    response = web.StreamResponse(headers={"Content-Length": "4096"})
    await response.prepare(request)
    await response.write(b'{"v":1,"stream":')
    assert request.transport is not None
    request.transport.abort()
    return response


def cut_after_commit(platform: HttpPlatform) -> Fault:
    """The fault of committing, and then closing the connection in the middle of the answer."""

    async def fault(request: web.Request, body: bytes) -> web.StreamResponse:
        platform.commit(body)
        return await cut(request, body)

    return fault


@asynccontextmanager
async def http_platform(*, context: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[HttpPlatform]:
    """A platform on a free port of the loopback; with TLS where a context is given."""
    platform = HttpPlatform()
    application = web.Application(client_max_size=1 << 20)
    application.router.add_post("/push/v1/readings", platform.readings)
    application.router.add_post("/push/v1/status", platform.status)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        platform.url = f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}/push"
        yield platform
    finally:
        platform.gate.set()
        platform.status_gate.set()
        with contextlib.suppress(ConnectionError):
            await runner.cleanup()


def _json(body: bytes, *, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
