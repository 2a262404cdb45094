"""Ticks of data time, aligned to whole intervals since 1970-01-01 UTC, so that nothing drifts. Pure."""

from __future__ import annotations


def next_tick(after_ms: int, interval_ms: int, offset_ms: int = 0) -> int:
    """The first tick later than `after_ms`; ticks are offset + k x interval since 1970-01-01 UTC. All in ms."""
    return offset_ms + ((after_ms - offset_ms) // interval_ms + 1) * interval_ms


def missed_ticks(tick_ms: int, following_ms: int, interval_ms: int) -> int:
    """How many ticks lie between two; 0 when the second follows the first or the clock was set back."""
    return max(0, (following_ms - tick_ms) // interval_ms - 1)
