"""Growing, jittered delays between attempts: a thousand gateways must not come back in the same second."""

from __future__ import annotations

import random as random_module
from collections.abc import Callable
from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0)]
"""Real seconds of a delay."""


class BackoffSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Real seconds until something that failed is tried again: at first, and at most.

    A table of a file is a subclass with defaults of its own, so that one given in part means what its page says.
    """

    first_s: Seconds
    most_s: Seconds

    def __post_init__(self) -> None:
        if self.first_s > self.most_s:
            raise ValueError(f"first_s ({self.first_s:g}) must not be above most_s ({self.most_s:g})")


class Backoff:
    """Yields the real seconds to wait before each next attempt.

    The n-th delay lies between `(1 - jitter) * d` and `d`, with `d = min(most, first * factor ** (n - 1))`.

    Args:
        first: the longest first delay, seconds.
        most: no delay is longer, seconds.
        factor: how fast delays grow.
        jitter: the share of a delay that chance may take away, 0 to 1.
        random: gives numbers from 0 up to 1.
    """

    def __init__(
        self,
        first: float,
        most: float,
        factor: float = 2.0,
        jitter: float = 0.5,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        if not (0 < first <= most and factor >= 1 and 0 <= jitter <= 1):
            raise ValueError("a back-off needs 0 < first <= most, factor >= 1 and jitter between 0 and 1")
        self._first = first
        self._most = most
        self._factor = factor
        self._jitter = jitter
        self._random = random
        self._delay = first
        self.attempts = 0

    def next(self) -> float:
        """The next delay in real seconds; `attempts` counts those given since the last success."""
        delay = self._delay * (1 - self._jitter * self._random())
        self._delay = min(self._most, self._delay * self._factor)
        self.attempts += 1
        return delay

    def reset(self) -> None:
        """Start over after a success."""
        self._delay = self._first
        self.attempts = 0
