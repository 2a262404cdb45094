"""Whose turn it is on a shared line. Pure: both clocks are arguments.

Every meter has ticks of its own. Of the meters whose tick has come, that one is asked which waits longest. A meter that
fails is asked once more behind those that wait already, since one lost packet shall not cost an interval; then it is
sick and rests, each time longer. Asking a sick meter costs its whole time-out, so that it gets the time in which no
healthy one wants the line; where there is no such time, all sick ones together get `PROBE_SHARE` of the line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from collector.polling.ticks import missed_ticks, next_tick
from energy.backoff import Backoff

_ONCE_MORE = 1
"""So often a meter may fail before it is sick."""
PROBE_SHARE = 0.03
"""Most of a busy line's time that goes to meters that do not answer."""


@dataclass(eq=False, slots=True)
class Slot:
    """One meter's place in the order of a line.

    Attributes:
        position: breaks ties: meters whose ticks fall together are asked in this order.
        interval_ms: data time from tick to tick.
        offset_ms: data time by which the ticks are later.
        backoff: how long it rests.
        tick: the tick that comes, or that has come and is not served yet; ms UTC of data time.
        asked_at: when it was asked last, ms UTC of data time.
        failures: how many times in a row it failed.
        rests_until: real monotonic seconds.
        rested: ticks that passed while it rested, until `take_rested`.
    """

    position: int
    interval_ms: int
    offset_ms: int
    backoff: Backoff
    tick: int = 0
    asked_at: int = 0
    failures: int = 0
    rests_until: float = 0.0
    rested: int = field(default=0)

    @property
    def sick(self) -> bool:
        """Whether it failed, and failed again when it was asked once more."""
        return self.failures > _ONCE_MORE

    def take_rested(self) -> int:
        """How many ticks passed while it rested, since the last call."""
        rested, self.rested = self.rested, 0
        return rested

    def served(self, now_ms: int) -> int:
        """It was asked; returns how many of its ticks passed since the one that this was for.

        A tick that came while it was being asked is still served, so that on a line without time to spare all have
        equal shares; not so where the asking alone takes longer than the interval.
        """
        overran = now_ms - self.asked_at >= self.interval_ms
        return self.move_on(now_ms if overran else self.asked_at)

    def move_on(self, now_ms: int) -> int:
        """Wait for the next tick; returns how many were missed in between."""
        following = next_tick(max(self.tick, now_ms), self.interval_ms, self.offset_ms)
        missed = missed_ticks(self.tick, following, self.interval_ms)
        self.tick = following
        return missed


class Pause(NamedTuple):
    """Nobody's turn: look again at data time `at_ms`, or at real time `at`, whichever comes first."""

    at_ms: int | None
    at: float | None


class Turns:
    """The order in which the meters of one line are asked.

    Args:
        slots: one for each meter.
        now_ms: data time; ticks begin after it.
        probe_ms: data time that a meter which does not answer costs: its time-out.
    """

    def __init__(self, slots: Iterable[Slot], now_ms: int, probe_ms: float) -> None:
        # Both in the order in which they were asked last: of those that are due the first waits longest.
        self._healthy = sorted(slots, key=lambda slot: slot.position)
        self._sick: list[Slot] = []
        self._probe_ms = probe_ms
        self._probe_from = 0.0
        for slot in self._healthy:
            slot.tick = next_tick(now_ms, slot.interval_ms, slot.offset_ms)

    def next(self, now_ms: int, now: float) -> Slot | Pause:
        """Whose turn it is at data time `now_ms` and real time `now`: that one is being asked from now on."""
        turn = self._choose(now_ms, now)
        if isinstance(turn, Slot):
            turn.asked_at = now_ms
            queue = self._sick if turn.sick else self._healthy
            queue.remove(turn)
            queue.append(turn)
        return turn

    def answered(self, slot: Slot, now_ms: int) -> int:
        """It is well; returns how many of its ticks passed while it waited and was asked."""
        if slot.sick:
            self._probe_from = 0.0  # where one comes back, others may: do not make them wait
            self._sick.remove(slot)
            self._healthy.append(slot)
            slot.backoff.reset()
            slot.rests_until = 0.0
        slot.failures = 0
        return slot.served(now_ms)

    def failed(self, slot: Slot, now_ms: int, now: float, took: float) -> int:
        """It failed, which took real seconds; returns how many of its ticks passed meanwhile.

        After the first failure it stays due, behind those that wait already.
        """
        was_sick = slot.sick
        slot.failures += 1
        if not slot.sick:
            return 0
        if not was_sick:
            self._healthy.remove(slot)
            self._sick.append(slot)
        slot.rests_until = now + slot.backoff.next()
        self._probe_from = now + took * (1 / PROBE_SHARE - 1)
        return slot.served(now_ms)

    def pass_over(self, now_ms: int) -> int:
        """The line rests as a whole: nobody's tick is served; returns how many passed."""
        passed = 0
        for slot in chain(self._healthy, self._sick):
            if slot.tick <= now_ms:
                passed += 1 + slot.move_on(now_ms)
        return passed

    def _choose(self, now_ms: int, now: float) -> Slot | Pause:
        healthy = next((slot for slot in self._healthy if _is_due(slot, now_ms)), None)
        probe = self._first_to_probe(now_ms, now) if self._sick else None
        if probe is not None and self._may_probe(probe, now_ms, now, idle=healthy is None):
            return probe
        if healthy is not None:
            return healthy
        at_ms = min((slot.tick for slot in chain(self._healthy, self._sick) if slot.tick > now_ms), default=None)
        return Pause(at_ms, self._probe_from if probe is not None else None)

    def _first_to_probe(self, now_ms: int, now: float) -> Slot | None:
        """Of the sick ones that are due and do not rest, that which waits longest; the ticks of the resting pass."""
        probe: Slot | None = None
        for slot in self._sick:
            if not _is_due(slot, now_ms):
                continue
            if slot.rests_until > now:
                slot.rested += 1 + slot.move_on(now_ms)
            elif probe is None:
                probe = slot
        return probe

    def _may_probe(self, probe: Slot, now_ms: int, now: float, *, idle: bool) -> bool:
        """Whether asking a sick meter now costs no healthy one its tick, or is within the share."""
        soonest = min((slot.tick for slot in self._healthy), default=None)
        if soonest is None or (idle and soonest - now_ms >= self._probe_ms):
            return True
        # On a busy line the healthy come first until the sick one has waited for as long as its own interval.
        return now >= self._probe_from and (idle or now_ms - probe.tick >= probe.interval_ms)


def _is_due(slot: Slot, now_ms: int) -> bool:
    """Whether its tick has come; a clock that was set back is followed."""
    if slot.tick - now_ms > 2 * slot.interval_ms:
        slot.tick = next_tick(now_ms, slot.interval_ms, slot.offset_ms)
    return slot.tick <= now_ms
