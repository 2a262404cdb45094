"""Requests and answers between aiohttp and our routes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from energy.wire import Address
from energy.wire.push import GATEWAY_HEADER
from ingest.receiving.http.decompression import ENCODINGS, inflater
from ingest.receiving.http.exchange import Reply, TooLargeError, TurnedAwayError
from ingest.receiving.http.gatekeeper import Credentials
from ingest.receiving.http.tls import names_in

SERVER = {"Server": "quotawatt"}
"""Goes with each answer: aiohttp would tell its version."""
_SLOWEST_BYTES_S = 1_024
"""A body that comes faster is never too slow."""


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
    def charset(self) -> str | None:
        """How the body's text is encoded."""
        return self.http.charset

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
        """As it came; what comes by drops has to come within a time, and the longer, the more it is.

        Only waiting for the sender counts: what we do with the pieces, such as committing them, is no fault of its own.
        """
        content, loop, received, waited = self.http.content, asyncio.get_running_loop(), 0, 0.0
        if content.is_eof():  # it came with its head, as most do
            yield content.read_nowait()
            return
        while not content.at_eof():
            began = loop.time()
            try:
                async with asyncio.timeout(self.patience_s + received / _SLOWEST_BYTES_S - waited):
                    data = await content.readany()
            except TimeoutError as error:
                raise TurnedAwayError(408, "too_slow", "the body comes too slowly") from error
            except web.RequestPayloadError as error:
                raise TurnedAwayError(400, "not_http", "the body is cut in a way that is no HTTP") from error
            received += len(data)
            waited += loop.time() - began
            yield data


def credentials_of(request: web.BaseRequest) -> Credentials:
    """What a request says of its sender."""
    transport = request.transport
    return Credentials(
        request.remote or "",
        request.headers.getall(GATEWAY_HEADER, ()),
        request.headers.getall("Authorization", ()),
        names_in(transport.get_extra_info("peercert") if transport else None),
    )


def encoding_of(request: web.BaseRequest) -> str:
    """How the body is compressed; raises TurnedAwayError where nobody here knows that."""
    encoding = ",".join(request.headers.getall("Content-Encoding", ())).strip().lower() or "identity"
    if encoding not in ENCODINGS:
        raise TurnedAwayError(415, "unknown_encoding", f"Content-Encoding: one of {', '.join(ENCODINGS)} expected")
    return encoding


async def welcome_body(request: web.BaseRequest) -> None:
    """Tell a client that asks first that its body is welcome."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # of the answer itself nothing is written


async def respond(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """Give the answer of a route."""
    headers = {"Content-Type": reply.content_type, **SERVER, **reply.headers}
    if isinstance(reply.body, bytes):
        return web.Response(status=reply.status, body=reply.body, headers=headers)
    response = web.StreamResponse(status=reply.status, headers=headers)
    try:
        await response.prepare(request)
        async for piece in reply.body:
            await response.write(piece)
    except Exception:
        if request.transport is not None:
            request.transport.abort()  # an answer cut short must not look like a whole one
        raise
    finally:
        await reply.body.aclose()
    await response.write_eof()
    return response


def turned_away(error: TurnedAwayError) -> web.Response:
    """The answer to a request that is not taken."""
    response = web.Response(status=error.status, text=f"{error.detail}\n", headers=SERVER)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
