"""What the tables of all lines and meters have in common, whatever their protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from collector.profiles import Ratio
from energy.config import NotNegative, Positive

Interval = Annotated[float, msgspec.Meta(ge=0.1)]
"""Seconds of data time from poll to poll."""
PointCode = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z",
        description="1 to 64 letters, digits, dots, hyphens and underscores, the first a letter or a digit",
    ),
]
"""A point's code, as the platform's registry has it."""

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
"""A TCP port."""
BaudRate = Annotated[int, msgspec.Meta(ge=300, le=4_000_000)]
"""Bits per second on a serial line."""
Parity = Literal["none", "even", "odd"]
"""The bit behind the eight of a byte on a serial line."""
StopBits = Literal[1, 2]
"""The bits at the end of a byte on a serial line."""


class MeterBase(msgspec.Struct, frozen=True, kw_only=True):
    """One meter of a polled line.

    Attributes:
        name: for logs and `quotawatt read`; the code of its first point when absent.
        profile: what its values mean, by name of a profile.
        point: code under which the profile's counter is sent.
        points: codes of further points, by the profile's name of the value.
        ct: ratio of the current transformers, 1 where connected directly; needed where a value that is sent shows the
            secondary side, and only there.
        pt: ratio of the voltage transformers, likewise.
        unit: unit of measure of the counter as set in the meter's menu, where that is not the profile's.
        units: units of measure of further values, likewise, by the profile's name of the value.
        interval_s: seconds of data time from poll to poll, where not the line's.
        offset_s: seconds of data time by which its polls are later, where not the line's.
    """

    name: str = ""
    profile: str
    point: PointCode | None = None
    points: Mapping[str, PointCode] = {}
    ct: Ratio | None = None
    pt: Ratio | None = None
    unit: str = ""
    units: Mapping[str, str] = {}
    interval_s: Interval | None = None
    offset_s: NotNegative | None = None

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or self.point or next(iter(self.points.values()), self.profile)


class LineBase(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """One polled line: the table `[[gateways.lines]]`, told apart by `kind`.

    Attributes:
        interval_s: seconds of data time from poll to poll; polls fall on whole multiples since 1970-01-01 UTC.
        offset_s: seconds of data time by which they are later.
        time_out_s: real seconds within which a meter has to answer.
    """

    interval_s: Interval = 60.0
    offset_s: NotNegative = 0.0
    time_out_s: Positive = 1.0

    def __post_init__(self) -> None:
        if self.offset_s >= self.interval_s:
            raise ValueError(f"offset_s ({self.offset_s:g}) must be below interval_s ({self.interval_s:g})")
