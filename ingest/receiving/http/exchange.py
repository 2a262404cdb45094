"""What a route of the server gets, and what it gives back: the server alone knows aiohttp."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from energy.errors import RejectedError
from energy.wire import Address

JSON = "application/json"


class Asked(Protocol):
    """A request of a gateway that has proven who it is, and is within its rate.

    Attributes:
        address: who sends.
        path: where it came in, for a person.
        content_type: without parameters, lower case.
        charset: its parameter of that name, None without one.
        query: what follows the `?`; the first value of each name.
    """

    @property
    def address(self) -> Address:
        """Who sends."""

    @property
    def path(self) -> str:
        """Where it came in."""

    @property
    def content_type(self) -> str:
        """The media type of the body."""

    @property
    def charset(self) -> str | None:
        """How the body's text is encoded."""

    @property
    def query(self) -> Mapping[str, str]:
        """What follows the `?`."""

    def pieces(self, most: int) -> AsyncIterator[bytes]:
        """The body, decompressed, in pieces of bounded size; read once.

        Args:
            most: bytes that it may have, as sent and decompressed.

        Raises:
            TooLargeError: it has more, or says that it has.
            WireError: it is not compressed as it says (`malformed`).
            TurnedAwayError: it comes too slowly, or is compressed in a way that nobody here knows.
        """


class Body(Protocol):
    """An answer that is made as it is sent."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces."""

    async def aclose(self) -> None:
        """Is called once, whether it was sent to its end, in part or not at all."""


class Reply(msgspec.Struct, frozen=True):
    """An answer.

    Attributes:
        status: of HTTP.
        body: at once, or in pieces as they are made.
        content_type: its media type.
        headers: further ones.
    """

    status: int
    body: bytes | Body
    content_type: str = JSON
    headers: Mapping[str, str] = {}


Handler = Callable[[Asked], Awaitable[Reply]]
"""A route: answers, or raises TurnedAwayError."""


class TurnedAwayError(RejectedError):
    """A request that is not taken; its sender keeps what it sent.

    Args:
        status: of the answer.
        reason: a word of a closed set, for metrics.
        detail: for a person at the other end.
        retry_after_s: when to come again.
    """

    def __init__(self, status: int, reason: str, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.retry_after_s = retry_after_s


class TooLargeError(TurnedAwayError):
    """The body has more bytes than it may."""

    def __init__(self, most: int) -> None:
        super().__init__(413, "too_large", f"more than {most} bytes")
