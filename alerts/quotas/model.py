"""A quota: how much of what a unit may use in which period, from which document, and how it is watched."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

import msgspec

from alerts.verdicts import Colour, Mark, Severity
from energy.carriers import carriers
from energy.registry.model import Code

QuotaPeriod: TypeAlias = Literal["day", "month", "quarter", "year"]

_AGGREGATE_UNITS = {"tce": "tce", "tce_equal": "tce", "tco2": "tCO2"}
_MIN_ELAPSED: dict[QuotaPeriod, float] = {"day": 0.25, "month": 0.03, "quarter": 0.03, "year": 0.02}
"""A quarter of a day holds one shift; 3 % of a month is its first day, of a quarter its first weekend; 2 % of a year
is its first week. Before that an even pace mistakes the shape of a day or a week for a trend."""

Share: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=1)]


class Band(msgspec.Struct, frozen=True):
    """A warning when this share of the limit is used, whatever the pace.

    Attributes:
        share: of the limit, below 1: the limit itself is a breach, not a warning.
        severity, colour: how the warning is stored and shown.
    """

    share: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    severity: Severity
    colour: Colour

    @property
    def mark(self) -> Mark:
        """Severity and colour together."""
        return Mark(self.severity, self.colour)


DEFAULT_BANDS = (
    Band(0.8, Severity.NOTICE, Colour.BLUE),
    Band(0.9, Severity.ATTENTION, Colour.YELLOW),
)


class QuotaRule(msgspec.Struct, frozen=True):
    """How a quota is watched. All times are data time.

    Attributes:
        min_elapsed: share of the period that must have passed before the pace is judged; None takes the period's
            default: day 0.25, month 0.03, quarter 0.03, year 0.02.
        for_s: seconds that the data must stay on course to exceed before the alert fires; a breach fires at once.
        clear_ratio: a firing alert clears only when the projection falls below this share of the limit (hysteresis).
        keep_s: seconds that a breach goes on firing after its period has ended, so that the next shift sees it.
        stale_s: seconds by which complete data may lag behind the clock before the verdict is `stale`.
        bands: warnings on the used share, in rising order; the limit itself, at 1.0, always counts as a breach.
    """

    min_elapsed: Share | None = None
    for_s: Annotated[int, msgspec.Meta(ge=0)] = 1800
    clear_ratio: Share = 0.97
    keep_s: Annotated[int, msgspec.Meta(ge=0)] = 8 * 3600
    stale_s: Annotated[int, msgspec.Meta(gt=0)] = 6 * 3600
    bands: tuple[Band, ...] = DEFAULT_BANDS

    def __post_init__(self) -> None:
        shares = [band.share for band in self.bands]
        if any(low >= high for low, high in itertools.pairwise(shares)):
            raise ValueError("bands must rise: each share above the one before")

    def min_elapsed_of(self, period: QuotaPeriod) -> float:
        """The share of a period of this kind that must have passed before its pace is judged."""
        return _MIN_ELAPSED[period] if self.min_elapsed is None else self.min_elapsed


class QuotaSpec(msgspec.Struct, frozen=True):
    """One quota of one unit.

    Attributes:
        code: unique over all units.
        measure: `tce` (standard coal by calorific value), `tce_equal` (by equal value), `tco2`, or a carrier's key.
        period: calendar period of the unit's own zone.
        limit: how much may be used in one period, above 0.
        limit_unit: tce, tCO2, or the base unit of measure of the carrier; anything else is a ValueError.
        valid_from: the quota governs periods that start on this day or later,
        valid_to: and before this day; None for no end.
        source: the document that sets it.
        rule: how it is watched.
    """

    code: Code
    measure: str
    period: QuotaPeriod
    limit: Decimal
    limit_unit: str
    valid_from: date
    source: Annotated[str, msgspec.Meta(min_length=1)]
    valid_to: date | None = None
    rule: QuotaRule = QuotaRule()

    def __post_init__(self) -> None:
        if not (self.limit.is_finite() and self.limit > 0):
            raise ValueError("a limit must be a number above 0")
        expected = limit_unit_of(self.measure)
        if self.limit_unit != expected:
            raise ValueError(f"a quota on {self.measure} has its limit in {expected}, not in {self.limit_unit!r}")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must come after valid_from")


def limit_unit_of(measure: str) -> str:
    """The unit of measure of a quota's limit and of its use.

    Raises:
        ValueError: the measure is neither an aggregate nor a carrier.
    """
    if measure in _AGGREGATE_UNITS:
        return _AGGREGATE_UNITS[measure]
    known = carriers()
    if measure not in known:
        raise ValueError(f"unknown measure {measure!r}: expected one of {', '.join([*_AGGREGATE_UNITS, *known])}")
    return known[measure].unit
