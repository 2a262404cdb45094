"""What is known of one value of a meter, whatever protocol brings it."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import Annotated

import msgspec

Factor = Annotated[float, msgspec.Meta(gt=0)]
"""A positive number; its shortest decimal notation is meant exactly, so that 0.01 is one hundredth."""
Ratio = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]
"""Ratio of a current or a voltage transformer, e.g. 200 for 1000/5 A; no installation comes near the bound."""
RATIOS = ("ct", "pt")
"""The keys of a meter's table that hold one."""
DISPLAY = "display"
"""Stands for a unit of measure that is set in the meter's menu: the meter's table has to name it."""


class CtPt(StrEnum):
    """By which transformers' ratios a value has to be multiplied, because the meter shows the secondary side."""

    NONE = "none"
    """By none: no transformer, or the meter knows its ratios."""
    CT = "ct"
    """The current transformers': currents."""
    PT = "pt"
    """The voltage transformers': voltages."""
    CT_PT = "ct_pt"
    """Both: powers and energies."""

    @property
    def ratios(self) -> tuple[str, ...]:
        """Those of `RATIOS` that multiply the value."""
        return tuple(ratio for ratio in RATIOS if ratio in self.value.split("_"))


class Confidence(StrEnum):
    """How well a value's facts are known."""

    CONFIRMED = "confirmed"
    """Two sources of different origin agree."""
    FOUND = "found"
    """One source."""
    RECALLED = "recalled"
    """From memory: check it against the manual before relying on it."""
    INVENTED = "invented"
    """No real model: made up for simulation, or a template to copy."""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a meter: raw number x scale + offset, in `unit`, before CT x PT.

    Attributes:
        name: unique within the profile.
        quantity: what it measures, e.g. `energy_import_total`, `power_active`.
        unit: unit of measure; `display` where the meter's menu decides.
        scale: what one step of the raw number is.
        offset: what the raw number 0 means.
        ct_pt: which ratios have to be applied.
        wrap: value in `unit` at which a counter starts again from zero; None when not known.
        confidence: how well the facts are known.
        note: what to mind about this value.
    """

    name: str
    quantity: str
    unit: str
    scale: Factor = 1.0
    offset: float = 0.0
    ct_pt: CtPt = CtPt.NONE
    wrap: Factor | None = None
    confidence: Confidence
    note: str = ""

    @property
    def is_text(self) -> bool:
        """Whether it is text, which has no unit of measure and is never sent as a reading."""
        return False

    @property
    def exact_scale(self) -> Fraction:
        """`scale` as the decimal fraction that was written."""
        return Fraction(str(self.scale))

    @property
    def exact_offset(self) -> Fraction:
        """`offset` likewise."""
        return Fraction(str(self.offset))
