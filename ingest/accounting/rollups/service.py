"""Rolls up what changed, days that are over soon, those that are open now and then; and has the checks judge them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, timedelta

from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import StorageError
from energy.registry.store import registry_version
from energy.services import Control
from energy.storage import Connection, StorageSettings, check_schema, translating
from energy.waiting import set_within
from ingest.accounting.rollups import metrics
from ingest.accounting.rollups.marks import START, Look, Marked, kept_from, lead, look
from ingest.accounting.rollups.settings import RollupSettings
from ingest.accounting.rollups.step import Rolled, step
from ingest.accounting.validation import queue
from ingest.accounting.validation.loading import load_checks
from ingest.database import KeptConnection

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0


class Rolling:
    """A service. One of those on a database works at a time, the others stand by and take over when it ends.

    Args:
        database: what to roll up.
        clock: data time, by which days are over.
        settings: when.
        failed: called for each failure of the database that is waited out.

    Raises:
        ConfigError: the file of checks does not load.
    """

    name = "rolling"

    def __init__(
        self,
        database: StorageSettings,
        clock: DataClock,
        settings: RollupSettings,
        failed: Callable[[StorageError], None],
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._failed = failed
        self._checks = load_checks(settings.checks)
        self._registry: int | None = None
        self._connection = KeptConnection(database, failed)
        self._open_due = 0.0
        self._edits: int | None = None
        self._edited: int | None = None

    async def run(self, control: Control) -> None:
        """Roll up until told to stop, through outages of the database; what is marked then waits for the next run."""
        backoff = Backoff(_FIRST_DELAY_S, _LONGEST_DELAY_S)
        try:
            while not control.stopping.is_set():
                try:
                    await self._serve(control)
                    backoff.reset()
                    await set_within(control.stopping, self._settings.every_s)
                except StorageError as error:
                    self._failed(error)
                    await set_within(control.stopping, backoff.next())
        finally:
            await self._connection.close()

    async def _serve(self, control: Control) -> None:
        """One pass over all days that are over, and if it is time, over those that are not."""
        leading, seen = await self._connection.once(_look)
        control.ready()
        metrics.looked(waiting=seen.waiting, standby=not leading)
        if not leading:
            return
        await self._connection.once(self._follow_rules)
        derived = self._follow_edits(seen)
        if seen.waiting:
            await self._pass(control, self._over())
            if derived or self._now() >= self._open_due:
                await self._pass(control, date.max)
                self._open_due = self._now() + self._settings.open_every_s
        if derived:
            self._edited = None
        # Judging all may take long; what is over and changed meanwhile is rolled up in between.
        until = self._now() + self._settings.every_s
        while not control.stopping.is_set() and self._now() < until and await self._connection.once(self._judge):
            pass

    async def _pass(self, control: Control, before: date) -> None:
        """Roll up what is marked before the UTC day `before`, each once: an open day is marked again all the time."""
        last: Marked | None = START
        while last is not None and not control.stopping.is_set():
            last = await self._step(before, last)

    async def _step(self, before: date, after: Marked) -> Marked | None:
        began = self._now()

        async def one(connection: Connection) -> Rolled:
            limit, at_once = self._settings.days, self._edited is not None
            return await step(connection, self._checks, before=before, limit=limit, after=after, at_once=at_once)

        done = await self._connection.once(one)
        metrics.step_done(done, seconds=self._now() - began)
        return done.last

    def _follow_edits(self, seen: Look) -> bool:
        """Whether what people edited since the last pass is derived by now: then open days do not wait for theirs.

        So it is at the start too: what was edited before is not known to have been judged.
        """
        if seen.edits != self._edits:
            self._edits, self._edited = seen.edits, seen.last_batch or 0
        return self._edited is not None and (seen.first_batch is None or seen.first_batch > self._edited)

    async def _follow_rules(self, connection: Connection) -> None:
        """At the start, and whenever the registry has changed, what was judged by other rules is marked again."""
        version = await registry_version(connection)
        if version != self._registry:
            with translating():
                first = await kept_from(connection)
            await queue.mark_changed_rules(connection, self._checks, kept_from=first)
            self._registry = version

    async def _judge(self, connection: Connection) -> bool:
        """Whether a day was due and judged."""
        now, pause_s = self._clock.now(), self._settings.judge_every_s
        with translating():
            first = await kept_from(connection)
        done = await queue.step(connection, self._checks, now=now, pause_s=pause_s, kept_from=first)
        metrics.judged(done)
        return done.block is not None

    def _over(self) -> date:
        """The first UTC day that is not over."""
        return (self._clock.now().astimezone(UTC) - timedelta(seconds=self._settings.settled_s)).date()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


async def _look(connection: Connection) -> tuple[bool, Look]:
    await check_schema(connection)
    with translating():
        return await lead(connection), await look(connection)
