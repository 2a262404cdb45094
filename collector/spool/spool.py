"""The spool as the loop sees it: SQLite waits on a thread, and what comes during a commit shares the next one."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec, TypeVar

from collector.spool import metrics
from collector.spool.bounds import Drop
from collector.spool.estimate import NOTHING, WANTED_DAYS, Expected, days_that_fit
from collector.spool.file import Appended, SpoolFile
from collector.spool.losses import Losses
from collector.spool.recent import Recent
from collector.spool.state import SpoolState
from energy.clocks import DataClock
from energy.errors import StorageError
from energy.readings import Reading
from energy.wire import DropReason

P = ParamSpec("P")
R = TypeVar("R")

_Waiting = tuple[Sequence[Reading], "asyncio.Future[None]"]
"""What is to be appended, and who waits for that."""
_MOST_WAITING = 64
"""Confirmations that may wait for the next append; a crash sends these envelopes again, and ingest drops them."""


class Spool:
    """One gateway's spool.

    Args:
        gateway: its code, which names the figures.
        file: where the envelopes are kept.
        clock: data time.
        thread: executor of one thread, on which all of SQLite's work is done; spools may share it.
        expected: what the configuration will bring, to say at the start when the bound is too small for it.

    Attributes:
        changed: set when envelopes came or left; whoever waits for it clears it.
    """

    def __init__(
        self, gateway: str, file: SpoolFile, clock: DataClock, thread: Executor, *, expected: Expected = NOTHING
    ) -> None:
        self.gateway = gateway
        self.changed = asyncio.Event()
        self._file = file
        self._clock = clock
        self._thread = thread
        self._expected = expected
        self._confirmed: set[int] = set()
        self._dropped: set[int] = set()
        self._losses = Losses()
        self._recent = Recent()
        self._waiting: list[_Waiting] = []
        self._is_committing = False
        self._state: SpoolState

    @property
    def stream(self) -> str:
        """The stream's identity."""
        return self._state.stream

    @property
    def unconfirmed(self) -> int:
        """How many envelopes wait for a confirmation."""
        return self._state.kept - len(self._confirmed)

    async def open(self) -> None:
        """Open or make the file.

        Raises:
            SetupError: another process uses it.
            StorageError: the disk refuses.
        """
        # Not on the spools' thread: the check reads the whole file, and the others go on meanwhile.
        aside = await asyncio.to_thread(self._file.open, _new_stream, self._clock.now_ms())
        if aside is not None:
            metrics.spool_set_aside(self.gateway)
        self._look()
        self._recent.start_over(self._state.last_seq)
        await self._tell_days()

    async def close(self) -> None:
        """Write down the last confirmations, and what callers handed over before they gave up; close the file."""
        try:
            if self._is_committing:
                with contextlib.suppress(StorageError):
                    await self.append(())
            await self.settle()
        finally:
            await self._do(self._file.close)
            metrics.drops_told(self.gateway, self._losses.rest())

    async def append(self, readings: Sequence[Reading]) -> None:
        """Keep readings; on the disk when this returns.

        What is appended while a commit is running waits for its end and shares the next one.

        Raises:
            StorageError: the disk refuses; nothing was kept, neither of this nor of what shared the commit.
            SpoolCorruptError: the file broke.
        """
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((readings, kept))
        self._commit()
        await kept

    async def fetch(
        self, after: int, limit: int, *, until: int | None = None, border: bool | None = None
    ) -> list[tuple[int, bytes]]:
        """The next unconfirmed envelopes, (number, body), in order.

        Args:
            after: their numbers are above it.
            limit: so many; fewer only where there are no more.
            until: their numbers are at most this.
            border: of the class border only (true), of the rest only (false), of any.

        Raises:
            StorageError: the disk refuses.
            SpoolCorruptError: the file broke.
        """
        last = self._state.last_seq if until is None else until
        if (held := self._recent.fetch(after, limit, last, border=border)) is not None:
            return held
        confirmed = frozenset(self._confirmed)
        found: list[tuple[int, bytes]] = []
        while (missing := limit - len(found)) > 0:
            # In pages: where the disk refuses for weeks, all that was confirmed meanwhile lies before the rest.
            asked = missing + min(len(confirmed), _MOST_WAITING)
            rows, spoilt = await self._do(self._file.fetch, after, asked, until=until, border=border)
            if spoilt:
                self._on_drops(await self._do(self._file.drop, spoilt, DropReason.DAMAGED, self._clock.now_ms()))
                self._look()
                self.changed.set()
            found.extend(row for row in rows if row[0] not in confirmed)
            if len(rows) + len(spoilt) < asked:
                break
            after = max([*spoilt[-1:], *(number for number, _ in rows[-1:])])
        return found[:limit]

    async def confirm(self, numbers: Iterable[int]) -> None:
        """These envelopes, which are here and unconfirmed, may leave; on disk with one of the next commits."""
        before = len(self._confirmed) // _MOST_WAITING
        self._confirmed.update(numbers := frozenset(numbers))
        self._recent.remove(numbers)
        if len(self._confirmed) // _MOST_WAITING > before:
            await self.settle()

    async def settle(self) -> None:
        """Write down the confirmations that wait for a commit; where the disk refuses, they go on waiting.

        To wait costs nothing but sending an envelope twice after a crash; to fail would keep from the platform what
        is on the disk already.
        """
        if not self._confirmed:
            return
        try:
            await self.append(())
        except StorageError:
            metrics.confirmations_unwritten(self.gateway)

    async def reopen(self, ranges: Sequence[tuple[int, int]]) -> int:
        """Confirmed envelopes of these ranges that are still here are unconfirmed again; returns how many."""
        await self.settle()
        count = await self._do(self._file.reopen, ranges)
        self._look()
        self._recent.start_over(self._state.last_seq)
        self.changed.set()
        return count

    def state(self) -> SpoolState:
        """What the spool held at the last commit."""
        return self._state

    def take_dropped(self) -> set[int]:
        """The numbers that were dropped since the last call."""
        taken, self._dropped = self._dropped, set()
        return taken

    def _commit(self) -> None:
        """Begin a commit of all that waits, unless one is running, whose end will call this again."""
        if self._is_committing or not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        readings = [reading for part, _ in waiting for reading in part]
        confirmed = frozenset(self._confirmed)
        loop = asyncio.get_running_loop()
        # The commit is nobody's task: a caller that is cancelled does not undo what the thread has begun.
        try:
            done = loop.run_in_executor(self._thread, self._file.append, readings, confirmed, self._clock.now_ms())
        except RuntimeError as error:  # the thread was shut down
            _release(waiting, error)
            return
        self._is_committing = True
        done.add_done_callback(partial(self._on_committed, waiting, confirmed))

    def _on_committed(
        self,
        waiting: Sequence[_Waiting],
        confirmed: frozenset[int],
        done: asyncio.Future[Appended],
    ) -> None:
        self._is_committing = False
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        if error is None:
            self._confirmed -= confirmed
            self._recent.add(done.result().written)
            self._on_drops(done.result().drops)
            if any(part for part, _ in waiting):
                metrics.readings_kept(self.gateway, done.result().copies)
            self._look()
            self.changed.set()
        elif lost := sum(len(part) for part, kept in waiting if kept.cancelled()):
            # Nobody is there any more to try again.
            metrics.readings_unspooled(self.gateway, lost)
            metrics.unspooled_told(self.gateway, lost)
        _release(waiting, error)
        self._commit()

    def _on_drops(self, drops: Sequence[Drop]) -> None:
        self._dropped.update(drop.seq for drop in drops)
        self._confirmed.difference_update(drop.seq for drop in drops)
        self._recent.remove(drop.seq for drop in drops)
        metrics.envelopes_dropped(self.gateway, drops)
        metrics.drops_told(self.gateway, self._losses.add(drops))

    def _look(self) -> None:
        self._state = self._file.state()
        metrics.spool_holds(self.gateway, self._state.kept, self._state.kept_bytes)

    async def _tell_days(self) -> None:
        settings = self._file.settings
        wanted = min(WANTED_DAYS, settings.max_age_days)
        room = await self._do(self._file.room)
        days = days_that_fit(settings, self._expected, room)
        if days < wanted:
            metrics.spool_too_small(self.gateway, days, wanted)

    async def _do(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run on the spool's thread; a cancelled caller does not undo what the thread has begun."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))


def _release(waiting: Sequence[_Waiting], error: BaseException | None) -> None:
    """Let the callers of a commit go on; those that were cancelled do not wait any more."""
    for _, kept in waiting:
        if kept.done():
            continue
        if error is None:
            kept.set_result(None)
        else:
            kept.set_exception(error)


def _new_stream() -> str:
    return secrets.token_hex(16)
