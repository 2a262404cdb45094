"""Keeps the shape of units' days up to date beside the evaluations, which must not wait for it.

Each pass looks at the last days, and besides at a stretch of earlier ones, further back each time, up to a year: quotas
of a year go by all of it, late data may come for any day, and a new deployment has days that nobody kept.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from alerts.evaluation.beside import BesideService
from alerts.series import loads
from alerts.settings import AlertsSettings
from energy.clocks import DataClock
from energy.storage import Connection, translating

LOCK = 0x71775F6C6F616473
"""The advisory lock ("qw_loads") of the one instance that does it."""
_RECENT, _STRETCH, _YEAR = timedelta(days=2), timedelta(days=31), timedelta(days=366)


class LoadsService(BesideService):
    """See `BesideService`; a step is a pass."""

    name = "loads"
    lock = LOCK

    def __init__(self, settings: AlertsSettings, clock: DataClock) -> None:
        super().__init__(settings, clock)
        self.begin()

    def begin(self) -> None:
        """Begin with the stretch behind the last days."""
        self._behind, self._rests_until = _RECENT, 0.0

    async def step(self, connection: Connection) -> int:
        """One pass; the number of days that were computed."""
        now, real = self._clock.now(), asyncio.get_running_loop().time()
        with translating():
            done = await loads.refresh(connection, now, (now - _RECENT).date())
            if real >= self._rests_until:
                until = now - self._behind
                done += await loads.refresh(connection, now, (until - _STRETCH).date(), until.date())
                self._behind += _STRETCH
        if self._behind >= _YEAR:
            self._behind, self._rests_until = _RECENT, real + self._settings.recheck_interval_s
        return done
