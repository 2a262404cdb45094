"""The loop that keeps the shapes of units' days, beside evaluations, which never wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from alerts.series.loads import refresh
from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import StorageError
from energy.services import Control
from energy.storage import StorageSettings, check_schema, connect, translating
from energy.waiting import set_within

_KEEPER = 8175543449907004014
"""Advisory lock of the one that keeps: more would compute the same days."""
_RECENT, _STRETCH, _YEAR = timedelta(days=2), timedelta(days=31), timedelta(days=366)
"""How far each pass looks back; how many days before that it looks at besides, and up to where: quotas of a year."""
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.1, 5.0


class Keeping:
    """A service. Of those on a database one works at a time; a pass without anything new costs one look.

    Late data, new tables and days from before there was a keeper are found by looking at a stretch of earlier days in
    each pass, further back each time, up to a year; and again from the newest ones on after a while.

    Args:
        database: where.
        clock: data time; nothing later is looked at.
        failed: called for each failure of the database that is waited out.
        every_s: real seconds between passes.
        again_s: real seconds after which earlier days are looked at again.
    """

    name = "keeping"

    def __init__(
        self,
        database: StorageSettings,
        clock: DataClock,
        failed: Callable[[StorageError], None],
        *,
        every_s: float = 30.0,
        again_s: float = 3600.0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._failed = failed
        self._every_s = every_s
        self._again_s = again_s
        self._again_at = 0.0
        self._behind = _RECENT

    async def run(self, control: Control) -> None:
        """Keep until told to stop, through outages of the database."""
        backoff = Backoff(_FIRST_DELAY_S, _LONGEST_DELAY_S)
        control.ready()
        while not control.stopping.is_set():
            try:
                await self.step()
                backoff.reset()
                await set_within(control.stopping, self._every_s)
            except StorageError as error:
                self._failed(error)
                await set_within(control.stopping, backoff.next())

    async def step(self) -> int:
        """One pass; the number of days that were computed, 0 where another keeper is at it.

        Raises as `energy.storage.translating` says; what was computed before the error is kept.
        """
        now, stretch = self._clock.now(), self._stretch()
        async with connect(self._database) as connection:
            await check_schema(connection)
            with translating():
                if not await connection.fetchval("select pg_try_advisory_lock($1)", _KEEPER):
                    return 0
                done = await refresh(connection, now, (now - _RECENT).date())
                if stretch is not None:
                    done += await refresh(connection, now, (now - stretch - _STRETCH).date(), (now - stretch).date())
                    self._behind = stretch + _STRETCH
        return done

    def _stretch(self) -> timedelta | None:
        """How far back the stretch ends that is to be looked at besides; None while none is."""
        if self._behind >= _YEAR:
            real = asyncio.get_running_loop().time()
            if self._again_at == 0.0:
                self._again_at = real + self._again_s
            if real < self._again_at:
                return None
            self._again_at, self._behind = 0.0, _RECENT
        return self._behind
