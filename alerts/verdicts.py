"""What can be said of a quota in one period, and how loudly.

Severity and colour are words. Chinese grade numbers are never stored, because grade 3 is the mildest in national
notices and the worst in some local rules; the four colours (蓝黄橙红) mean the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """What the figures say; anything but the first four says that the figures cannot answer."""

    OK = "ok"
    """Complete data, and nothing to report."""
    WARNED = "warned"
    """A band of the used share is reached, or more is used than is due, though the projection ends within the limit."""
    ON_COURSE = "on_course"
    """By the projection the limit breaks before the period ends."""
    EXCEEDED = "exceeded"
    """More was used than the limit allows."""
    INCOMPLETE = "incomplete"
    """Whole days of a carrier are not known, or came before its metering began: at least the figure was used."""
    STALE = "stale"
    """The newest complete data is older than the rule allows."""
    NO_DATA = "no_data"
    """A carrier that must be counted has never delivered a figure."""

    @property
    def flags(self) -> bool:
        """Whether the verdict is a reason to raise an alert."""
        return self in {Verdict.ON_COURSE, Verdict.EXCEEDED}

    @property
    def known(self) -> bool:
        """Whether the figures could answer; absence of data is a state of its own, never all-clear."""
        return self not in {Verdict.INCOMPLETE, Verdict.STALE, Verdict.NO_DATA}


class Severity(StrEnum):
    """How much it matters, mildest first; `unknown` stands beside the order."""

    NONE = "none"
    NOTICE = "notice"
    ATTENTION = "attention"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class Colour(StrEnum):
    """The colour that boards show: the four of Chinese early warning, green for all-clear, grey for no answer."""

    GREEN = "green"
    BLUE = "blue"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"
    GREY = "grey"


SEVERITY_TERMS: Mapping[str, str] = {"critical": "严重", "warning": "警告", "attention": "注意", "notice": "提示"}
"""Chinese terms of severities, the gravest first."""
COLOUR_TERMS: Mapping[str, str] = {
    "red": "红",
    "orange": "橙",
    "yellow": "黄",
    "blue": "蓝",
    "green": "绿",
    "grey": "灰",
}
"""Chinese terms of colours."""


class Mark(msgspec.Struct, frozen=True):
    """How a verdict is shown: severity and colour, always stored together."""

    severity: Severity
    colour: Colour


CLEAR = Mark(Severity.NONE, Colour.GREEN)
AHEAD = Mark(Severity.ATTENTION, Colour.YELLOW)
ON_COURSE = Mark(Severity.WARNING, Colour.ORANGE)
EXCEEDED = Mark(Severity.CRITICAL, Colour.RED)
UNKNOWN = Mark(Severity.UNKNOWN, Colour.GREY)
