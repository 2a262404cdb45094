"""From a sender's time stamp to data time, milliseconds since 1970-01-01 UTC. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from collector.drivers.mqtt.settings import TimeStampSettings
from collector.errors import MappingError
from energy.errors import MessageError

_MS_A_UNIT = {"unix_s": 1000, "unix_ms": 1}
_LATEST_MS = 32_503_680_000_000
"""The year 3000: no meter's clock means a later time, and beyond it numbers lose their milliseconds."""

_SHOWN = 60
"""Characters of a stamp in a message."""

Parse = Callable[[Any, int], tuple[int, bool]]
"""Takes what the message says and the time of its arrival; returns when, and whether that is in doubt."""


def time_parser(settings: TimeStampSettings) -> Parse:
    """How to read such time stamps; raises MappingError where the zone is not known or cannot be applied."""
    if settings.form == "iso8601":
        return _iso_parser(time_zone(settings.zone) if settings.zone else None)
    if settings.zone:
        raise MappingError(f"{settings.form} needs no zone: it counts from 1970-01-01 UTC")
    factor = _MS_A_UNIT[settings.form]
    return lambda stamp, _: (_unix(stamp, factor), False)


def time_zone(name: str) -> ZoneInfo:
    """The zone called `name`; raises MappingError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MappingError(f"unknown time zone {name!r}, expected a name such as Asia/Shanghai") from error


def _unix(stamp: Any, factor: int) -> int:
    # A boolean is an int to Python.
    if isinstance(stamp, bool) or not isinstance(stamp, int | float):
        raise MessageError("time", f"{str(stamp)[:_SHOWN]!r} is no number of seconds or milliseconds")
    if not 0 <= stamp * factor <= _LATEST_MS:  # NaN neither
        raise MessageError("time", f"{str(stamp)[:_SHOWN]} is no time of this age")
    return round(stamp * factor)


def _iso_parser(zone: ZoneInfo | None) -> Parse:
    def parse(stamp: Any, arrived_ms: int) -> tuple[int, bool]:
        try:
            read = datetime.fromisoformat(stamp)
            if read.tzinfo is not None:
                return _milliseconds(read), False
            if zone is not None:
                return _local(read, zone, arrived_ms)
        # The years 1 and 9999 have no neighbours for another zone.
        except (ValueError, TypeError, OverflowError) as error:
            raise MessageError("time", f"{str(stamp)[:_SHOWN]!r} is no ISO 8601 date and time") from error
        raise MessageError("time", f"{str(stamp)[:_SHOWN]!r} names no zone: give `zone`, the sender's")

    return parse


def _local(read: datetime, zone: ZoneInfo, arrived_ms: int) -> tuple[int, bool]:
    """Local time as an instant; the repeated hour in autumn is in doubt, the skipped one in spring is no time."""
    first, second = (_milliseconds(read.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if first == second:
        return first, False
    if first > second:
        raise MessageError("time", f"{read} was skipped in {zone.key} when the clocks went forward")
    # What has just come was read just now, rather than an hour ago.
    return min(first, second, key=lambda at: abs(arrived_ms - at)), True


def _milliseconds(read: datetime) -> int:
    # An exact division of integers: `timestamp()` would be a float.
    return (read.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


_EPOCH = datetime.fromtimestamp(0, UTC)
