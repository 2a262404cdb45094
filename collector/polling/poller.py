"""The loop of one line: each meter is asked in its turn, and what one of them does harms no other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from collector.drivers.line import Line
from collector.errors import LineError
from collector.polling.meter import Meter
from collector.polling.metrics import PollFigures
from collector.polling.sweep import Sweep, sweep
from collector.polling.turns import Pause, Turns
from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import FatalError
from energy.logs import Availability
from energy.metrics import unforeseen_error
from energy.readings import Reading
from energy.waiting import set_within

_log = structlog.get_logger("collector")

LONGEST_SLEEP = 5.0
"""Real seconds after which a sleeper looks at the clock again, since a machine's clock may be set meanwhile."""


class Keeper(Protocol):
    """Where readings go; `collector.spool.keeper.Keeper` has it."""

    def put(self, readings: Sequence[Reading]) -> None:
        """Take readings that go to disk soon."""

    def flush(self) -> None:
        """Nothing more is expected for now: what was put goes to disk at once."""

    async def room(self) -> None:
        """Wait while more is put than the disk keeps pace with: a poll that is left out loses less than a reading."""


class LinePoller:
    """The polls of one line.

    Args:
        gateway: code of its gateway.
        line: the way to the meters.
        meters: in the order of asking.
        keeper: where readings go.
        clock: data time.
        time_out_s: real seconds that a meter which does not answer costs.
        line_backoff: how long the line rests when no connection can be made.
    """

    def __init__(  # noqa: PLR0913 - the parts that meet here
        self,
        gateway: str,
        line: Line,
        meters: Sequence[Meter],
        keeper: Keeper,
        clock: DataClock,
        *,
        time_out_s: float,
        line_backoff: Backoff,
    ) -> None:
        self._line = line
        self._meters = {id(meter.slot): meter for meter in meters}
        self._keeper = keeper
        self._clock = clock
        self._figures = PollFigures(gateway)
        self._backoff = line_backoff
        self._rests_until = 0.0
        self._gateway = gateway
        self._reached = False
        self._discarded = 0
        self._health = Availability(_log, "line", gateway=gateway, line=str(line))
        self._turns = Turns((meter.slot for meter in meters), clock.now_ms(), time_out_s * 1000 * clock.scale)

    async def run(self, stopping: asyncio.Event) -> None:
        """Poll until told to stop.

        Raises:
            FatalError: a person has to act.
        """
        try:
            while not stopping.is_set():
                try:
                    await self.step(stopping)
                except FatalError:
                    raise
                except Exception:  # noqa: BLE001 - the outer edge of the loop; counted, and one line does not stop another
                    unforeseen_error("poll")
                    await set_within(stopping, 1.0)
        finally:
            self._figures.end()
            self._keeper.flush()
            self._line.close()

    async def step(self, stopping: asyncio.Event) -> None:
        """Poll the meter whose turn it is, or wait until there is one."""
        now = _now()
        if (rest := self._rests_until - now) > 0:
            await set_within(stopping, min(rest, LONGEST_SLEEP))
            self._figures.rested(self._turns.pass_over(self._clock.now_ms()))
            return
        turn = self._turns.next(self._clock.now_ms(), now)
        if isinstance(turn, Pause):
            self._keeper.flush()
            await set_within(stopping, self._seconds(turn))
        else:
            await self._keeper.room()
            await self._poll(self._meters[id(turn)])

    async def _poll(self, meter: Meter) -> None:
        began, late_ms = _now(), self._clock.now_ms() - meter.slot.tick
        result = Sweep()
        try:
            await sweep(self._line, meter.unit, meter.due, meter.requests, result)
        finally:
            self._keeper.put(result.readings)
        took = _now() - began
        self._count(meter, result, late_ms / 1000, took)
        if isinstance(result.error, LineError):
            self._line_failed(result.error)
            return
        if result.alive:
            self._backoff.reset()
            if not self._health.back() and not self._reached:
                _log.info("line_reached", gateway=self._gateway, line=str(self._line))
            self._reached = True
        now_ms = self._clock.now_ms()
        if meter.takes(result):
            missed = self._turns.failed(meter.slot, now_ms, _now(), took)
        else:
            missed = self._turns.answered(meter.slot, now_ms)
            meter.keeps_pace(missed)
        self._figures.skipped(missed)

    def _count(self, meter: Meter, result: Sweep, late_s: float, took: float) -> None:
        self._figures.polled(result.readings, late_s=late_s, took_s=took)
        self._figures.rested(meter.slot.take_rested())
        self._figures.refused(meter.label, len(meter.requests.refused))
        if (discarded := self._line.discarded) != self._discarded:
            self._figures.discarded(discarded - self._discarded)
            self._discarded = discarded
        if result.error is not None:
            self._figures.failed(type(result.error).__name__)
        for fault in result.faults:
            self._figures.failed(type(fault).__name__)

    def _line_failed(self, error: LineError) -> None:
        self._rests_until = _now() + self._backoff.next()
        self._health.lost(error)

    def _seconds(self, pause: Pause) -> float:
        """How long to sleep in real time."""
        waits = [LONGEST_SLEEP]
        if pause.at_ms is not None:
            waits.append(self._clock.until(pause.at_ms))
        if pause.at is not None:
            waits.append(pause.at - _now())
        return max(0.0, min(waits))


def _now() -> float:
    return asyncio.get_running_loop().time()
