"""Whether our clock agrees with the platform's. Pure: both times are arguments."""

from __future__ import annotations

import msgspec


class Skew(msgspec.Struct, frozen=True):
    """One comparison: our clock is ahead by `seconds` (behind where negative), give or take `doubt`."""

    seconds: float
    doubt: float

    def exceeds(self, bound: float) -> bool:
        """Whether the clocks differ by more than `bound` seconds, whatever way the message took."""
        return abs(self.seconds) - self.doubt > bound


def compare(own_ms: int, platform_ms: int, round_trip: float) -> Skew:
    """Compare clocks by an answer.

    The platform answered at some moment of the round trip; taken to be its middle, it is wrong by half of it at most
    (D. Mills, RFC 5905, section 8, with one time stamp where that has two).

    Args:
        own_ms: our data time when the answer came, ms.
        platform_ms: the platform's when it answered, ms.
        round_trip: data seconds from the question to the answer.
    """
    half = round_trip / 2
    return Skew((own_ms - platform_ms) / 1000 - half, half)
