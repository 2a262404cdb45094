"""Every check of a day, together. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from energy.consumption import Flag
from ingest.accounting.algebra.columns import INTERVAL_MS
from ingest.accounting.validation.checks.amounts import differences, out_of_range, spikes
from ingest.accounting.validation.checks.balance import Children, unbalanced
from ingest.accounting.validation.checks.completeness import conflicts, missing, off_time, overlaps
from ingest.accounting.validation.checks.phases import dead_voltage, low_power_factor
from ingest.accounting.validation.checks.registers import sums
from ingest.accounting.validation.checks.standstill import Before, same_again, stands_still, zero_where_used
from ingest.accounting.validation.day import Day, Finding, Runs
from ingest.accounting.validation.parameters import Severity

_ALONE = (
    off_time,
    missing,
    conflicts,
    overlaps,
    out_of_range,
    spikes,
    differences,
    sums,
    same_again,
    stands_still,
    low_power_factor,
    dead_voltage,
)
"""Those that need nothing but the day."""


def judge(day: Day, zeros: Runs, before: Before, children: Children) -> list[Finding]:
    """What the checks find of `day`.

    Args:
        day: the day.
        zeros: its candidates for zero runs (`standstill.zero_runs`).
        before: use in the same hours of the weeks before, for these candidates.
        children: the meters below.
    """
    alone = chain.from_iterable(check(day) for check in _ALONE)
    found = chain(alone, zero_where_used(day, zeros, before), unbalanced(day, children))
    return [_as_accepted(day, one) for one in found]


def _as_accepted(day: Day, one: Finding) -> Finding:
    """A failure all of whose slots a person accepted is told as a warning: nothing is suspect any more."""
    begin, end = ((at - day.start_of(0)) // INTERVAL_MS for at in (one.since, one.until))
    accepted = (day.flags[one.point, begin:end] & Flag.ACCEPTED > 0).all()
    if one.severity is Severity.WARNING or not accepted:
        return one
    return replace(one, severity=Severity.WARNING, detail={**one.detail, "accepted": True})
