"""What a person may say about readings. Pure."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What an edit does."""

    REPLACEMENT = "replacement"
    """换表: the old register ended at `since`, the new one began at `until`."""
    RATIO = "ratio"
    """变比变更: readings from `since` on are multiplied by a ratio."""
    EXCLUDE = "exclude"
    """Readings in [since, until) are not used."""
    AMOUNT = "amount"
    """Consumption of [since, until) is what the edit says."""
    ACCEPT = "accept"
    """What is suspect in [since, until) is accepted."""
