"""Requests to one server; the only client module that knows aiohttp, beside what the demo asks."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
import msgspec

from energy.errors import TransportError

_FAILURES = (aiohttp.ClientError, OSError, TimeoutError)

MOST_ANSWER_BYTES = 1 << 20
"""A longer answer is none of ours; it is not read to its end."""


class Answer(msgspec.Struct, frozen=True):
    """What a server answered.

    Attributes:
        status: HTTP status code.
        body: the content, decompressed.
        retry_after: seconds that the server asks us to wait (`Retry-After`), None where it does not say.
    """

    status: int
    body: bytes
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """An answer that is read line by line, while its request may still be on its way.

    Attributes:
        status: HTTP status code.
        retry_after: as in `Answer`.
        lines: without their ends; iterating raises TransportError where the answer breaks off.
    """

    status: int
    retry_after: float | None
    lines: AsyncIterator[bytes]


@asynccontextmanager
async def http_client(
    url: str,
    *,
    headers: Mapping[str, str],
    connections: int,
    timeout_s: float,
    context: ssl.SSLContext | None,
) -> AsyncIterator[HttpClient]:
    """A client that keeps its connections open between requests; no redirect is followed, no cookie kept.

    Args:
        url: what stands before each request's path.
        headers: go with each request.
        connections: most at once.
        timeout_s: real seconds for each request, from its beginning to the last byte of the answer.
        context: certificates for `https://`; the system's authorities where it is None. They are always verified.
    """
    connector = aiohttp.TCPConnector(limit=connections, ssl=context if context is not None else True)
    async with aiohttp.ClientSession(
        connector=connector,
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
    ) as session:
        yield HttpClient(session, url.rstrip("/"))


class HttpClient:
    """Made by `http_client`."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def post(self, path: str, body: bytes) -> Answer:
        """Send `body` and read the whole answer, whatever its status.

        Raises:
            TransportError: no connection, no answer in time, a broken or too long one; whether the server has taken
                the body is unknown.
        """
        return await self._asked("POST", path, body, MOST_ANSWER_BYTES)

    async def get(self, path: str, *, most_bytes: int = MOST_ANSWER_BYTES) -> Answer:
        """Ask, and read the whole answer, whatever its status.

        Raises:
            TransportError: no connection, no answer in time, a broken one, or one of more than `most_bytes`.
        """
        return await self._asked("GET", path, None, most_bytes)

    async def delete(self, path: str) -> Answer:
        """Ask for something to be deleted, and read the whole answer, whatever its status.

        Raises:
            TransportError: as `post`.
        """
        return await self._asked("DELETE", path, None, MOST_ANSWER_BYTES)

    @asynccontextmanager
    async def stream(
        self, path: str, body: AsyncIterator[bytes], *, parameters: Mapping[str, str], idle_s: float
    ) -> AsyncIterator[StreamedAnswer]:
        """Send a body of any length as it comes, and take the answer as it comes: neither waits for the other's end.

        The body is not begun before the server has looked at the head; where it answers with another status than 200,
        the rest of the body is not sent.

        Args:
            path: follows the client's url.
            body: pieces.
            parameters: go into the url.
            idle_s: real seconds without a byte from the server after which it is given up.

        Raises:
            TransportError: as `post`.
        """
        refused = False

        async def sent() -> AsyncIterator[bytes]:
            async for piece in body:
                if refused:
                    return
                yield piece

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=idle_s, sock_read=idle_s)
        url = f"{self._url}{path}"
        try:
            response = await self._session.post(
                url, params=parameters, data=sent(), allow_redirects=False, timeout=timeout, expect100=True
            )
        except _FAILURES as error:
            raise self._lost(path, error) from error
        async with response:
            refused = response.status != HTTPStatus.OK
            wait = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
            yield StreamedAnswer(response.status, wait, self._lines(path, response))

    async def _lines(self, path: str, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        rest = b""
        try:
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line
                if len(rest) > MOST_ANSWER_BYTES:
                    raise TransportError(f"{self._url}{path}: a line of more than {MOST_ANSWER_BYTES} bytes")
        except _FAILURES as error:
            raise self._lost(path, error) from error
        if rest:
            yield rest

    def _lost(self, path: str, error: Exception) -> TransportError:
        what = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientSSLError):
            # aiohttp's own text begins with how it was told to treat certificates, even of plain HTTP.
            what = f"cannot connect: {error.os_error.strerror or error.os_error}"
        return TransportError(f"{self._url}{path}: {what}", advice="Check the url, and the server.")

    async def _asked(self, method: str, path: str, body: bytes | None, most_bytes: int) -> Answer:
        try:
            try:
                return await self._ask(method, path, body, most_bytes)
            except aiohttp.ServerDisconnectedError:
                # A server may close an idle connection in the very moment in which we use it; a new one tells.
                return await self._ask(method, path, body, most_bytes)
        except _FAILURES as error:
            raise self._lost(path, error) from error

    async def _ask(self, method: str, path: str, body: bytes | None, most_bytes: int) -> Answer:
        url = f"{self._url}{path}"
        async with self._session.request(method, url, data=body, allow_redirects=False) as response:
            content = bytearray()
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > most_bytes:
                    response.close()
                    raise TransportError(f"{url}: an answer of more than {most_bytes} bytes")
            wait = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
            return Answer(response.status, bytes(content), wait)


def retry_after(value: str | None, date: str | None) -> float | None:
    """The seconds that a `Retry-After` asks for (RFC 9110, section 10.2.3); None where it is absent or unreadable.

    A time is compared with the answer's own `Date`, since the two clocks need not agree.
    """
    if value is None:
        return None
    try:
        if value.strip().isascii() and value.strip().isdigit():
            return float(value)
        if date is None:
            return None
        return max(0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(date)).total_seconds())
    except (ValueError, TypeError):
        return None
