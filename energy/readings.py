"""A reading: what one point showed at one moment, and how far it can be trusted."""

from __future__ import annotations

import math
from enum import IntEnum

import msgspec


class Quality(IntEnum):
    """How far a reading can be trusted; the lower number is the better quality."""

    MEASURED = 0
    """The device answered with a value that means what it says."""
    UNCERTAIN = 1
    """A value, but its time or its source is in doubt."""
    MANUAL = 2
    """Filled in by hand."""
    NOT_AVAILABLE = 3
    """The device answered that it has no value (its not-available marker, or NaN)."""


class Reading(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The state of one point at one moment; identified by (point, at).

    Attributes:
        point: the point's code, unique nationwide.
        at: when it was read, milliseconds since 1970-01-01 UTC.
        value: in the base unit of measure of the point's carrier, CT x PT applied; None when the quality has no value.
        quality: a `Quality` as a number; an unknown number is refused by ingest, not here.
    """

    point: str
    at: int
    value: float | None
    quality: int = Quality.MEASURED


def content_order(quality: int, value: float | None) -> tuple[int, bool, float]:
    """Sort key that says which of several contradicting readings of one key is effective: the smallest.

    Best quality first, then the smaller value, no value last. It looks at the content alone, so that the
    order of arrival never matters.
    """
    missing = value is None or math.isnan(value)
    return (quality, missing, 0.0 if value is None or missing else value)
