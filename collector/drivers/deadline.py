"""A time-out that is set for every request and hardly ever comes, at a fraction of the cost of a timer each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadline:
    """One timer for deadlines that follow each other: it looks at the latest one only when it rings.

    Args:
        passed: called when a deadline has passed.
    """

    __slots__ = ("_at", "_passed", "_timer")

    def __init__(self, passed: Callable[[], None]) -> None:
        self._passed = passed
        self._at: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, at: float) -> None:
        """From now on the deadline is `at`, real monotonic seconds."""
        self._at = at
        if self._timer is not None and self._timer.when() > at:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(at, self._ring)

    def meet(self) -> None:
        """There is no deadline any more; the timer may ring once for nothing."""
        self._at = None

    def close(self) -> None:
        """Meet it, and leave no timer behind."""
        self._at = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        if self._at is None:
            return
        loop = asyncio.get_running_loop()
        if self._at > loop.time():
            self._timer = loop.call_at(self._at, self._ring)
        else:
            self._at = None
            self._passed()
