"""Deliveries that wait to be cut into batches.

Receiving and cutting are two services, so that messages are received and decoded while an earlier batch is written.
What waits here is bounded by the windows of the carriers: none brings more before something of its own is settled.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from energy.clocks import DataClock
from energy.services import Control
from ingest.receiving.batcher import Batcher, BatchLimits, Gathered
from ingest.receiving.carrier import Delivery


class Intake:
    """Where deliveries enter, and leave as batches that are due.

    Args:
        limits: when a batch is due.
        clock: data time.
        window: most deliveries that all carriers together bring unsettled.

    Attributes:
        pushed: deliveries ever taken in.
        popped: deliveries ever handed out.
        capacity: the window.
    """

    def __init__(self, limits: BatchLimits, clock: DataClock, window: int) -> None:
        self.pushed = 0
        self.popped = 0
        self.capacity = window
        self._batcher = Batcher(limits)
        self._clock = clock
        self._full: deque[Gathered] = deque()
        self._changed = asyncio.Event()
        self._closed = False

    def add(self, delivery: Delivery) -> None:
        """Take one delivery in; never waits, since each carrier bounds what it has unsettled."""
        opening = not self._batcher.messages
        if opening:
            self._batcher.begin(now_ms=self._clock.now_ms(), monotonic=asyncio.get_running_loop().time())
        full = self._batcher.add(delivery)
        self.pushed += 1
        if full and (gathered := self._batcher.take()):
            self._full.append(gathered)
        if full or opening:
            self._changed.set()

    def close(self) -> None:
        """Let `take` hand out what is left, due or not, and then end."""
        self._closed = True
        self._changed.set()

    async def take(self) -> Gathered | None:
        """The next batch, as soon as it is due; None when closed and empty."""
        while not self._full:
            due_in = self._batcher.due_in(asyncio.get_running_loop().time())
            if due_in == 0 or self._closed:
                return self._popped(self._batcher.take())
            self._changed.clear()
            # Not `asyncio.wait_for`, which in Python 3.11 swallows a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):  # then the batch is due by its age
                async with asyncio.timeout(due_in):
                    await self._changed.wait()
        return self._popped(self._full.popleft())

    def _popped(self, gathered: Gathered | None) -> Gathered | None:
        self.popped += len(gathered.deliveries) if gathered else 0
        return gathered


class IntakeGate:
    """The service between the cutter and the carriers' own: when they have all ended, nothing more comes in.

    Args:
        intake: closed at the stop.
    """

    name = "intake"

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def run(self, control: Control) -> None:
        """Close the intake when told to stop, which is when every carrier has stopped."""
        control.ready()
        try:
            await control.stopping.wait()
        finally:
            self._intake.close()
