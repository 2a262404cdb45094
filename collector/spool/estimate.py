"""How long a spool's bound lasts when no platform takes what is kept; `benchmarks/spool.py` measures the constants."""

from __future__ import annotations

import math

import msgspec

from collector.spool.settings import SpoolSettings

WANTED_DAYS = 30
"""What a spool is expected to hold; where it will not, the start says so."""

BYTES_PER_READING = 21.0
"""Of the file for each further reading of an envelope, where values have all the digits that a double can have."""
BYTES_PER_ENVELOPE = 140.0
"""Of the file for each envelope: its row, the pages' margins, and a packer that begins from nothing."""


class Expected(msgspec.Struct, frozen=True):
    """What a configuration brings.

    Attributes:
        readings_per_day: of all points of the gateway, in a day of data time.
        together: how many of them one commit brings.
    """

    readings_per_day: float
    together: float = math.inf


NOTHING = Expected(0)
"""Nothing is known of what will come."""


def days_that_fit(settings: SpoolSettings, expected: Expected, room: float = math.inf) -> float:
    """Days of data time that a spool holds before a bound drops something.

    Args:
        settings: the bounds.
        expected: what comes in.
        room: bytes that the disk has for the file, which may be less than the bound.
    """
    in_envelope = min(expected.together, settings.readings_per_envelope)
    a_day = expected.readings_per_day * (BYTES_PER_READING + BYTES_PER_ENVELOPE / in_envelope)
    by_size = min(settings.max_bytes, room) / a_day if a_day else math.inf
    return min(by_size, settings.max_age_days)
