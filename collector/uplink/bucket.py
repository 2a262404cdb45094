"""A token bucket. Pure: real time is an argument."""

from __future__ import annotations


class TokenBucket:
    """Tokens that come at a steady rate, and may be overdrawn by what cannot be cut.

    Args:
        rate: tokens a second of real time; 0 for none, ever.
        most: how many gather at most, and are there at first; none where the rate is 0.
    """

    def __init__(self, rate: float, most: float) -> None:
        self._rate = rate
        self._most = most if rate else 0.0
        self._tokens = self._most
        self._at: float | None = None

    def available(self, now: float) -> float:
        """The tokens at `now`; below zero while overdrawn."""
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._tokens = min(self._most, self._tokens + passed * self._rate)
        return self._tokens

    def spend(self, tokens: float) -> None:
        """Take tokens out, more than there are where need be."""
        self._tokens -= tokens

    def when(self, tokens: float, now: float) -> float | None:
        """The time at which so many will be there, `now` where they are; None for never."""
        lacking = tokens - self.available(now)
        if lacking <= 0:
            return now
        return now + lacking / self._rate if self._rate and tokens <= self._most else None
