"""What is said of derived consumption: how good it is, how it was found, what was noticed on the way.

The numbers stand in the database; whoever reads it (boards, rules, reports) takes their names from here.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag


class IntervalQuality(IntEnum):
    """How far an interval's consumption can be trusted; of several parts the worst counts."""

    MEASURED = 0
    """Readings stand as close as they are meant to; only the border is interpolated."""
    ESTIMATED = 1
    """The total is known from registers, how it spreads over time is not; or counted from zero after a reset."""
    SUBSTITUTED = 2
    """No measurement says it: from like days, a check meter, or a person's edit."""
    SUSPECT = 3
    """Measured, but something contradicts it."""
    MISSING = 4
    """Not known; the amount is null, never zero."""


class Method(IntEnum):
    """How an interval's consumption was found; of several parts the greatest number counts."""

    REGISTER = 0
    """Difference of a cumulative register at the interval's borders."""
    RATE = 1
    """Integral of a power or a flow."""
    INTERVAL = 2
    """The meter itself reports consumption per interval."""
    STOCK = 3
    """Opening stock + purchases - closing stock."""
    RECORD = 4
    """Across a replacement or a change of ratio that is on record."""
    RESTART = 5
    """Counted from zero after the register started anew."""
    LINEAR = 6
    """Spread evenly over a gap."""
    CHECK_METER = 7
    """Shaped as the check meter ran."""
    LIKE_DAYS = 8
    """Shaped as the mean of days of the same type before."""
    EDIT = 9
    """Set by a person."""
    NONE = 10
    """Not found."""


class Flag(IntFlag):
    """What was noticed in an interval; several may stand together."""

    WRAP = 1
    """The register passed its top."""
    RESET = 2
    """The register started again from zero; what it shows counts."""
    REPLACED = 4
    """A replacement or a reset that is on record lies within."""
    UNEXPLAINED = 8
    """The register fell, or came back from zeros, and nothing explains it: what flowed is not known."""
    DIP = 16
    """Readings lower than those before and after were set aside."""
    SPIKE = 32
    """Readings higher than those before and after were set aside."""
    SWAPPED = 64
    """A reading that was set aside is its neighbours' with words or bytes exchanged."""
    REVERSED = 128
    """The register ran backwards, or a rate or an amount was negative: suspect of a plain register."""
    GAP = 256
    """Readings lie further apart than they are meant to."""
    RATIO = 512
    """CT x PT changed within."""
    UNCERTAIN = 1024
    """A reading whose time or source is in doubt was used."""
    BY_HAND = 2048
    """A reading filled in by hand was used."""
    EXCLUDED = 4096
    """A person had readings set aside."""
    ACCEPTED = 8192
    """A person accepted what was suspect."""
    COARSE = 16384
    """The register's own step is not small against what was counted: a standstill, then a jump, mean nothing."""
    RANGE = 32768
    """More than the point's greatest rate allows."""


QUALITIES = tuple(one.name.lower() for one in IntervalQuality)
"""Their names, in the order of their numbers."""
