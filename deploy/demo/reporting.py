"""The unit that reports a mistake: an edit puts readings right, as `quotawatt edits` would.

It does so when it has heard of the breach, and at its time at the earliest: on a slow machine the alert comes late.
"""

from __future__ import annotations

import structlog

from deploy.demo.city_parts import Correction
from energy.clocks import DataClock
from energy.errors import RetryableError
from energy.services import Control
from energy.storage import Pool, load_queries, translating
from energy.waiting import set_within
from ingest.accounting.edits.model import Given, Kind
from ingest.accounting.edits.store import add

AUTHOR = "demo"
_AGAIN_S = 0.25
_SQL = load_queries("deploy.demo", "reporting.sql")
_log = structlog.get_logger(__name__)


class Reporting:
    """A service that records each correction when data time has come to it and the unit has heard why it matters.

    Args:
        pool: the demo's database.
        clock: data time.
        corrections: in the order of time.
    """

    name = "reporting"

    def __init__(self, pool: Pool, clock: DataClock, corrections: list[Correction]) -> None:
        self._pool = pool
        self._clock = clock
        self._corrections = corrections

    async def run(self, control: Control) -> None:
        """Wait for each in turn; what the database cannot take now is said again."""
        control.ready()
        waiting = list(self._corrections)
        while waiting and not control.stopping.is_set():
            left = (waiting[0].reported - self._clock.now()).total_seconds() / self._clock.scale
            if left > 0:
                await set_within(control.stopping, left)
            elif await self._reported(waiting[0]):
                waiting.pop(0)
            else:
                await set_within(control.stopping, _AGAIN_S)
        await control.stopping.wait()

    async def _reported(self, one: Correction) -> bool:
        """Report it if it is time to, and tell whether it was."""
        said = {"since": one.since.isoformat(), "ratio": str(one.ratio)}
        given = Given(kind=Kind.RATIO, point=one.point, said=said, author=AUTHOR, reason=one.reason)
        try:
            with translating():
                async with self._pool.acquire() as connection:
                    heard = await connection.fetchval(_SQL.heard, one.point)
                    if heard:
                        await add(connection, [given], self._clock.now())
        except RetryableError as error:
            _log.warning("the database is away", error=str(error))
            return False
        return bool(heard)
