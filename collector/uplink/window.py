"""Which envelopes are unconfirmed on the way, and when each is due again. Pure: real time is an argument.

At most `size` envelopes are on the way; that is the back-pressure of the whole way, since a broker's own
acknowledgement says nothing about what became of a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

_MOST_EARLIER = 1_000


@dataclass(slots=True)
class _Entry:
    body: bytes
    live: bool
    attempts: int = 0
    is_handed_over: bool = False  # and the carrier has not said that it has it
    due: float = 0.0
    sent_at: float | None = None


class Due(NamedTuple):
    """An envelope to be sent now: `attempts` counts how often it was sent before, `live` tells where it stood."""

    number: int
    body: bytes
    attempts: int
    live: bool


class Window:
    """The unconfirmed envelopes of one gateway.

    Args:
        delay: real seconds until an envelope is sent again, by the number of times that it was sent.

    Attributes:
        size: most envelopes on the way.
    """

    def __init__(self, delay: Callable[[int], float]) -> None:
        self.size = 0
        self._delay = delay
        self._patience = 0.0
        self._entries: dict[int, _Entry] = {}
        self._earlier: dict[int, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, number: object) -> bool:
        return number in self._entries

    @property
    def room(self) -> int:
        """How many more envelopes may be on the way."""
        return self.size - len(self._entries)

    def restart(self, size: int, patience: float) -> None:
        """A new connection: nothing is on the way, and all is to be added again; late confirmations still count.

        Args:
            size: most envelopes on the way from now on.
            patience: real seconds until an envelope is sent again where even the carrier does not take it.
        """
        self.size, self._patience = size, patience
        self._earlier |= self._entries
        self._entries = {}
        for number in list(self._earlier)[:-_MOST_EARLIER]:
            del self._earlier[number]

    def add(self, number: int, body: bytes, *, live: bool = False) -> None:
        """Take an envelope in; it is due at once."""
        earlier = self._earlier.pop(number, None)
        self._entries[number] = _Entry(body, live, earlier.attempts if earlier else 0)

    def take_due(self, now: float) -> list[Due]:
        """What is to be sent now: live envelopes first, then by number."""
        due = [(number, entry) for number, entry in self._entries.items() if entry.due <= now]
        due.sort(key=lambda pair: (not pair[1].live, pair[0]))
        taken = [Due(number, entry.body, entry.attempts, entry.live) for number, entry in due]
        for _, entry in due:
            entry.attempts += 1
            entry.is_handed_over = True
            entry.sent_at = now
            entry.due = now + max(self._patience, self._delay(entry.attempts))
        return taken

    def sent(self, number: int, now: float) -> float | None:
        """The carrier has it: from here runs the time within which a confirmation is expected; returns its end."""
        if (entry := self._entries.get(number)) is None:
            return None
        entry.due = now + self._delay(entry.attempts)
        entry.is_handed_over = False
        return entry.due

    def postpone(self, number: int, due: float) -> None:
        """The platform asks to send it later."""
        if (entry := self._entries.get(number)) is not None:
            entry.due = due
            entry.is_handed_over = False

    def next_due(self) -> float | None:
        """When the next envelope is due, real time; None when there is none."""
        return min((entry.due for entry in self._entries.values()), default=None)

    def latest_sent(self, numbers: Iterable[int]) -> float | None:
        """When the last of these envelopes went out on this connection, of those sent once only; None for none."""
        entries = (self._entries.get(number) for number in numbers)
        times = (entry.sent_at for entry in entries if entry is not None and entry.attempts == 1)
        return max((at for at in times if at is not None), default=None)

    def remove(self, numbers: Iterable[int]) -> dict[int, bytes]:
        """Forget envelopes, confirmed or dropped; returns those that were ever sent: bodies by number."""
        found: dict[int, bytes] = {}
        for number in numbers:
            entry = self._entries.pop(number, None) or self._earlier.pop(number, None)
            if entry is not None:
                found[number] = entry.body
        return found

    def again(self, ranges: Iterable[tuple[int, int]]) -> None:
        """The envelopes of these ranges are due at once, but for those that are being sent right now."""
        for first, last in ranges:
            for number, entry in self._entries.items():
                if first <= number <= last and not entry.is_handed_over:
                    entry.due = 0.0


def growing_delay(first: float, most: float, random: Callable[[], float]) -> Callable[[int], float]:
    """Delays that double from `first` to `most` real seconds, each stretched by up to a half: gateways drift apart.

    `random` gives numbers from 0 to 1.
    """

    def delay(attempts: int) -> float:
        # The exponent is bounded, since a float overflows where a gateway is cut off for weeks.
        return float(min(most, first * 2 ** min(attempts - 1, 30))) * (1 + random() / 2)

    return delay
