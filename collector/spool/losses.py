"""What the bounds drop, gathered for the log: a full spool drops with every commit, for weeks.

Each reason has a line at once, then one in a while; together they count every envelope that was dropped.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collector.spool.bounds import Drop
from energy.logs import Seldom
from energy.wire import DropReason


@dataclass
class Dropped:
    """What was dropped for one reason since the line before.

    Attributes:
        reason: why.
        first: the lowest number.
        last: the highest; between them may be numbers that were not dropped, which the status tells apart.
        envelopes: how many.
        readings: how many readings were in them.
    """

    reason: DropReason
    first: int
    last: int
    envelopes: int = 0
    readings: int = 0


class Losses:
    """What one spool dropped.

    Args:
        clock: real monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lines: dict[DropReason, Seldom] = {}
        self._untold: dict[DropReason, Dropped] = {}

    def add(self, drops: Sequence[Drop]) -> list[Dropped]:
        """Note what a commit dropped, if anything; returns what is to be logged now."""
        for drop in drops:
            dropped = self._untold.setdefault(drop.reason, Dropped(drop.reason, drop.seq, drop.seq))
            dropped.first, dropped.last = min(dropped.first, drop.seq), max(dropped.last, drop.seq)
            dropped.envelopes += 1
            dropped.readings += drop.readings
        counts = Counter(drop.reason for drop in drops)
        return [self._untold.pop(reason) for reason in list(self._untold) if self._line(reason).add(counts[reason])]

    def rest(self) -> list[Dropped]:
        """What was not logged yet, and is to be logged now."""
        rest, self._untold = list(self._untold.values()), {}
        return rest

    def _line(self, reason: DropReason) -> Seldom:
        return self._lines.setdefault(reason, Seldom(clock=self._clock))
