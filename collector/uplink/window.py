"""Which envelopes are unconfirmed on the way, and when each is due again. Pure: real time is an argument.

At most `size` envelopes are on the way; that is the back-pressure of the whole way, since a broker's own
acknowledgement says nothing about what became of a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass
class _Entry:
    body: bytes
    attempts: int = 0
    due: float = 0.0


class Window:
    """The unconfirmed envelopes of one gateway.

    Args:
        size: most of them.
        delay: real seconds until an envelope is sent again, by the number of times that it was sent.
        patience: real seconds until it is sent again where even the broker does not take it.
    """

    def __init__(self, size: int, delay: Callable[[int], float], patience: float) -> None:
        self._size = size
        self._delay = delay
        self._patience = patience
        self._entries: dict[int, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, number: int) -> bool:
        return number in self._entries

    @property
    def room(self) -> int:
        """How many more envelopes may be on the way."""
        return self._size - len(self._entries)

    def add(self, number: int, body: bytes) -> None:
        """Take an envelope in; it is due at once."""
        self._entries[number] = _Entry(body)

    def take_due(self, now: float) -> list[tuple[int, bytes, int]]:
        """What is to be sent now: (number, body, times sent before), by number."""
        due = [(number, entry) for number, entry in sorted(self._entries.items()) if entry.due <= now]
        taken = [(number, entry.body, entry.attempts) for number, entry in due]
        for _, entry in due:
            entry.attempts += 1
            entry.due = now + max(self._patience, self._delay(entry.attempts))
        return taken

    def sent(self, number: int, now: float) -> None:
        """The broker has it: from here runs the time within which a confirmation is expected."""
        if (entry := self._entries.get(number)) is not None:
            entry.due = now + self._delay(entry.attempts)

    def next_due(self) -> float | None:
        """When the next envelope is due, real time; None when there is none."""
        return min((entry.due for entry in self._entries.values()), default=None)

    def remove(self, numbers: Iterable[int]) -> dict[int, bytes]:
        """Forget envelopes, confirmed or dropped; returns those that were here: bodies by number."""
        return {number: entry.body for number in numbers if (entry := self._entries.pop(number, None)) is not None}

    def again(self, ranges: Iterable[tuple[int, int]]) -> None:
        """The envelopes of these ranges are due at once."""
        for first, last in ranges:
            for number, entry in self._entries.items():
                if first <= number <= last:
                    entry.due = 0.0

    def restart(self) -> None:
        """A new connection: everything is due at once."""
        for entry in self._entries.values():
            entry.due = 0.0


def growing_delay(first: float, most: float, random: Callable[[], float]) -> Callable[[int], float]:
    """Delays that double from `first` to `most` real seconds, each stretched by up to a half: gateways drift apart.

    `random` gives numbers from 0 to 1.
    """

    def delay(attempts: int) -> float:
        # The exponent is bounded, since a float overflows where a gateway is cut off for weeks.
        return float(min(most, first * 2 ** min(attempts - 1, 30))) * (1 + random() / 2)

    return delay
