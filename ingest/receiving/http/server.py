"""The server of HTTP push; the module that knows aiohttp, with `connection`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from energy.errors import SetupError
from energy.metrics import unforeseen_error
from energy.services import Control
from energy.waiting import set_within
from energy.wire import Address
from energy.wire.push import GATEWAY_HEADER
from ingest.receiving.http import metrics
from ingest.receiving.http.connection import Connection, Connections
from ingest.receiving.http.decompression import ENCODINGS, inflater
from ingest.receiving.http.exchange import Handler, Reply, TooLargeError, TurnedAwayError
from ingest.receiving.http.gatekeeper import Credentials, Gatekeeper
from ingest.receiving.http.settings import HttpSettings
from ingest.receiving.http.tls import names_in
from ingest.receiving.http.tokens import Tokens
from ingest.stopping import until_stopping

DRAIN_S = 5.0
"""Real seconds that requests may still take when the stop is asked for."""
_SLOWEST_BYTES_S = 1024
_LINGER_S = 2.0
_BACKLOG = 1_024


@dataclass(frozen=True, slots=True)
class Request:
    """What a route gets; see `exchange.Asked`."""

    address: Address
    path: str
    encoding: str
    patience_s: float
    http: web.BaseRequest

    @property
    def content_type(self) -> str:
        """The media type of the body."""
        return self.http.content_type

    @property
    def query(self) -> Mapping[str, str]:
        """What follows the `?`."""
        return self.http.query

    async def pieces(self, most: int) -> AsyncIterator[bytes]:
        """The body, as `exchange.Asked` says."""
        if (self.http.content_length or 0) > most:
            raise TooLargeError(most)
        stream, sent, made = inflater(self.encoding), 0, 0
        async for data in self._raw():
            sent += len(data)
            if sent > most:
                raise TooLargeError(most)
            for piece in stream.feed(data):
                made += len(piece)
                if made > most:
                    raise TooLargeError(most)
                yield piece
        stream.finish()

    async def _raw(self) -> AsyncIterator[bytes]:
        """As it came; what comes by drops has to come within a time, and the longer, the more it is."""
        content, loop, received = self.http.content, asyncio.get_running_loop(), 0
        began = loop.time()
        while not content.at_eof():
            try:
                async with asyncio.timeout_at(began + self.patience_s + received / _SLOWEST_BYTES_S):
                    data = await content.readany()
            except TimeoutError as error:
                raise TurnedAwayError(408, "too_slow", "the body comes too slowly") from error
            except web.RequestPayloadError as error:
                raise TurnedAwayError(400, "not_http", "the body is cut in a way that is no HTTP") from error
            received += len(data)
            yield data


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
            await server.shutdown(_LINGER_S)

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
                lingering_time=_LINGER_S,
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
        path, handler = self._routes.get(request.path, ("", None))
        self._active += 1
        self._idle.clear()
        try:
            response = await self._answer(request, path, handler)
        except TurnedAwayError as error:
            response = _turned_away(error)
            metrics.turned_away(error.reason, request.remote or "")
        except ConnectionError:  # the client has gone; nobody reads this
            response = web.Response(status=400)
        except Exception:  # noqa: BLE001 - the outer edge: one request must not end the others; it is counted
            unforeseen_error("http")
            response = web.Response(status=500)
        finally:
            self._active -= 1
            if not self._active:
                self._idle.set()
        metrics.answered(path, response.status, asyncio.get_running_loop().time() - began)
        response.headers["Server"] = "quotawatt"
        return response

    async def _answer(self, request: web.BaseRequest, path: str, handler: Handler | None) -> web.StreamResponse:
        if self._stopping:
            raise TurnedAwayError(503, "stopping", "this worker stops", retry_after_s=1)
        if handler is None:
            raise TurnedAwayError(404, "no_route", "no such path")
        if request.method != "POST":
            raise TurnedAwayError(405, "no_route", "POST expected")
        address = self._gatekeeper.authenticate(_credentials(request))
        assert isinstance(request.protocol, Connection)  # noqa: S101 - made by `_listen`
        request.protocol.proven()
        self._gatekeeper.admit(address)
        asked = Request(address, path, _encoding(request), self._settings.limits.body_s, request)
        await _expect(request)
        return await _respond(request, await handler(asked))


def _credentials(request: web.BaseRequest) -> Credentials:
    transport = request.transport
    return Credentials(
        request.remote or "",
        request.headers.getall(GATEWAY_HEADER, ()),
        request.headers.getall("Authorization", ()),
        names_in(transport.get_extra_info("peercert") if transport else None),
    )


def _encoding(request: web.BaseRequest) -> str:
    encoding = ",".join(request.headers.getall("Content-Encoding", ())).strip().lower() or "identity"
    if encoding not in ENCODINGS:
        raise TurnedAwayError(415, "unknown_encoding", f"Content-Encoding: one of {', '.join(ENCODINGS)} expected")
    return encoding


async def _expect(request: web.BaseRequest) -> None:
    """Tell a client that asks first that its body is welcome."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _respond(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    headers = {"Content-Type": reply.content_type, **reply.headers}
    if isinstance(reply.body, bytes):
        return web.Response(status=reply.status, body=reply.body, headers=headers)
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    async for piece in reply.body:
        await response.write(piece)
    await response.write_eof()
    return response


def _turned_away(error: TurnedAwayError) -> web.Response:
    response = web.Response(status=error.status, text=f"{error.detail}\n")
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(max(1, round(error.retry_after_s + 0.5)))
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
