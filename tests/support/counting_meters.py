"""Meters whose registers go on with every read, so that each reading has a value that no other has."""

from __future__ import annotations

from itertools import count

from collector.profiles import load_profile
from energy.readings import Reading
from tests.support.modbus_peer import reply, rtu_reply

PROFILE = "schneider_iem3155"


class CountingMeters:
    """How the meters of a gateway answer, on whatever line.

    Attributes:
        answered: the value of each answer that went out, in order.
    """

    def __init__(self) -> None:
        self.answered: list[float] = []
        self._values = count(1)
        self._register = load_profile(PROFILE).counter_register

    def tcp(self, request: bytes) -> bytes:
        """The answer of a meter at a Modbus TCP port."""
        return reply(request, self._words())

    def rtu(self, request: bytes) -> bytes:
        """The answer of a meter on a serial line, or behind a converter."""
        return rtu_reply(request, self._words())

    def unknown(self, readings: list[Reading]) -> list[Reading]:
        """Readings that no meter gave; none is expected."""
        given = set(self.answered)
        return [reading for reading in readings if reading.value not in given]

    def _words(self) -> list[int]:
        value = next(self._values)
        self.answered.append(value)
        return list(self._register.encode(value).values())
