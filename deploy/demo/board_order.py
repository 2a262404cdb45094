"""Which lines the board shows, and in which order: what is flagged first, then one line for each other unit."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from deploy.demo.board_model import QuotaLine


class Rank(IntEnum):
    """Groups of lines, the most pressing first."""

    BROKEN = 0
    ON_COURSE = 1
    CORRECTED = 2
    PENDING = 3
    WARNED = 4
    UNKNOWN = 5
    FINE = 6


def rank(line: QuotaLine) -> Rank:
    """The group of a line, by its alert first and its verdict second."""
    if line.firing:
        return Rank.BROKEN if line.cause == "exceeded" else Rank.ON_COURSE
    if line.corrected:
        return Rank.CORRECTED
    if line.state == "pending":
        return Rank.PENDING
    if line.verdict in {"stale", "no_data", "incomplete"}:
        return Rank.UNKNOWN
    return Rank.WARNED if line.verdict == "warned" else Rank.FINE


def pressing_first(line: QuotaLine) -> tuple[Rank, float, str]:
    """Sort key: group, then how far ahead of its limit, then a fixed order so that lines do not jump."""
    return rank(line), -(line.pace or 0.0), line.quota


def lines_to_show(quotas: Iterable[QuotaLine]) -> list[QuotaLine]:
    """Every quota that fires or was corrected, then of each unit that has none the most pressing one."""
    ordered = sorted(quotas, key=pressing_first)
    firing = [line for line in ordered if line.firing or line.corrected]
    shown = {line.unit for line in firing}
    rest: list[QuotaLine] = []
    for line in ordered:
        if line.unit not in shown:
            shown.add(line.unit)
            rest.append(line)
    return firing + rest
