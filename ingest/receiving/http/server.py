"""The server of HTTP push; the module that knows aiohttp, with `connection`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

from aiohttp import web

from energy.errors import RetryableError, SetupError
from energy.metrics import unforeseen_error
from energy.services import Control
from energy.waiting import set_within
from ingest.receiving.http import metrics
from ingest.receiving.http.connection import Connection, Connections
from ingest.receiving.http.exchange import Handler, TurnedAwayError
from ingest.receiving.http.gatekeeper import Gatekeeper
from ingest.receiving.http.requests import (
    SERVER,
    Request,
    credentials_of,
    encoding_of,
    respond,
    turned_away,
    welcome_body,
)
from ingest.receiving.http.settings import HttpSettings
from ingest.receiving.http.tokens import Tokens
from ingest.stopping import until_stopping

DRAIN_S = 5.0
"""Real seconds that requests may still take when the stop is asked for."""
LINGER_S = 1.0
"""Real seconds in which a body that nobody reads may still come, and a connection may close in order."""
_BACKLOG = 1_024
_AWAY_S = 5.0


class HttpServer:
    """A service that lets gateways push; it stops before the pipeline, when all it took is answered.

    Args:
        settings: the table `[http]`.
        gatekeeper: lets in.
        tokens: followed while the server runs.
        routes: what serves each path that follows the prefix.
    """

    name = "http"

    def __init__(
        self, settings: HttpSettings, gatekeeper: Gatekeeper, tokens: Tokens | None, routes: Mapping[str, Handler]
    ) -> None:
        self.port: int | None = None
        self._settings = settings
        self._gatekeeper = gatekeeper
        self._tokens = tokens
        self._routes = {settings.prefix + path: (path, handler) for path, handler in routes.items()}
        self._connections = Connections(settings.limits.connections, settings.limits.first_request_s)
        self._active = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    @property
    def connections(self) -> int:
        """How many are open."""
        return self._connections.open

    async def run(self, control: Control) -> None:
        """Serve until told to stop, then answer what was taken.

        Raises:
            SetupError: the port or the certificates cannot be had.
        """
        server = web.Server(self._handle)
        settings = self._settings
        context = settings.tls.context(required=settings.tokens_file is None) if settings.tls else None
        listener = await self._listen(server, context)
        try:
            control.ready()
            await until_stopping(control, self._follow_files(context))
            listener.close()
            self._stopping = True
            await set_within(self._idle, DRAIN_S)
        finally:
            listener.close()
            server.pre_shutdown()
            await server.shutdown(LINGER_S)

    async def _follow_files(self, context: ssl.SSLContext | None) -> None:
        """Use tokens and certificates that change while we run."""
        async with asyncio.TaskGroup() as group:
            if self._tokens is not None:
                group.create_task(self._tokens.follow())
            if context is not None and self._settings.tls is not None:
                group.create_task(self._settings.tls.follow(context))
            group.create_task(asyncio.Event().wait())  # until the stop

    async def _listen(self, server: web.Server, context: ssl.SSLContext | None) -> asyncio.Server:
        settings, limits = self._settings, self._settings.limits
        loop = asyncio.get_running_loop()

        def connection() -> Connection:
            return Connection(
                self._connections,
                server,
                loop=loop,
                access_log=None,
                auto_decompress=False,
                keepalive_timeout=limits.idle_s,
                lingering_time=LINGER_S,
            )

        try:
            listener = await loop.create_server(
                connection,
                settings.host,
                settings.port,
                backlog=_BACKLOG,
                reuse_port=settings.shared_port or None,
                ssl=context,
                ssl_handshake_timeout=limits.first_request_s if context else None,
                ssl_shutdown_timeout=LINGER_S if context else None,
            )
        except OSError as error:
            raise SetupError(
                f"HTTP push cannot listen on {settings.host}:{settings.port}: {error.strerror or error}",
                advice="Choose another host or port in [http].",
            ) from error
        self.port = int(listener.sockets[0].getsockname()[1])
        metrics.listening(settings.host, self.port, tls=context is not None)
        return listener

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, whatever comes."""
        began = asyncio.get_running_loop().time()
        path, handler = self._routes.get(request.path, ("other", None))
        self._active += 1
        self._idle.clear()
        try:
            response = await self._answer(request, path, handler)
        finally:
            self._active -= 1
            if not self._active:
                self._idle.set()
        metrics.answered(path, response.status, asyncio.get_running_loop().time() - began)
        return response

    async def _answer(self, request: web.BaseRequest, path: str, handler: Handler | None) -> web.StreamResponse:
        try:
            return await self._served(request, path, handler)
        except TurnedAwayError as error:
            metrics.turned_away(error.reason, request.remote or "")
            response = turned_away(error)
            if self._stopping or not _connection(request).is_proven:
                response.force_close()
            return response
        except RetryableError:
            return turned_away(TurnedAwayError(503, "away", "come again", retry_after_s=_AWAY_S))
        except ConnectionError:  # the client has gone; nobody reads this
            return web.Response(status=400, headers=SERVER)
        except Exception:  # noqa: BLE001 - the outer edge: one request must not end the others; it is counted
            unforeseen_error("http")
            return web.Response(status=500, headers=SERVER)

    async def _served(self, request: web.BaseRequest, path: str, handler: Handler | None) -> web.StreamResponse:
        if self._stopping:
            raise TurnedAwayError(503, "stopping", "this worker stops", retry_after_s=1)
        if handler is None:
            raise TurnedAwayError(404, "no_route", "no such path")
        if request.method != "POST":
            raise TurnedAwayError(405, "no_route", "POST expected")
        address = self._gatekeeper.authenticate(credentials_of(request))
        _connection(request).proven()
        self._gatekeeper.admit(address)
        asked = Request(address, path, encoding_of(request), self._settings.limits.body_s, request)
        await welcome_body(request)
        return await respond(request, await handler(asked))


def _connection(request: web.BaseRequest) -> Connection:
    assert isinstance(request.protocol, Connection)  # noqa: S101 - made by `_listen`
    return request.protocol
