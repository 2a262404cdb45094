"""How long a spool's bound lasts when no platform takes what is kept; measured by `benchmarks/spool.py`."""

from __future__ import annotations

import math

from collector.spool.settings import SpoolSettings

WANTED_DAYS = 30
"""What a spool is expected to hold; where it will not, the start says so."""

BYTES_PER_READING = 16.0
"""Of the file for each reading of a full envelope, with the database's own share."""
BYTES_PER_ENVELOPE = 160.0
"""Of the file for each envelope: its row, what every envelope says anew, and a packer that begins from nothing."""


def days_that_fit(
    settings: SpoolSettings, readings_per_day: float, *, readings_per_envelope: float | None = None
) -> float:
    """Days of data time that a spool holds before a bound drops something.

    Args:
        settings: the bounds.
        readings_per_day: of all points of the gateway.
        readings_per_envelope: how many one commit brings together, where that is less than the settings allow.

    Returns:
        Infinity where nothing is read and the age has no bound.
    """
    together = min(readings_per_envelope or math.inf, settings.readings_per_envelope)
    a_day = readings_per_day * (BYTES_PER_READING + BYTES_PER_ENVELOPE / together)
    by_size = settings.max_bytes / a_day if a_day else math.inf
    return min(by_size, settings.max_age_days)
