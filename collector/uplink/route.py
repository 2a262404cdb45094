"""Which address of the platform is used: the first that works, and the preferred one again when it is back. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from energy.backoff import Backoff

_SLOWEST_PROBE = 16
"""A first address that opens and then does not work is probed more and more seldom: up to so many times the delay."""


@dataclass
class _Turn:
    backoff: Backoff
    failures: int = 0
    ready_at: float = 0.0


class Route:
    """Goes round the addresses, each with its own growing delay.

    Args:
        count: how many addresses there are.
        switch_after: failures in a row until the next one is tried.
        prefer_first_after: real seconds until the first one is probed while another serves.
        backoff: makes an address's delays.

    Attributes:
        at: which address is used or tried, from 0.
    """

    def __init__(
        self, count: int, *, switch_after: int, prefer_first_after: float, backoff: Callable[[], Backoff]
    ) -> None:
        self.at = 0
        self._turns = [_Turn(backoff()) for _ in range(count)]
        self._switch_after = switch_after
        self._prefer_first_after = prefer_first_after
        self._stretch = 1

    @property
    def alone(self) -> bool:
        """Whether there is one address only."""
        return len(self._turns) == 1

    @property
    def probe_after(self) -> float | None:
        """Real seconds after which the first address is to be probed beside the present one; None while it is that."""
        return self._prefer_first_after * self._stretch if self.at else None

    def failed(self, now: float, *, at_once: bool = False, least: float = 0.0) -> float:
        """The present address failed; returns the real seconds to wait before `at`, which may be another now.

        Args:
            now: real monotonic seconds.
            at_once: trying here again soon is useless.
            least: the shortest delay until it is tried again.
        """
        turn = self._turns[self.at]
        turn.failures += 1
        turn.ready_at = now + max(least, turn.backoff.next())
        if at_once or turn.failures >= self._switch_after:
            self.at = (self.at + 1) % len(self._turns)
        return max(0.0, self._turns[self.at].ready_at - now)

    def worked(self) -> None:
        """The present address does its work."""
        turn = self._turns[self.at]
        turn.failures = 0
        turn.backoff.reset()
        if self.at == 0:
            self._stretch = 1

    def back_to_first(self) -> None:
        """The first address opened in a probe; a single failure there leaves it again."""
        self.at = 0
        self._turns[0].failures = self._switch_after - 1
        self._stretch = min(2 * self._stretch, _SLOWEST_PROBE)
