"""The parameters of the checks: one struct per check, and the whole set that holds for one class of points.

Every figure, with its unit and source, stands in `data/checks.toml`; nothing here has a default.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

import msgspec

from energy.config import NotNegative, Positive

Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""From 0 to 1."""
Slots: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=96)]
"""Quarter hours, at most a day of them."""


class Severity(StrEnum):
    """How grave a finding is."""

    WARNING = "warning"
    """Somebody should look; nothing else follows."""
    FAILURE = "failure"
    """What it covers is shown as suspect, until it is mended or accepted."""


class Check(msgspec.Struct, frozen=True):
    """One check; off where it is not `enabled`."""

    enabled: bool


class Graded(Check, frozen=True):
    """A check whose findings are all of one severity."""

    severity: Severity


class Time(Check, frozen=True):
    """Stamps away from their slot.

    Attributes:
        warn_s, fail_s: bounds for doubtful readings, seconds.
        slot_share: bound for all others, a share of the point's interval.
    """

    warn_s: Positive
    fail_s: Positive
    slot_share: Annotated[float, msgspec.Meta(gt=0, le=0.5)]


class Missing(Check, frozen=True):
    """Slots that no reading covers."""


class Conflict(Graded, frozen=True):
    """Two values for one key."""


class Overlap(Graded, frozen=True):
    """Interval readings closer together than `share` of their interval."""

    share: Share


class Range(Graded, frozen=True):
    """Amounts below zero, or above the greatest rate times `factor`."""

    factor: Annotated[float, msgspec.Meta(ge=1)]


class Spike(Graded, frozen=True):
    """The highest slot of a day exceeds the third highest by more than `over` of it, and by more than `steps`."""

    over: Positive
    least_slots: Slots
    steps: NotNegative


class Difference(Graded, frozen=True):
    """A slot differs from the one before by more than `over` of that one, and by more than `steps`."""

    over: Positive
    steps: NotNegative


class Sum(Graded, frozen=True):
    """Intervals and register disagree by more than `units` quanta."""

    units: Annotated[int, msgspec.Meta(ge=0)]


class HighLow(Check, frozen=True):
    """Average daily use outside `low` to `high` of that of the same days a year or a month before; warnings only."""

    low: NotNegative
    high: Positive
    least_days: Annotated[int, msgspec.Meta(ge=1, le=28)]


class StuckInterval(Graded, frozen=True):
    """The same amount, of more than `steps`, in `readings` intervals of the point or more."""

    readings: Annotated[int, msgspec.Meta(ge=2, le=96)]
    steps: NotNegative


class StuckRegister(Graded, frozen=True):
    """No advance over `slots` or more, in which a sibling's power makes `steps` or more."""

    slots: Slots
    steps: NotNegative


class ZeroRun(Graded, frozen=True):
    """Zero over `slots` or more, where `least_weeks` of the `weeks` before had use."""

    slots: Slots
    weeks: Annotated[int, msgspec.Meta(ge=1, le=8)]
    least_weeks: Annotated[int, msgspec.Meta(ge=1, le=8)]


class PowerFactor(Graded, frozen=True):
    """Power factor `below` so much over `slots`, while more than `current_above` A flow."""

    below: Share
    current_above: NotNegative
    slots: Slots


class PhaseVoltage(Graded, frozen=True):
    """A phase at `share` of the highest phase's voltage or less over `slots`, while `current_above` A flow in it."""

    share: Share
    current_above: NotNegative
    slots: Slots


class Balance(Check, frozen=True):
    """A meter and those below it differ by more than `share` of it, and by more than `steps`; warnings only."""

    share: Share
    least_slots: Slots
    steps: NotNegative


class Rules(msgspec.Struct, frozen=True):
    """Every check, for one class of points."""

    time: Time
    missing: Missing
    conflict: Conflict
    overlap: Overlap
    range: Range
    spike: Spike
    difference: Difference
    sum: Sum
    high_low: HighLow
    stuck_interval: StuckInterval
    stuck_register: StuckRegister
    zero_run: ZeroRun
    power_factor: PowerFactor
    phase_voltage: PhaseVoltage
    balance: Balance

    def contradictions(self) -> list[tuple[str, str]]:
        """What no single parameter shows, as (check.key, what is wrong)."""
        found = []
        if self.time.fail_s < self.time.warn_s:
            found.append(("time.fail_s", f"is {self.time.fail_s:g}, below warn_s, {self.time.warn_s:g}"))
        if self.high_low.high <= self.high_low.low:
            found.append(("high_low.high", f"is {self.high_low.high:g}, not above low, {self.high_low.low:g}"))
        if self.zero_run.least_weeks > self.zero_run.weeks:
            found.append(("zero_run.least_weeks", f"is more than weeks, {self.zero_run.weeks}"))
        return found


CHECKS = Rules.__struct_fields__
"""The names of the checks."""
