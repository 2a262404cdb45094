"""One round over the meters of a gateway: each is asked in its turn, and what one of them does harms no other."""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from collector import metrics
from collector.drivers.modbus.line import Answer
from collector.errors import LineError
from collector.planning.planner import Read
from collector.polling.meter import Meter
from energy.backoff import Backoff
from energy.errors import RejectedError, StorageError, TransportError
from energy.logs import Availability
from energy.readings import Reading

_log = structlog.get_logger("collector")

_KEEP_AFTER = 2.0
"""Real seconds after which a long round's readings go to disk before its end."""
_MOST_UNSPOOLED = 10_000
"""Readings held in memory while the disk refuses; beyond it the oldest are lost, counted."""


class Line(Protocol):
    """What a round needs of the line; `collector.drivers.modbus.line.ModbusLine` has it."""

    async def read(self, unit: int, request: Read) -> Answer:
        """Ask a unit for registers; raises TransportError."""


class Keeper(Protocol):
    """Where readings go; `collector.spool.Spool` has it."""

    async def append(self, readings: list[Reading]) -> None:
        """Keep readings on disk; raises StorageError."""


class Poller:
    """The meters behind one gateway address.

    Args:
        gateway: its code.
        meters: in the order of asking.
        line: the way to them.
        keeper: where readings go.
        line_backoff: how long the line rests when no connection can be made.
    """

    def __init__(self, gateway: str, meters: list[Meter], line: Line, keeper: Keeper, line_backoff: Backoff) -> None:
        self._gateway = gateway
        self._meters = meters
        self._line = line
        self._keeper = keeper
        self._line_backoff = line_backoff
        self._line_rests_until = 0.0
        self._line_health = Availability(_log, "line", gateway=gateway, line=str(line))
        self._disk_health = Availability(_log, "spool", gateway=gateway)
        self._unspooled: list[Reading] = []
        self._kept_at = 0.0

    async def round(self, stopping: asyncio.Event) -> None:
        """Ask every meter that does not rest; whatever was read is on disk at the end, also when cut short.

        A meter that was well and fails is asked once more at the end: one lost packet shall not cost an interval.
        """
        if self._now() < self._line_rests_until:
            metrics.read_rested(self._gateway, len(self._meters))
            return
        self._kept_at = self._now()
        try:
            failed = await self._visit([meter for meter in self._meters if not self._rests(meter)], stopping)
            await self._visit(failed, stopping)
        except LineError as error:
            self._line_failed(error)
        finally:
            await self._keep()

    async def _visit(self, meters: list[Meter], stopping: asyncio.Event) -> list[Meter]:
        """Ask the meters one after the other; returns those that failed for the first time."""
        failed: list[Meter] = []
        for meter in meters:
            if stopping.is_set():
                break
            if await self._ask(meter):
                failed.append(meter)
            if self._now() - self._kept_at > _KEEP_AFTER:
                await self._keep()
        return failed

    async def _ask(self, meter: Meter) -> bool:
        """Take one reading; true when the meter was well and failed now."""
        try:
            answer = await self._line.read(meter.unit_id, meter.read)
            reading = meter.reading(answer.words, answer.at)
        except LineError:
            raise
        except (TransportError, RejectedError) as error:
            metrics.read_failed(self._gateway, type(error).__name__)
            return meter.failed(error, self._now())
        meter.answered()
        self._line_backoff.reset()
        self._line_health.back()
        metrics.reading_taken(self._gateway, reading.quality)
        self._unspooled.append(reading)
        return False

    async def _keep(self) -> None:
        self._kept_at = self._now()
        if not self._unspooled:
            return
        try:
            await self._keeper.append(self._unspooled)
        except StorageError as error:
            self._disk_health.lost(error)
            if (surplus := len(self._unspooled) - _MOST_UNSPOOLED) > 0:
                metrics.readings_unspooled(self._gateway, surplus)
                del self._unspooled[:surplus]
        else:
            self._disk_health.back()
            self._unspooled = []

    def _line_failed(self, error: LineError) -> None:
        metrics.read_failed(self._gateway, type(error).__name__)
        self._line_rests_until = self._now() + self._line_backoff.next()
        self._line_health.lost(error)

    def _rests(self, meter: Meter) -> bool:
        if resting := meter.rests(self._now()):
            metrics.read_rested(self._gateway)
        return resting

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
