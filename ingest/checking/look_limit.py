"""How often unknown codes may send us to the database."""

from __future__ import annotations

from collections.abc import Callable


class LookLimit:
    """Says whether the registry may be asked because of unknown codes: at most once per `interval`.

    Args:
        interval: real seconds between two looks; a sender of nonsense must not turn into load on the database.
        monotonic: real monotonic time in seconds.
    """

    def __init__(self, interval: float, monotonic: Callable[[], float]) -> None:
        self._interval = interval
        self._monotonic = monotonic
        self._last = -float("inf")

    def allows(self) -> bool:
        """Whether enough time has passed since the last look."""
        return self._monotonic() - self._last >= self._interval

    def looked(self) -> None:
        """Note that there was a look just now."""
        self._last = self._monotonic()
