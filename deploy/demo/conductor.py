"""When the demo ends by itself: after the first flag and some simulated days."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from energy.clocks import DataClock
from energy.errors import RetryableError
from energy.services import Control
from energy.storage import Pool, load_queries, translating
from energy.waiting import set_within

_SQL = load_queries("deploy.demo", "conductor.sql")
_log = structlog.get_logger(__name__)
_LOOK_EVERY = 0.5
"""Real seconds between two looks at the tables."""


class UntilFlagged:
    """A service that ends the demo once a unit has been flagged and `days` of data time have passed.

    Args:
        pool: the demo's database.
        clock: data time.
        days: simulated days that must have passed.
        say: takes one line of progress a simulated day.
        at_end: called while everything still runs, before the stop is asked for.
    """

    name = "until flagged"

    def __init__(
        self, pool: Pool, clock: DataClock, days: int, say: Callable[[str], None], at_end: Callable[[], Awaitable[None]]
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._span = timedelta(days=days)
        self._say = say
        self._at_end = at_end

    async def run(self, control: Control) -> None:
        """Look now and then until it is time."""
        origin = self._clock.now()
        told = -1
        control.ready()
        while not await set_within(control.stopping, _LOOK_EVERY):
            passed = self._clock.now() - origin
            flagged = await self._count(_SQL.fired)
            if passed.days > told:
                told = passed.days
                readings = await self._count(_SQL.stored)
                self._say(f"day {told + 1}: {readings} readings stored, {flagged} quotas flagged")
            if flagged and passed >= self._span:
                await self._at_end()
                control.request_stop()
                return

    async def _count(self, query: str) -> int:
        """What `query` counts; nothing while the database is away."""
        try:
            with translating():
                return int(await self._pool.fetchval(query))
        except RetryableError as error:
            _log.warning("the database is away", error=str(error))
            return 0
