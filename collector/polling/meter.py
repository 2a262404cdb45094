"""A meter as its line sees it: what to ask it, its place in the order of asking, and its health. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from collector.drivers.line import Exchange
from collector.polling.sweep import Requests, Sweep
from collector.polling.turns import Slot
from energy.logs import Availability

_log = structlog.get_logger("collector")

_STEADY = 20
"""Polls in a row without a skipped tick after which a meter keeps its pace: on a line that is a little too slow it
would lose and find it all the time."""


class Meter:
    """One meter on a line.

    Args:
        gateway: code of the gateway that it stands behind.
        label: what people call it.
        unit: its address on the line, in the line's protocol.
        requests: what it is asked.
        slot: its place in the order of asking.

    """

    def __init__(self, gateway: str, label: str, unit: Any, requests: Requests, slot: Slot) -> None:
        self.label = label
        self.unit = unit
        self.requests = requests
        self.slot = slot
        self._left: Sequence[Exchange] = ()
        self._left_at = 0
        self._was_alive = False
        self._health = Availability(_log, "meter", gateway=gateway, meter=label, unit=str(unit))
        self._values = Availability(_log, "meter_values", gateway=gateway, meter=label, unit=str(unit))
        self._pace = Availability(_log, "meter_pace", gateway=gateway, meter=label, unit=str(unit))
        self._steady = 0

    @property
    def due(self) -> Sequence[Exchange]:
        """What to ask now: all, or in a second try at the same tick what was not answered in the first."""
        return self._left if self._second_try else self.requests.exchanges

    def takes(self, result: Sweep) -> bool:
        """Note how a sweep went; returns whether the meter is to be asked once more, or is sick.

        A meter that answers some of its reads is not sick, or those that it ignores would cost it the others.
        """
        alive = result.alive or (self._second_try and self._was_alive)
        again = not self._second_try and bool(result.left)
        self._left, self._left_at, self._was_alive = result.left, self.slot.tick, alive
        if alive:
            self._health.back()
            self._values_incomplete(result)
        elif not again and result.error is not None:
            self._health.lost(result.error)
        return bool(result.left) and (again or not alive)

    def keeps_pace(self, skipped: int) -> None:
        """Note how many of its ticks passed while it waited for its turn or was asked."""
        if skipped:
            self._steady = 0
            self._pace.lost(f"{skipped} polls left out: the line is too slow for its meters' intervals")
        elif self._pace.is_lost:
            self._steady += 1
            if self._steady == _STEADY:
                self._pace.back()

    @property
    def _second_try(self) -> bool:
        return bool(self._left) and self._left_at == self.slot.tick

    def _values_incomplete(self, result: Sweep) -> None:
        """It answers, and some of its values are refused, or make no sense, or all are well again."""
        reason: object = result.error or next(iter(result.faults), None)
        if reason is None and (refused := self.requests.refused):
            reason = f"the device refuses {', '.join(refused)}"
        if reason is None:
            self._values.back()
        else:
            self._values.lost(reason)
