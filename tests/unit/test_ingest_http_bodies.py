"""A body that comes slowly is cut off; one that waits for us is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol

from energy.wire import Address
from ingest.receiving.http.exchange import TurnedAwayError
from ingest.receiving.http.requests import Request

PATIENCE_S = 0.05


def stream() -> StreamReader:
    """What is fed into it comes by a connection that is open."""
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.transport = asyncio.Transport()
    return StreamReader(protocol, 1 << 16, loop=loop)


def body(content: StreamReader) -> AsyncIterator[bytes]:
    """The pieces of a request whose body comes by `content`."""
    http: Any = SimpleNamespace(content=content, content_length=None)
    return Request(Address("610303", "gw-1"), "/", "identity", PATIENCE_S, http).pieces(1_000)


async def test_our_own_work_is_not_the_senders_slowness() -> None:
    """What was sent may be committed slowly: the sender is held up meanwhile, and goes on when we do."""
    loop, content = asyncio.get_running_loop(), stream()
    committed = asyncio.Event()
    pieces = body(content)
    content.feed_data(b"a")
    assert await anext(pieces) == b"a"
    loop.call_later(4 * PATIENCE_S, committed.set)
    await committed.wait()
    loop.call_later(PATIENCE_S / 5, content.feed_data, b"b")
    assert await anext(pieces) == b"b"
    content.feed_eof()
    assert [piece async for piece in pieces if piece] == []


async def test_drops_do_not_hold_a_place() -> None:
    """However regularly they come: all waiting for them counts."""
    loop, content = asyncio.get_running_loop(), stream()
    for number in range(40):
        loop.call_later(number * PATIENCE_S / 5, content.feed_data, b"a")
    received = 0
    with pytest.raises(TurnedAwayError, match="slowly"):  # noqa: PT012 - counted until it raises
        async for piece in body(content):
            received += len(piece)
    assert 1 <= received <= 10
