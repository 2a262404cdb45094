"""A token bucket. Pure: real time is an argument."""

from __future__ import annotations

_NEARLY = 1e-3
"""So much may lack from a token: what is told to come at a time must be there then, whatever the rounding."""


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

    def whole(self, now: float) -> int:
        """The whole tokens at `now`; below zero while overdrawn."""
        self._fill(now)
        return int(self._tokens + _NEARLY)

    def spend(self, tokens: float) -> None:
        """Take tokens out, more than there are where need be."""
        self._tokens -= tokens

    def next_time(self, now: float) -> float | None:
        """The time at which there is a whole token, `now` where there is one; None for never."""
        self._fill(now)
        if self._tokens + _NEARLY >= 1:
            return now
        return now + (1 - self._tokens) / self._rate if self._rate else None

    def _fill(self, now: float) -> None:
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._tokens = min(self._most, self._tokens + passed * self._rate)
