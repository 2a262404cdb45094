"""Lengths of time as people write them: 90s, 30m, 1h30m, 2d, 1w. Pure."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

import msgspec

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"([0-9]{1,9})([wdhms])")

Duration: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(0|([0-9]{1,9}w)?([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?)\Z",
        min_length=1,
        description="a length of time such as 90s, 30m, 1h30m, 2d or 0",
    ),
]
"""A length of time in words, each unit at most once, the largest first."""


def seconds_of(text: str) -> int:
    """How many seconds a `Duration` is."""
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def in_words(seconds: int) -> str:
    """Seconds in words that `seconds_of` takes back."""
    words = ""
    for unit, size in _SECONDS.items():
        count, seconds = divmod(seconds, size)
        words += f"{count}{unit}" if count else ""
    return words or "0"
