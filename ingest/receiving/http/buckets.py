"""How often somebody may ask: token buckets, a bounded number of them, with the clock as an argument."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

BURST_S = 5.0
"""Seconds' worth that may come at once after a rest."""
MOST_BUCKETS = 65_536
"""Those not used for longest are forgotten, which is to their advantage."""


class Buckets:
    """One bucket for each key; it fills at a steady rate, and whoever takes more than is in it has to wait.

    Args:
        rate: what flows in each second.
        most: how many buckets are kept.
    """

    def __init__(self, rate: float, *, most: int = MOST_BUCKETS) -> None:
        self._rate = rate
        self._most = most
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: Hashable, now: float) -> float:
        """Seconds until `key` may take again, 0 for at once; `now` is real monotonic seconds."""
        return max(0.0, self._full_at.get(key, now) - now - BURST_S)

    def take(self, key: Hashable, amount: float, now: float) -> None:
        """Take `amount`, which may be more than is there: then the next one waits the longer."""
        self._full_at[key] = max(now, self._full_at.get(key, now)) + amount / self._rate
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
