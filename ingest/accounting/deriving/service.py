"""Derives what is dirty: woken by ingest's commits, made sure of by a timer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from energy.backoff import Backoff
from energy.errors import StorageError
from energy.services import Control
from energy.storage import Connection, Notifications, StorageSettings
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.step import Deriver, Progress
from ingest.database import KeptConnection
from ingest.stopping import until_stopping

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0
CLAIM_S = 2.0
"""Real seconds after which a worker looks again whether it has its share of the groups."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When steps are made, in real seconds.

    Attributes:
        pause_s: from being woken to the step, so that batches gather: the price of little load is latency.
        timer_s: after which a step is made although nobody woke us.
    """

    pause_s: float
    timer_s: float


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told what happens.

    Attributes:
        stepped: a step was made, in so many real seconds.
        failed: the database failed in a way that is waited out.
    """

    stepped: Callable[[Progress, float], None]
    failed: Callable[[StorageError], None]


class Deriving:
    """A service. Several may run on one database, all busy: each has its share of the units.

    Args:
        database: where readings come from and consumption goes to.
        rules, pace: as they say.
        prepare: done first on each new session.
        told: who hears of it.
    """

    name = "deriving"

    def __init__(
        self,
        database: StorageSettings,
        rules: Rules,
        pace: Pace,
        prepare: Callable[[Connection], Awaitable[None]],
        told: Told,
    ) -> None:
        self._database = database
        self._pace = pace
        self._prepare = prepare
        self._told = told
        self._deriver = Deriver(rules)
        self._claimed = float("-inf")
        self._connection = KeptConnection(database, told.failed)

    async def run(self, control: Control) -> None:
        """Derive until told to stop, through outages of the database; what is dirty then is derived first."""
        backoff = Backoff(_FIRST_DELAY_S, _LONGEST_DELAY_S)
        try:
            while not control.stopping.is_set():
                try:
                    await self._serve(control, backoff)
                except StorageError as error:
                    self._told.failed(error)
                    self._claimed = float("-inf")
                    await until_stopping(control, asyncio.sleep(backoff.next()))
        finally:
            await self._connection.close()

    async def _serve(self, control: Control, backoff: Backoff) -> None:
        """Derive until told to stop and nothing of this worker's share is dirty any more."""
        async with Notifications(self._database, "readings") as notifications:
            await self._connection.once(self._prepare)
            control.ready()
            while True:
                progress = await self._step()
                backoff.reset()
                if progress.more:
                    continue
                if control.stopping.is_set():
                    if not progress.batches:
                        await self._connection.once(self._deriver.leave)
                        return
                    continue
                await until_stopping(control, self._rest(notifications))

    async def _step(self) -> Progress:
        time = asyncio.get_running_loop().time
        began = time()
        if began >= self._claimed + CLAIM_S:
            await self._connection.once(self._deriver.claim)
            self._claimed = began
        progress = await self._connection.once(self._deriver.step)
        self._told.stepped(progress, time() - began)
        return progress

    async def _rest(self, notifications: Notifications) -> None:
        if await notifications.wait(self._pace.timer_s):
            await asyncio.sleep(self._pace.pause_s)
