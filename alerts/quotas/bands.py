"""Bands of warning: from which share of a limit on which severity and colour are shown, as data."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Annotated

import msgspec

from alerts.verdicts import Colour, Mark, Severity

_SEVERITIES = (Severity.NOTICE, Severity.ATTENTION, Severity.WARNING, Severity.CRITICAL)
_COLOURS = (Colour.BLUE, Colour.YELLOW, Colour.ORANGE, Colour.RED)
_UPSIDE_DOWN = (
    "these look like the completion bands of a saving target, where 100 % is good; a limit is filled up, and the "
    "nearer to 100 % the graver"
)


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A warning when this share of the limit is used, whatever the pace.

    Attributes:
        share: of the limit, below 1: the limit itself is a breach, which has a rule of its own.
        severity, colour: how the warning is stored and shown, as words: grade numbers mean opposite things in
            different rules.
    """

    share: Annotated[float, msgspec.Meta(gt=0)]
    severity: Severity
    colour: Colour

    def __post_init__(self) -> None:
        if self.severity not in _SEVERITIES or self.colour not in _COLOURS:
            raise ValueError(
                f"a band of {self.severity} and {self.colour} warns of nothing: {_UPSIDE_DOWN}. Severities are "
                f"{', '.join(_SEVERITIES)}, colours {', '.join(_COLOURS)}"
            )
        if self.share >= 1:
            raise ValueError(
                f"a band at {self.share:g}: bands lie below 1; the limit itself is a breach, and needs none"
            )

    @property
    def mark(self) -> Mark:
        """Severity and colour together."""
        return Mark(self.severity, self.colour)


DEFAULT_BANDS = (
    Band(0.8, Severity.NOTICE, Colour.BLUE),
    Band(0.9, Severity.ATTENTION, Colour.YELLOW),
)
"""80 and 90 %; 100 % is the breach (用能预算管理: facts of local practice, figures vary)."""


def check_bands(bands: Sequence[Band]) -> None:
    """Raise ValueError where bands contradict each other, or get milder while the limit fills up."""
    for low, high in itertools.pairwise(bands):
        if low.share >= high.share:
            raise ValueError(f"bands must rise: {high.share:g} does not lie above {low.share:g}")
        if _SEVERITIES.index(high.severity) < _SEVERITIES.index(low.severity) or _COLOURS.index(
            high.colour
        ) < _COLOURS.index(low.colour):
            raise ValueError(
                f"the band at {high.share:g} ({high.severity}, {high.colour}) is milder than that at {low.share:g} "
                f"({low.severity}, {low.colour}): {_UPSIDE_DOWN}"
            )
