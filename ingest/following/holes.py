"""Which numbers that do not come are asked for, and when: pure, with the clock as an argument."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from energy.backoff import Backoff
from ingest.following.settings import FollowSettings

MOST_RANGES = 32
"""Ranges of a stream that are looked at, and asked for in one command: the lowest ones."""
MOST_NUMBERS = 1_000
"""Envelopes that one command asks for among those still kept."""

Range = tuple[int, int]
"""Numbers from the first to the last, both included."""


@dataclass(frozen=True, slots=True)
class Holes:
    """What is open in a stream whose gateway is online.

    Attributes:
        key: (gateway, stream).
        to_come: ranges that the gateway still keeps.
        missing: ranges that it does not keep, and was never asked for.
    """

    key: tuple[str, str]
    to_come: Sequence[Range]
    missing: Sequence[Range] = ()


@dataclass(slots=True)
class _Stream:
    """What is remembered of a stream.

    Attributes:
        pause: between two requests for the same ranges.
        since: each open range, with the time since when it is unchanged.
        asked: those of them that the last request was about.
        first_at, again_at: not before this the gateway is asked for a range for the first time, and again.
    """

    pause: Backoff
    since: dict[Range, float] = field(default_factory=dict)
    asked: set[Range] = field(default_factory=set)
    first_at: float = 0.0
    again_at: float = 0.0

    def look(self, ranges: Sequence[Range], now: float) -> None:
        """Take over what is open now; a range that has changed is another one."""
        self.since = {part: self.since.get(part, now) for part in ranges}
        self.asked.intersection_update(self.since)
        if not self.asked:
            self.pause.reset()
            self.again_at = 0.0

    def stale(self, before: float, now: float) -> list[Range]:
        """What has been open since `before`, if it is time to ask for that."""
        found = [part for part, since in self.since.items() if since <= before]
        due_at = self.first_at if any(part not in self.asked for part in found) else self.again_at
        return found if now >= due_at else []


class Requests:
    """Decides which gateways to ask for what.

    A gateway sends again by itself; it is asked when a range has stayed as it is for a while. A backlog that shrinks or
    grows is no such range, so a gateway that works through one is left alone. The pause between two requests to a
    stream doubles while the same ranges stay open. What is no longer kept is asked for once: a platform that was
    restored from a backup may be behind.

    Args:
        settings: the pauses.
    """

    def __init__(self, settings: FollowSettings) -> None:
        self._settings = settings
        self._streams: dict[tuple[str, str], _Stream] = {}

    def __len__(self) -> int:
        return len(self._streams)

    def due(self, holes: Iterable[Holes], now: float) -> list[tuple[tuple[str, str], list[Range]]]:
        """What to ask for, longest waiting first, of at most `ask_gateways` streams.

        Args:
            holes: all streams with open numbers whose gateways are online; one that is not among them starts anew.
            now: real monotonic seconds.
        """
        seen: dict[tuple[str, str], _Stream] = {}
        found: list[tuple[float, tuple[str, str], list[Range]]] = []
        for one in holes:
            stream = seen[one.key] = self._streams.get(one.key) or _Stream(self._new_pause())
            stream.look(one.to_come, now)
            stale = stream.stale(now - self._settings.ask_after_s, now)
            if ranges := sorted([*one.missing, *_bounded(stale)])[:MOST_RANGES]:
                found.append((min((stream.since[part] for part in stale), default=now), one.key, ranges))
        self._streams = seen
        found.sort()
        return [(key, ranges) for _, key, ranges in found[: self._settings.ask_gateways]]

    def asked(self, key: tuple[str, str], ranges: Sequence[Range], now: float) -> None:
        """The gateway was asked for `ranges`: not for the same again before a pause, which grows."""
        if stream := self._streams.get(key):
            stream.asked.update(part for part in stream.since if any(_meet(part, other) for other in ranges))
            stream.first_at = now + self._settings.ask_after_s
            stream.again_at = now + stream.pause.next()

    def forget(self, key: tuple[str, str]) -> None:
        """The gateway could not be asked: its ranges start anew."""
        self._streams.pop(key, None)

    def _new_pause(self) -> Backoff:
        return Backoff(self._settings.ask_after_s, self._settings.ask_most_s, jitter=0.0)


def _bounded(ranges: Iterable[Range]) -> list[Range]:
    """The lowest of `ranges`, with at most `MOST_NUMBERS` numbers in all."""
    left, kept = MOST_NUMBERS, []
    for first, last in sorted(ranges)[:MOST_RANGES]:
        if left <= 0:
            break
        kept.append((first, min(last, first + left - 1)))
        left -= kept[-1][1] - first + 1
    return kept


def _meet(one: Range, other: Range) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]
