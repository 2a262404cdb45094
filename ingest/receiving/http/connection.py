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
    """Those that are open.

    Args:
        most: when there are so many, a new one takes the place of the oldest that has not shown whose it is.
        first_request_s: real seconds within which each has to show that.

    """

    def __init__(self, most: int, first_request_s: float) -> None:
        self.first_request_s = first_request_s
        self._most = most
        self._open: set[Connection] = set()
        self._strangers: dict[Connection, None] = {}  # in the order of arrival

    @property
    def open(self) -> int:
        """How many there are."""
        return len(self._open)

    def enter(self, connection: Connection) -> bool:
        """Count a connection as a stranger's; False where there is no place."""
        if self.open >= self._most and not self._make_place():
            return False
        self._open.add(connection)
        self._strangers[connection] = None
        return True

    def proven(self, connection: Connection) -> None:
        """A stranger is none any more."""
        self._strangers.pop(connection, None)

    def leave(self, connection: Connection) -> None:
        """Forget a connection; a second time does nothing."""
        self._open.discard(connection)
        self._strangers.pop(connection, None)

    def _make_place(self) -> bool:
        oldest = next(iter(self._strangers), None)
        if oldest is None:
            return False
        oldest.drop("displaced")
        return True


class Connection(web.RequestHandler):
    """A connection; closed where no request on it shows in time whose it is, so that slow heads cost little.

    Args:
        connections: counts it.
        manager: aiohttp's server.
        options: aiohttp's.

    Attributes:
        is_proven: whether a request on it has shown whose it is.
    """

    def __init__(self, connections: Connections, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self.is_proven = False
        self._connections = connections
        self._serving = False
        self._peer = ""
        self._proof_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve it, or say that there are too many."""
        self._peer = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._connections.enter(self):
            assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - TCP
            metrics.turned_away("too_many_connections", self._peer)
            transport.write(_FULL)
            transport.close()
            return
        self._serving = True
        wait = self._connections.first_request_s
        self._proof_due = asyncio.get_running_loop().call_later(wait, self.drop, "slow_head")
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget it."""
        self._forget()
        if self._serving:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; of one too many nothing."""
        if self._serving:
            super().data_received(data)

    def proven(self) -> None:
        """A request on it has shown whose it is."""
        if not self.is_proven:
            self.is_proven = True
            self._connections.proven(self)
            self._cancel_timer()

    def drop(self, reason: str) -> None:
        """Close it at once: nobody knows whose it is."""
        metrics.turned_away(reason, self._peer)
        self._forget()
        if self.transport is not None:
            self.transport.abort()

    def _forget(self) -> None:
        self._connections.leave(self)
        self._cancel_timer()

    def _cancel_timer(self) -> None:
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
