"""Readings on their way to disk: gathered, so that one commit serves many, and held while the disk refuses."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

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
"""Readings held in memory while the disk refuses; beyond it the oldest are lost, in whole polls, counted."""
_ROOM = MOST_WAITING // 2
"""Readings in memory at which whoever can wait does so, as long as the disk takes them."""
_AFTER_REFUSAL_S = 1.0
"""Real seconds until a disk that refused is tried again."""


class Disk(Protocol):
    """What a keeper needs of the spool; `collector.spool.spool.Spool` has it."""

    gateway: str

    async def append(self, readings: Sequence[Reading]) -> None:
        """Keep readings; raises StorageError where the disk refuses."""


class _Chunk(NamedTuple):
    """Readings that were put together, and who waits until they are on disk."""

    readings: Sequence[Reading]
    kept: asyncio.Future[None] | None


class Keeper:
    """The way to one gateway's spool for all of its lines and listeners.

    Args:
        spool: open as long as this runs.
        enough: readings that are worth a commit at once.
    """

    def __init__(self, spool: Disk, enough: int) -> None:
        self._spool = spool
        self._enough = enough
        self._waiting: deque[_Chunk] = deque()
        self._held = 0
        self._refused = False
        self._something = asyncio.Event()
        self._now = asyncio.Event()
        self._progress = asyncio.Event()
        self._health = Availability(_log, "spool", gateway=spool.gateway)
        self._unspooled = Seldom()

    def put(self, readings: Sequence[Reading]) -> None:
        """Take readings; they are on disk within `LINGER_S`, or at once after `flush`."""
        if readings:
            self._take(_Chunk(readings, None))

    def flush(self) -> None:
        """Nothing more is expected for now: what was put goes to disk at once."""
        if self._waiting:
            self._now.set()

    async def room(self) -> None:
        """Wait while more is put than the disk keeps pace with; not where it refuses, since that may last."""
        while self._held > _ROOM and not self._refused:
            self._progress.clear()
            await self._progress.wait()

    async def keep(self, readings: Sequence[Reading]) -> None:
        """Take readings, which may be none, and return when they and all that was put before are on disk.

        Raises:
            StorageError: they were lost, because the disk refused for too long.
        """
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._take(_Chunk(readings, kept))
        self.flush()
        await kept

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
                self._lose_all()
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
        batch = self._take_out()
        try:
            await self._spool.append([reading for chunk in batch for reading in chunk.readings])
        except StorageError as error:
            self._health.lost(error)
        except FatalError:
            self._put_back(batch)
            self._lose_all()
            raise
        except Exception:  # noqa: BLE001 - the outer edge of the loop; counted, and the readings wait on
            unforeseen_error("keeper")
        else:
            self._committed(batch)
            return True
        self._refused = True
        self._put_back(batch)
        self._shorten()
        self._something.set()
        self._now.set()
        await set_within(stopping, _AFTER_REFUSAL_S)
        return False

    def _take(self, chunk: _Chunk) -> None:
        self._waiting.append(chunk)
        self._held += len(chunk.readings)
        self._shorten()
        self._something.set()
        if self._held >= self._enough:
            self._now.set()

    def _take_out(self) -> deque[_Chunk]:
        batch, self._waiting, self._held = self._waiting, deque(), 0
        self._progress.set()
        return batch

    def _put_back(self, batch: deque[_Chunk]) -> None:
        """Before what came meanwhile: the oldest stand first."""
        self._waiting.extendleft(reversed(batch))
        self._held += sum(len(chunk.readings) for chunk in batch)
        self._progress.set()

    def _committed(self, batch: deque[_Chunk]) -> None:
        self._health.back()
        self._tell_lost(self._unspooled.rest())
        self._refused = False
        self._progress.set()
        for chunk in batch:
            if chunk.kept is not None and not chunk.kept.done():
                chunk.kept.set_result(None)

    def _shorten(self) -> None:
        """Let the oldest go until the rest may be held; what was put last stays, however much it is."""
        lost: list[_Chunk] = []
        while self._held > MOST_WAITING and len(self._waiting) > 1:
            lost.append(self._waiting.popleft())
            self._held -= len(lost[-1].readings)
        self._lose(lost)

    def _lose_all(self) -> None:
        self._lose(self._take_out())

    def _lose(self, chunks: Iterable[_Chunk]) -> None:
        count = 0
        for chunk in chunks:
            count += len(chunk.readings)
            if chunk.kept is not None and not chunk.kept.done():
                chunk.kept.set_exception(StorageError("the disk refused readings for so long that they had to go"))
        if count:
            metrics.readings_unspooled(self._spool.gateway, count)
            self._tell_lost(self._unspooled.add(count))
            self._progress.set()

    def _tell_lost(self, count: int) -> None:
        if count:
            metrics.unspooled_told(self._spool.gateway, count)
