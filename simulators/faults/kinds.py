"""The kinds of faults: those of single answers, and those of a meter's values."""

from __future__ import annotations

from enum import StrEnum


class FaultKind(StrEnum):
    """One way in which a meter, or the line to it, misbehaves."""

    SILENCE = "silence"
    """No answer."""
    DELAY = "delay"
    """The right answer, `delay_s` late."""
    WRONG_TRANSACTION = "wrong-transaction"
    """The answer carries another transaction number. Modbus TCP only."""
    WRONG_UNIT = "wrong-unit"
    """The answer says that it is of the next unit."""
    WRONG_FUNCTION = "wrong-function"
    """The answer is of function 4 where 3 was asked, and so on."""
    TRUNCATED = "truncated"
    """The last `bytes` of the answer are missing."""
    MERGED = "merged"
    """The answer comes twice in one piece, as from a gateway that had asked twice."""
    STALE = "stale"
    """The line's previous answer comes before the right one, in one piece."""
    CRC = "crc"
    """The checksum does not fit. Serial framings only."""
    GARBAGE = "garbage"
    """So many `bytes` by chance come before the answer."""
    EXCEPTION = "exception"
    """The answer is exception `code`."""
    BUSY = "busy"
    """The answer is exception 6."""
    FORBIDDEN = "forbidden"
    """Exception 2 for every read that touches one of the `ranges`."""

    FROZEN = "frozen"
    """All values stand still."""
    NOT_AVAILABLE = "not-available"
    """The `registers`, the counter if none are named, say that they have no value."""
    WRAP = "wrap"
    """The counter reaches its end at this very moment and starts again from zero."""
    RESET = "reset"
    """The counter starts again from zero."""
    REPLACEMENT = "replacement"
    """Another meter hangs there from now on: the counter goes on from `start`."""
    DIP = "dip"
    """The counter shows `by` too little for a while, then what it should."""
    SWAPPED_WORDS = "swapped-words"
    """The words of each value come in the opposite order."""
    CLOCK_DRIFT = "clock-drift"
    """The values are those of `seconds` ago."""


MOMENTS = frozenset({FaultKind.WRAP, FaultKind.RESET, FaultKind.REPLACEMENT})
"""Faults that happen at a moment, and whose effect stays."""
SPANS = frozenset(
    {FaultKind.FROZEN, FaultKind.NOT_AVAILABLE, FaultKind.DIP, FaultKind.SWAPPED_WORDS, FaultKind.CLOCK_DRIFT}
)
"""Faults of values that last for a while."""
OF_VALUES = MOMENTS | SPANS
OF_ANSWERS = frozenset(FaultKind) - OF_VALUES
"""Faults that concern one answer each."""
OF_FRAMES = OF_ANSWERS - {FaultKind.EXCEPTION, FaultKind.BUSY, FaultKind.FORBIDDEN}
"""Faults that leave the meter's answer as it is and spoil its way."""
NOT_SERIAL = frozenset({FaultKind.WRONG_TRANSACTION})
"""Faults that a serial framing has no place for."""
ONLY_SERIAL = frozenset({FaultKind.CRC})
"""Faults that only a serial framing has a place for."""

PARAMETERS: dict[FaultKind, str] = {
    FaultKind.DELAY: "delay_s",
    FaultKind.TRUNCATED: "bytes",
    FaultKind.GARBAGE: "bytes",
    FaultKind.EXCEPTION: "code",
    FaultKind.FORBIDDEN: "ranges",
    FaultKind.NOT_AVAILABLE: "registers",
    FaultKind.REPLACEMENT: "start",
    FaultKind.DIP: "by",
    FaultKind.CLOCK_DRIFT: "seconds",
}
"""The key that belongs to a kind; the others have none."""
