"""Which values of a plant's broker become readings: plausible in time, and not the same once more. Pure."""

from __future__ import annotations

from collector.drivers.mqtt.mapping import Value
from energy.errors import MessageError
from energy.readings import Reading

MOST_POINTS = 10_000
"""Points that the topics of one listener may make: whoever may publish could make up any number of levels."""


class Sieve:
    """The last reading of each point of a listener, and the bounds of time.

    Args:
        max_ahead_s: how much later than now a sender's time stamp may be, seconds of data time.
        max_age_s: how much earlier, likewise.
    """

    def __init__(self, max_ahead_s: float, max_age_s: float) -> None:
        self._ahead_ms = round(max_ahead_s * 1000)
        self._age_ms = round(max_age_s * 1000)
        self._last: dict[str, Reading] = {}

    def take(self, value: Value, now_ms: int) -> Reading | None:
        """The reading; None where it is the last one of its point again, as gateways repeat them.

        Raises:
            MessageError: a time stamp out of bounds, or more points than there may be.
        """
        reading = value.reading
        if value.stamped:
            self._check(reading.at - now_ms, reading)
        last = self._last.get(reading.point)
        if last is None and len(self._last) >= MOST_POINTS:
            raise MessageError("points", f"{reading.point}: more than {MOST_POINTS} points")
        if value.stamped and reading == last:
            return None
        self._last[reading.point] = reading
        return reading

    def _check(self, ahead_ms: int, reading: Reading) -> None:
        # Neither the sender's time nor that of the arrival is known to be right: a guess would be a wrong reading.
        if ahead_ms > self._ahead_ms:
            raise MessageError("ahead", f"{reading.point}: its time stamp is {ahead_ms / 1000:g} s ahead of our clock")
        if -ahead_ms > self._age_ms:
            raise MessageError("old", f"{reading.point}: its time stamp is {-ahead_ms / 1000:g} s old")
