"""Polls on the wall clock of data time: aligned, without drift, never overlapping."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from energy.clocks import DataClock
from energy.waiting import set_within

LONGEST_SLEEP = 5.0
"""Real seconds after which a sleeper looks at the clock again, since a machine's clock may be set meanwhile."""


def next_tick(after_ms: int, interval_ms: int, offset_ms: int = 0) -> int:
    """The first tick later than `after_ms`; ticks are offset + k x interval since 1970-01-01 UTC. All in ms."""
    return offset_ms + ((after_ms - offset_ms) // interval_ms + 1) * interval_ms


def missed_ticks(tick_ms: int, following_ms: int, interval_ms: int) -> int:
    """How many ticks lie between two; 0 when the second follows the first or the clock was set back."""
    return max(0, (following_ms - tick_ms) // interval_ms - 1)


class Schedule:
    """The ticks of one line.

    Args:
        clock: data time.
        interval_ms: from tick to tick.
        offset_ms: of the ticks from the full interval.
    """

    def __init__(self, clock: DataClock, interval_ms: int, offset_ms: int) -> None:
        self._clock = clock
        self._interval = interval_ms
        self._offset = offset_ms

    async def run(
        self, stopping: asyncio.Event, poll: Callable[[], Awaitable[None]], skipped: Callable[[int], None]
    ) -> None:
        """Call `poll` at each tick until `stopping` is set; `skipped` is told of ticks that an overrun cost.

        A poll is awaited before the next tick is looked for: polls of one line never overlap or queue up.
        """
        tick = self._after(self._clock.now_ms())
        while await self._reached(tick, stopping):
            await poll()
            following = self._after(max(tick, self._clock.now_ms()))
            if missed := missed_ticks(tick, following, self._interval):
                skipped(missed)
            tick = following

    def _after(self, at_ms: int) -> int:
        return next_tick(at_ms, self._interval, self._offset)

    async def _reached(self, tick: int, stopping: asyncio.Event) -> bool:
        """Wait for the tick; false when told to stop."""
        while not stopping.is_set():
            if tick - self._clock.now_ms() > 2 * self._interval:
                # The clock was set back: the old tick may be hours away.
                tick = self._after(self._clock.now_ms())
            wait = self._clock.until(tick)
            if wait <= 0:
                return True
            await set_within(stopping, min(wait, LONGEST_SLEEP))
        return False
