"""Times as people write them: ISO 8601, as Excel writes it, or milliseconds. Pure.

A wall-clock time without an offset says which instant is meant only together with a zone, and not even then where
clocks change: the hour that spring skips never was, the one that autumn repeats was twice. Neither is guessed.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

_MILLISECONDS = re.compile(r"-?[0-9]{1,18}")
_TIME = re.compile(
    r"(?P<year>[0-9]{4})(?P<sep>[-/])(?P<month>[0-9]{1,2})(?P=sep)(?P<day>[0-9]{1,2})[T ]"
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r" ?(?P<offset>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY_MS = 86_400_000
_MINUTE_MS = 60_000


def instant_ms(text: str, zone: ZoneInfo | None) -> int:
    """Milliseconds since 1970 UTC; a fraction finer than that is cut off.

    Args:
        text: such as `2026-03-01T08:15:00+08:00`, `2026/3/1 8:15` or `1772294400000`.
        zone: where times without an offset are from; None where none was named.

    Raises:
        ValueError: it says no instant; with `text` and what was expected.
    """
    if _MILLISECONDS.fullmatch(text):
        return int(text)
    match = _TIME.fullmatch(text)
    if match is None:
        local = "" if zone is None else f", 2026-03-01 08:15 in {zone.key}"
        raise _no_instant(text, f"a time such as 2026-03-01T08:15:00+08:00{local}, or ms since 1970, expected")
    try:
        wall = datetime(  # noqa: DTZ001 - the wall's time; its offset follows
            int(match["year"]),
            int(match["month"]),
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            int(match["second"] or 0),
        )
    except ValueError:
        raise _no_instant(text, "there is no such date or time of day") from None
    offset_ms = _offset_ms(text, match["offset"]) if match["offset"] else _local_offset_ms(text, wall, zone)
    fraction = int((match["fraction"] or "")[:3].ljust(3, "0"))
    of_day = (wall.hour * 60 + wall.minute) * _MINUTE_MS + wall.second * 1_000 + fraction
    return (wall.toordinal() - _EPOCH_DAY) * _DAY_MS + of_day - offset_ms


def _offset_ms(text: str, offset: str) -> int:
    if offset == "Z":
        return 0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - of a clock
        raise _no_instant(text, "there is no such offset from UTC")
    size = (hours * 60 + minutes) * _MINUTE_MS
    return -size if offset[0] == "-" else size


def _local_offset_ms(text: str, wall: datetime, zone: ZoneInfo | None) -> int:
    if zone is None:
        raise _no_instant(text, "an offset such as +08:00 expected, or a time zone given beside it")
    # PEP 495: where the two readings of a wall-clock time differ, it is skipped (the first is less) or repeated.
    first, second = _offset(wall, zone, fold=0), _offset(wall, zone, fold=1)
    if first < second:
        raise _no_instant(text, f"the clocks of {zone.key} skip this time, it never was")
    if first > second:
        raise _no_instant(text, f"the clocks of {zone.key} show this time twice; give it with its offset")
    return first // timedelta(milliseconds=1)


def _offset(wall: datetime, zone: ZoneInfo, *, fold: int) -> timedelta:
    return zone.utcoffset(wall.replace(tzinfo=zone, fold=fold)) or timedelta()


def _no_instant(text: str, what: str) -> ValueError:
    return ValueError(f"{text!r}: {what}")
