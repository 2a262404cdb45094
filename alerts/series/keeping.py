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
_RECENT, _BACK = timedelta(days=2), timedelta(days=37)
"""How far a pass looks back, and how far the first one and one an hour do: late data, new tables, the month."""
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.1, 5.0


class Keeping:
    """A service. Of those on a database one works at a time; a pass without anything new costs one look.

    Args:
        database: where.
        clock: data time; nothing later is looked at.
        failed: called for each failure of the database that is waited out.
        every_s: real seconds between passes.
        back_every_s: real seconds between passes that look further back.
    """

    name = "keeping"

    def __init__(
        self,
        database: StorageSettings,
        clock: DataClock,
        failed: Callable[[StorageError], None],
        *,
        every_s: float = 30.0,
        back_every_s: float = 3600.0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._failed = failed
        self._every_s = every_s
        self._back_every_s = back_every_s
        self._back_due = 0.0

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
        real = asyncio.get_running_loop().time()
        further = real >= self._back_due
        now = self._clock.now()
        async with connect(self._database) as connection:
            await check_schema(connection)
            with translating():
                if not await connection.fetchval("select pg_try_advisory_lock($1)", _KEEPER):
                    return 0
                done = await refresh(connection, now, (now - (_BACK if further else _RECENT)).date())
        if further:
            self._back_due = real + self._back_every_s
        return done
