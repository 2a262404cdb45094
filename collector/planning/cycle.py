"""How long the reads of a line take, before any of them was made. Pure.

A frame of Modbus RTU is address, function code, payload and two bytes of CRC; frames lie at least 3.5 characters of
silence apart, above 19 200 baud 1.75 ms (Modbus over Serial Line V1.02, 2.5.1.1). DL/T 645 is slower by its frames.
"""

from __future__ import annotations

import msgspec

from collector.planning.planner import Read

_REQUEST_BYTES = 8
"""Unit, function code, address, count, CRC."""
_ANSWER_BYTES = 5
"""Unit, function code, byte count, CRC; the payload aside."""
_SILENCE_CHARACTERS = 3.5
_FAST_BAUD = 19_200
_FAST_SILENCE_S = 0.001_75


class SerialTiming(msgspec.Struct, frozen=True, kw_only=True):
    """A serial line.

    Attributes:
        baud: bits per second.
        character_bits: bits of one character: 10 for 8N1, 11 with a parity bit or a second stop bit.
        turnaround_s: seconds that a device takes to think.
        round_trip_s: seconds through a converter, where the line is behind one.
    """

    baud: int
    character_bits: int = 10
    turnaround_s: float = 0.05
    round_trip_s: float = 0.0

    def seconds(self, request_bytes: int, answer_bytes: int) -> float:
        """What one exchange of frames of so many bytes takes, with the silence after each of them."""
        character_s = self.character_bits / self.baud
        silence_s = _SILENCE_CHARACTERS * character_s if self.baud <= _FAST_BAUD else _FAST_SILENCE_S
        bytes_s = (request_bytes + answer_bytes) * character_s
        return bytes_s + 2 * silence_s + self.turnaround_s + self.round_trip_s


class NetworkTiming(msgspec.Struct, frozen=True, kw_only=True):
    """A network, on which the bytes take no time worth counting.

    Attributes:
        round_trip_s: seconds from request to answer, the device's thinking included.
    """

    round_trip_s: float = 0.01

    def seconds(self, request_bytes: int, answer_bytes: int) -> float:  # noqa: ARG002 - the size does not matter here
        """What one exchange takes."""
        return self.round_trip_s


Timing = SerialTiming | NetworkTiming
"""The way to the meters of a line."""


def read_seconds(read: Read, timing: Timing) -> float:
    """How long one read takes."""
    return timing.seconds(_REQUEST_BYTES, _ANSWER_BYTES + read.data_bytes)
