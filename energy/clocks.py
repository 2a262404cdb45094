"""Data time, which may be scaled, as a value that services are given.

Two clocks run in every service. Data time makes time stamps, calendars, a rule's `for` and age bounds: it is a
`DataClock`. Real monotonic time makes time-outs, back-off and the age of a batch: it is the event loop's `time()`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import msgspec


class ClockSettings(msgspec.Struct, frozen=True):
    """The `[clock]` table: absent for the system's clock, all three keys for a scaled one.

    Attributes:
        origin: data time at `real_origin`, with its zone.
        real_origin: Unix time, in seconds, at which data time starts to run; before it, data time stands at `origin`.
        scale: seconds of data time per real second.
    """

    origin: datetime | None = None
    real_origin: float | None = None
    scale: Annotated[float, msgspec.Meta(gt=0)] = 1.0

    def __post_init__(self) -> None:
        if (self.origin is None) != (self.real_origin is None):
            raise ValueError("origin and real_origin belong together: give both or neither")
        if self.origin is None and self.scale != 1.0:
            raise ValueError("a scale needs origin and real_origin, so that all processes agree")
        if self.origin is not None and self.origin.tzinfo is None:
            raise ValueError("origin needs a zone, e.g. 2026-03-01T00:00:00+08:00")


class DataClock:
    """Data time, the same in every process that has the same settings, also after a restart.

    It follows the machine's wall clock, since that is what processes share.
    """

    def __init__(self, settings: ClockSettings | None = None, *, wall: Callable[[], float] = time.time) -> None:
        settings = settings or ClockSettings()
        self.scale = settings.scale
        self._wall = wall
        self._origin = settings.origin.timestamp() if settings.origin else None
        self._real_origin = settings.real_origin or 0.0

    def now_ms(self) -> int:
        """Data time, milliseconds since 1970-01-01 UTC."""
        if self._origin is None:  # asked for several times at each read of a meter
            return int(self._wall() * 1000)
        return int(self._now() * 1000)

    def now(self) -> datetime:
        """Data time as an aware datetime in UTC."""
        return datetime.fromtimestamp(self._now(), UTC)

    def until(self, at_ms: int) -> float:
        """Real seconds from now until data time `at_ms` (ms UTC); 0 when it has passed."""
        if self._origin is None:
            return max(0.0, at_ms / 1000 - self._wall())
        return max(0.0, self._real_origin + (at_ms / 1000 - self._origin) / self.scale - self._wall())

    def real(self, at: datetime) -> datetime:
        """The real time of a data time: the same one, unless data time is scaled."""
        if self._origin is None:
            return at
        return datetime.fromtimestamp(self._real_origin + (at.timestamp() - self._origin) / self.scale, UTC)

    def _now(self) -> float:
        if self._origin is None:
            return self._wall()
        return self._origin + max(0.0, self._wall() - self._real_origin) * self.scale
