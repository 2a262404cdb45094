"""What HTTP push has taken and not settled yet: bounded in requests and in bytes, also for each gateway."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from energy.wire import Refusal
from ingest.receiving.http.exchange import TurnedAwayError
from ingest.receiving.http.settings import HttpLimits

FULL_S = 5.0
"""Seconds after which to try again when the window is full, more or less: all at once would fill it at once."""


class Place:
    """A place in the window, from the head of a request to the commit of what it brought.

    Args:
        window: where it is.
        gateway: whose it is.

    Attributes:
        refusals: ends with what was refused, when all else is committed.
    """

    def __init__(self, window: Window, gateway: str) -> None:
        self.refusals: asyncio.Future[Sequence[Refusal]] = asyncio.get_running_loop().create_future()
        self._window = window
        self._gateway = gateway
        self._bytes = 0
        self._free = False

    def grow(self, count: int) -> None:
        """Hold so many bytes more.

        Raises:
            TurnedAwayError: 503, all places together hold too many.
        """
        self._window.hold(count)
        self._bytes += count

    def settle(self, refusals: Sequence[Refusal]) -> None:
        """What it was taken for is committed; who waits for that is told, if somebody still does."""
        self.free()
        if not self.refusals.done():
            self.refusals.set_result(refusals)

    def free(self) -> None:
        """Leave; a second time does nothing."""
        if not self._free:
            self._free = True
            self._window.leave(self._gateway, self._bytes)


class Window:
    """Hands out places.

    Args:
        limits: how many.
        spread: a random number from 0 to 1, so that those who have to wait do not come back together.

    Attributes:
        taken: places in use.
        held: bytes that they hold.
    """

    def __init__(self, limits: HttpLimits, spread: Callable[[], float]) -> None:
        self.taken = 0
        self.held = 0
        self._limits = limits
        self._spread = spread
        self._gateways: Counter[str] = Counter()

    def enter(self, gateway: str) -> Place:
        """A place for one envelope.

        Raises:
            TurnedAwayError: 503 where there is none, 429 where the gateway has its share.
        """
        if self.taken >= self._limits.window:
            raise self._full()
        if self._gateways[gateway] >= self._limits.gateway_window:
            detail = f"{self._limits.gateway_window} envelopes of this gateway wait for their commit"
            raise TurnedAwayError(429, "gateway_window_full", detail, retry_after_s=1)
        self.taken += 1
        self._gateways[gateway] += 1
        return Place(self, gateway)

    def hold(self, count: int) -> None:
        """Called by a place."""
        if self.held + count > self._limits.window_bytes:
            raise self._full()
        self.held += count

    def leave(self, gateway: str, count: int) -> None:
        """Called by a place."""
        self.taken -= 1
        self.held -= count
        self._gateways[gateway] -= 1
        if not self._gateways[gateway]:
            del self._gateways[gateway]  # those who never come again must not pile up

    def _full(self) -> TurnedAwayError:
        wait = FULL_S * (0.5 + self._spread())
        return TurnedAwayError(503, "window_full", "too much waits for its commit", retry_after_s=wait)
