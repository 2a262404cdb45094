"""Readings on their way to disk: gathered, so that one commit serves many, and held while the disk refuses."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import structlog

from collector.spool import metrics
from energy.errors import FatalError, StorageError
from energy.logs import Availability, Seldom
from energy.metrics import unforeseen_error
from energy.readings import Reading
from energy.waiting import set_within

_log = structlog.get_logger("collector")

LINGER_S = 2.0
"""Real seconds after which readings go to disk although more of the same round are still to come."""
MOST_WAITING = 20_000
"""Readings held in memory while the disk refuses; beyond it the oldest are lost, counted."""
_ROOM = MOST_WAITING // 2
"""Readings in memory at which whoever can wait does so, as long as the disk takes them."""
_AFTER_REFUSAL_S = 1.0
"""Real seconds until a disk that refused is tried again."""


class Disk(Protocol):
    """What a keeper needs of the spool; `collector.spool.spool.Spool` has it."""

    gateway: str

    async def append(self, readings: Sequence[Reading]) -> None:
        """Keep readings; raises StorageError where the disk refuses."""


class Keeper:
    """The way to one gateway's spool for all of its lines and listeners.

    Args:
        spool: open as long as this runs.
        enough: readings that are worth a commit at once.
    """

    def __init__(self, spool: Disk, enough: int) -> None:
        self._spool = spool
        self._enough = enough
        self._waiting: deque[Reading] = deque()
        self._put = self._done = self._lost_to = 0
        self._refused = False
        self._something = asyncio.Event()
        self._now = asyncio.Event()
        self._progress = asyncio.Event()
        self._health = Availability(_log, "spool", gateway=spool.gateway)
        self._unspooled = Seldom()

    def put(self, readings: Sequence[Reading]) -> None:
        """Take readings; they are on disk within `LINGER_S`, or at once after `flush`."""
        if not readings:
            return
        self._waiting.extend(readings)
        self._put += len(readings)
        self._shorten()
        self._something.set()
        if len(self._waiting) >= self._enough:
            self._now.set()

    def flush(self) -> None:
        """Nothing more is expected for now: what was put goes to disk at once."""
        if self._waiting:
            self._now.set()

    async def room(self) -> None:
        """Wait while more is put than the disk keeps pace with; not where it refuses, since that may last."""
        while len(self._waiting) > _ROOM and not self._refused:
            self._progress.clear()
            await self._progress.wait()

    async def keep(self, readings: Sequence[Reading]) -> None:
        """Take readings and return when they are on disk.

        Raises:
            StorageError: some of them were lost, because the disk refused for too long.
        """
        before = self._put
        self.put(readings)
        mark = self._put
        self.flush()
        while self._done < mark:
            self._progress.clear()
            await self._progress.wait()
        if self._lost_to > before:
            raise StorageError("the disk refused readings for so long that they had to go")

    async def run(self, stopping: asyncio.Event) -> None:
        """Carry readings to disk until told to stop; then, once, those that still wait.

        Raises:
            FatalError: the spool's file broke.
        """
        try:
            async with asyncio.TaskGroup() as group:
                waking = group.create_task(self._wake_at(stopping))
                while not stopping.is_set():
                    await self._something.wait()
                    await set_within(self._now, LINGER_S)
                    await self._commit(stopping)
                waking.cancel()
        finally:
            self._refused = True
            self._progress.set()
            try:
                # Also where the grace of the stop is over: what was read goes to disk.
                await self._commit(stopping)
            finally:
                self._lose(len(self._waiting))
                self._tell_lost(self._unspooled.rest())

    async def _wake_at(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._something.set()
        self._now.set()

    async def _commit(self, stopping: asyncio.Event) -> bool:
        """One commit of all that waits; where the disk refuses, it waits on."""
        self._something.clear()
        self._now.clear()
        if not self._waiting:
            return True
        batch, self._waiting = self._waiting, deque()
        self._progress.set()
        try:
            await self._spool.append(list(batch))
        except StorageError as error:
            self._health.lost(error)
        except FatalError:
            self._waiting.extendleft(reversed(batch))
            self._lose(len(self._waiting))
            raise
        except Exception:  # noqa: BLE001 - the outer edge of the loop; counted, and the readings wait on
            unforeseen_error("keeper")
        else:
            self._health.back()
            self._tell_lost(self._unspooled.rest())
            self._refused = False
            self._done += len(batch)
            self._progress.set()
            return True
        self._refused = True
        self._waiting.extendleft(reversed(batch))
        self._shorten()
        self._progress.set()
        self._something.set()
        self._now.set()
        await set_within(stopping, _AFTER_REFUSAL_S)
        return False

    def _shorten(self) -> None:
        if (surplus := len(self._waiting) - MOST_WAITING) > 0:
            self._lose(surplus)

    def _lose(self, count: int) -> None:
        if not count:
            return
        for _ in range(count):
            self._waiting.popleft()
        self._done += count
        self._lost_to = self._done
        metrics.readings_unspooled(self._spool.gateway, count)
        self._tell_lost(self._unspooled.add(count))
        self._progress.set()

    def _tell_lost(self, count: int) -> None:
        if count:
            metrics.unspooled_told(self._spool.gateway, count)
