"""A bounded queue between two stages of a pipeline, which the sender can close.

A full channel makes the sender wait: overload becomes back-pressure, not memory. Closing it is the end marker: the
receiver drains what is left, then its iteration ends. (`asyncio.Queue` learns to close only in Python 3.13.)
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class ChannelClosedError(Exception):
    """The channel was closed: nothing can be put, or nothing is left to get."""


class Channel(Generic[T]):
    """A first-in, first-out queue of at most `capacity` items for one event loop.

    Attributes:
        capacity: most items that it holds.
        pushed: items put since the start; `pushed - popped` is the length.
        popped: items taken out since the start.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"a channel holds at least one item, not {capacity}")
        self.capacity = capacity
        self.pushed = 0
        self.popped = 0
        self._items: deque[T] = deque()
        self._senders: deque[asyncio.Future[None]] = deque()
        self._receivers: deque[asyncio.Future[None]] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    @property
    def closed(self) -> bool:
        """Whether `close` was called; items may be left to get."""
        return self._closed

    async def put(self, item: T) -> None:
        """Append `item`, waiting while the channel is full; raises ChannelClosedError, and then it was not put."""
        while len(self._items) >= self.capacity and not self._closed:
            await _wait_among(self._senders)
        if self._closed:
            raise ChannelClosedError("put into a closed channel")
        self._items.append(item)
        self.pushed += 1
        _wake_one(self._receivers)

    async def get(self) -> T:
        """Take the oldest item, waiting for one; raises ChannelClosedError when closed and drained."""
        while not self._items:
            if self._closed:
                raise ChannelClosedError("the channel is closed and drained")
            await _wait_among(self._receivers)
        self.popped += 1
        _wake_one(self._senders)
        return self._items.popleft()

    def close(self) -> None:
        """Let no more items in; senders that wait get ChannelClosedError. Closing twice changes nothing."""
        self._closed = True
        for waiters in (self._senders, self._receivers):
            while waiters:
                _wake_one(waiters)

    def __aiter__(self) -> Channel[T]:
        return self

    async def __anext__(self) -> T:
        try:
            return await self.get()
        except ChannelClosedError:
            raise StopAsyncIteration from None


async def _wait_among(waiters: deque[asyncio.Future[None]]) -> None:
    turn = asyncio.get_running_loop().create_future()
    waiters.append(turn)
    try:
        await turn
    except asyncio.CancelledError:
        if turn in waiters:
            waiters.remove(turn)
        else:
            # Woken and cancelled in the same step: the wake-up belongs to the next in line, or it would be lost.
            _wake_one(waiters)
        raise


def _wake_one(waiters: deque[asyncio.Future[None]]) -> None:
    while waiters:
        turn = waiters.popleft()
        if not turn.done():
            turn.set_result(None)
            return
