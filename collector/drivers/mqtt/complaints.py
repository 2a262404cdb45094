"""What is refused again and again, so that the log tells when it begins and when it ends. Pure: real time is given.

A device whose clock is wrong sends refused messages for weeks; a person needs one line when that begins and one when
it ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

QUIET_S = 600.0
"""Real seconds without a refusal that end it: what comes and goes with every other message is one complaint."""
MOST_OPEN = 1_000
"""Complaints that are kept; beyond it only the counter tells."""


class Ended(msgspec.Struct, frozen=True):
    """What was refused has not come for a while, after `count` refusals in `seconds` of real time."""

    source: str
    reason: str
    count: int
    seconds: float


@dataclass
class _Open:
    since: float
    until: float
    count: int = 1


class Complaints:
    """The refusals of one listener that last, by source and reason."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], _Open] = {}

    def note(self, source: str, reason: str, now: float) -> bool:
        """Note a refusal; returns whether it is a new one."""
        known = self._open.get((source, reason))
        if known is not None:
            known.until = now
            known.count += 1
            return False
        if len(self._open) >= MOST_OPEN:
            return False
        self._open[source, reason] = _Open(now, now)
        return True

    def ended(self, now: float) -> list[Ended]:
        """Those that are over by `now`; told once."""
        over = [(key, one) for key, one in self._open.items() if now - one.until > QUIET_S]
        for key, _ in over:
            del self._open[key]
        return [Ended(*key, one.count, one.until - one.since) for key, one in over]
