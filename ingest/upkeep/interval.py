"""The law of the chunk interval; pure.

Two bounds pull in opposite directions. Of memory: the index of the chunk that is written should stay in memory, so a
chunk may not be long. Of number: what is kept may not fall into too many chunks, so a chunk may not be short. Where
they exclude each other the number wins: an index that is too large for its memory is slow, while a query over too many
chunks runs out of locks and fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HOUR, DAY = 3_600, 86_400
LADDER = (HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 15 * DAY, 30 * DAY)
"""Intervals to choose from, seconds."""

TOO_LARGE = 1.25
"""Only an index above this multiple of its budget makes chunks shorter …"""
ROOM = 0.8
"""… and only one that stays below this part of it makes them longer. So a rate that varies by a tenth up and down
changes nothing back and forth: 0.9 / 1.1 > ROOM, and 1.1 / 0.9 < TOO_LARGE."""

Bound = Literal["memory", "number", "longest"]


@dataclass(frozen=True, slots=True)
class Growth:
    """How a table grows: rows per second of data time, and bytes of index per row."""

    rows_per_s: float
    index_bytes: float

    def index_of(self, interval_s: float) -> float:
        """Bytes of the index of a chunk of `interval_s` seconds."""
        return self.rows_per_s * self.index_bytes * interval_s


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the interval.

    Attributes:
        index_bytes: what the index of one chunk may take.
        kept_days: how long rows are kept.
        most_chunks: into how many chunks they may fall.
    """

    index_bytes: float
    kept_days: float
    most_chunks: int

    @property
    def shortest_s(self) -> int:
        """The least interval with which what is kept falls into no more than `most_chunks`; the last one, if none."""
        return next((step for step in LADDER if step * self.most_chunks >= self.kept_days * DAY), LADDER[-1])


@dataclass(frozen=True, slots=True)
class Choice:
    """The interval for chunks to come, seconds, and what bounds it."""

    interval_s: int
    bound: Bound


def choose(current_s: int, growth: Growth, limits: Limits) -> Choice:
    """The interval for chunks to come: `current_s` itself unless another one is clearly better."""
    shortest = limits.shortest_s
    roomy = max(shortest, _longest(growth, limits.index_bytes * ROOM))
    chosen = current_s
    if current_s < shortest or roomy > current_s:
        chosen = roomy
    elif growth.index_of(current_s) > limits.index_bytes * TOO_LARGE:
        chosen = min(current_s, max(shortest, _longest(growth, limits.index_bytes)))
    if growth.index_of(chosen) > limits.index_bytes * TOO_LARGE and chosen <= shortest:
        return Choice(chosen, "number")
    return Choice(chosen, "longest" if chosen >= LADDER[-1] else "memory")


def _longest(growth: Growth, index_bytes: float) -> int:
    """The longest interval whose index takes no more than `index_bytes`; the shortest there is, if none."""
    return max((step for step in LADDER if growth.index_of(step) <= index_bytes), default=LADDER[0])
