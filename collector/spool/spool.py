"""The spool as the loop sees it: SQLite waits on a thread, and confirmations ride along with the next commit."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

from collector import metrics
from collector.spool.file import SpoolFile, SpoolState
from energy.clocks import DataClock
from energy.errors import StorageError
from energy.readings import Reading

P = ParamSpec("P")
R = TypeVar("R")

_MOST_WAITING = 64
"""Confirmations that may wait for the next append; a crash sends these envelopes again, and ingest drops them."""


class Spool:
    """One gateway's spool.

    Args:
        gateway: its code, which names the figures.
        file: where the envelopes are kept.
        clock: data time.
        thread: executor of one thread, on which all of SQLite's work is done; spools may share it.

    Attributes:
        changed: set when envelopes came or left; whoever waits for it clears it.
    """

    def __init__(self, gateway: str, file: SpoolFile, clock: DataClock, thread: Executor) -> None:
        self.gateway = gateway
        self.changed = asyncio.Event()
        self._file = file
        self._clock = clock
        self._thread = thread
        self._confirmed: set[int] = set()
        self._dropped: set[int] = set()
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
        aside = await self._do(self._file.open, _new_stream, self._clock.now_ms())
        if aside is not None:
            metrics.spool_set_aside(self.gateway)
        await self._look()

    async def close(self) -> None:
        """Write down the last confirmations and close the file."""
        try:
            await self.settle()
        finally:
            await self._do(self._file.close)

    async def append(self, readings: Sequence[Reading]) -> None:
        """Keep the readings of a poll round; on the disk when this returns.

        Raises:
            StorageError: the disk refuses; nothing was kept.
        """
        confirmed = frozenset(self._confirmed)
        now = self._clock.now_ms()
        # Two calls, one visit to the thread: this is the way of every poll round.
        drops, self._state = await self._do(lambda: (self._file.append(readings, confirmed, now), self._file.state()))
        self._confirmed -= confirmed
        self._dropped.update(drop.seq for drop in drops)
        metrics.envelopes_dropped(self.gateway, drops)
        self._tell()
        self.changed.set()

    async def fetch(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Up to `limit` unconfirmed envelopes numbered above `after`: (number, body), in order."""
        confirmed = frozenset(number for number in self._confirmed if number > after)
        rows = await self._do(self._file.fetch, after, limit + len(confirmed))
        return [row for row in rows if row[0] not in confirmed][:limit]

    async def confirm(self, numbers: Iterable[int]) -> None:
        """These envelopes, which are here and unconfirmed, may leave; on disk with one of the next commits."""
        before = len(self._confirmed) // _MOST_WAITING
        self._confirmed.update(numbers)
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
        await self._look()
        self.changed.set()
        return count

    def state(self) -> SpoolState:
        """What the spool held at the last commit."""
        return self._state

    def take_dropped(self) -> set[int]:
        """The numbers that the bounds dropped since the last call."""
        taken, self._dropped = self._dropped, set()
        return taken

    async def _look(self) -> None:
        self._state = await self._do(self._file.state)
        self._tell()

    def _tell(self) -> None:
        metrics.spool_holds(self.gateway, self._state.kept, self._state.kept_bytes)

    async def _do(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run on the spool's thread; a cancelled caller does not undo what the thread has begun."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))


def _new_stream() -> str:
    return secrets.token_hex(16)
