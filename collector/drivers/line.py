"""The contract between polls and protocols: lines that are asked, and exchanges that say what to ask and what came.

A poll knows nothing of Modbus or DL/T 645. It asks a `Line` for the answer to an exchange's request and hands the
answer to the exchange, which makes readings of it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, Protocol

from energy.errors import RejectedError
from energy.readings import Reading


class Answer:
    """What a unit answered.

    Attributes:
        data: the payload as it stood on the wire: of a Modbus read of registers two bytes a register, the high one
            first; of bits eight to a byte, the lowest bit first; of DL/T 645 the data without the offset of 33H.
        at: data time in the middle between request and answer, ms UTC.
    """

    __slots__ = ("at", "data")

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at


class Line(Protocol):
    """One way to any number of units: a socket or a serial port. One request is on the way at a time."""

    @property
    def connected(self) -> bool:
        """Whether the connection stands, or the port is open."""

    @property
    def discarded(self) -> int:
        """How many bytes came while nothing was asked, and were thrown away: late answers, noise, other masters."""

    async def ask(self, unit: Any, request: Any) -> Answer:
        """Ask a unit; unit and request are of the line's own protocol.

        Raises:
            LineError: no connection: every unit behind the line is affected.
            LostLineError: the connection was lost before the answer came.
            SilentUnitError: no answer in time.
            MismatchError: an answer that belongs to another request, or is damaged.
            RefusedReadError: the device answered that it will not.
        """

    def close(self) -> None:
        """Drop the connection; the next request makes a new one."""


class Outcome(NamedTuple):
    """What an answer gave: its readings, and what of it made no sense. One bad value costs no other."""

    readings: list[Reading]
    faults: list[RejectedError]


class Exchange(Protocol):
    """One request to a meter, and the meaning of its answer."""

    @property
    def request(self) -> Hashable:
        """What to ask, in the line's protocol; `str` of it is for people."""

    @property
    def points(self) -> Sequence[str]:
        """The points that it brings."""

    def take(self, answer: Answer) -> Outcome:
        """The readings in an answer, in base units of measure, CT x PT applied."""
