"""One connection of aiohttp's server, with what that lacks: bounds on their number, and on a stranger's stay."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from aiohttp import web

from ingest.receiving.http import metrics

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n"
    b"Server: quotawatt\r\n\r\n"
)


class Connections:
    """How many there are.

    Args:
        most: further ones are told to come later.
        first_request_s: real seconds within which each has to show who it is.
    """

    def __init__(self, most: int, first_request_s: float) -> None:
        self.most = most
        self.first_request_s = first_request_s
        self.open = 0


class Connection(web.RequestHandler):
    """A connection; closed if no request on it has proven whose it is within a time, so that slow heads cost little.

    Args:
        connections: counts it.
        manager: aiohttp's server.
        options: aiohttp's.
    """

    def __init__(self, connections: Connections, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self._connections = connections
        self._counted = False
        self._proof_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve it, or say that there are too many."""
        if self._connections.open >= self._connections.most:
            assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP
            metrics.turned_away("too_many_connections", str((transport.get_extra_info("peername") or ("",))[0]))
            transport.write(_FULL)
            transport.close()
            return
        self._connections.open += 1
        self._counted = True
        loop = asyncio.get_running_loop()
        self._proof_due = loop.call_later(self._connections.first_request_s, self._too_slow)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget it."""
        self.proven()
        if self._counted:
            self._counted = False
            self._connections.open -= 1
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; of one too many nothing."""
        if self._counted:
            super().data_received(data)

    def proven(self) -> None:
        """A request on it has shown whose it is."""
        if self._proof_due is not None:
            self._proof_due.cancel()
            self._proof_due = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,  # noqa: ARG002 - aiohttp's signature
        message: str | None = None,  # noqa: ARG002 - likewise
    ) -> web.StreamResponse:
        """Answer what is no HTTP, or what nobody foresaw, without a word more than needed; aiohttp would log each."""
        metrics.turned_away("not_http" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "fault", request.remote or "")
        response = web.Response(status=status, headers={"Server": "quotawatt"})
        response.force_close()
        return response

    def _too_slow(self) -> None:
        metrics.turned_away("too_slow", "")
        self.force_close()
