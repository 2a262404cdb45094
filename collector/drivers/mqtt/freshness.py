"""Which points have been silent for too long, or are known to be dead. Pure: real time is an argument.

A state, never a reading: what a point showed last is not repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Freshness:
    """When each point of a listener was heard of last.

    Args:
        expected: points known beforehand, with the real seconds after which they are stale.
        now: when the wait for them begins.
    """

    def __init__(self, expected: Mapping[str, float], now: float) -> None:
        self._limits = dict(expected)
        self._heard = dict.fromkeys(expected, now)
        self._stale: set[str] = set()

    @property
    def stale(self) -> frozenset[str]:
        """The points that are stale."""
        return frozenset(self._stale)

    def heard(self, point: str, stale_after_s: float | None, now: float) -> bool:
        """Note a new reading; returns whether the point was stale until now."""
        if stale_after_s is not None:
            self._limits[point] = stale_after_s
            self._heard[point] = now
        if point not in self._stale:
            return False
        self._stale.discard(point)
        return True

    def died(self, points: Iterable[str]) -> list[str]:
        """Note that the broker or a device declared points dead; returns those that were not stale before."""
        fresh = [point for point in points if point not in self._stale]
        self._stale.update(fresh)
        return fresh

    def overdue(self, now: float) -> list[str]:
        """The points that have become stale since they were heard of."""
        return self.died(
            [
                point
                for point, heard in self._heard.items()
                if point not in self._stale and now - heard > self._limits[point]
            ]
        )
