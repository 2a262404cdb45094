"""Every check of a day, together. Pure."""

from __future__ import annotations

from itertools import chain

from ingest.accounting.validation.checks.amounts import differences, out_of_range, spikes
from ingest.accounting.validation.checks.balance import Children, unbalanced
from ingest.accounting.validation.checks.completeness import conflicts, missing, off_time, overlaps
from ingest.accounting.validation.checks.phases import dead_voltage, low_power_factor
from ingest.accounting.validation.checks.registers import sums
from ingest.accounting.validation.checks.standstill import Before, same_again, stands_still, zero_where_used
from ingest.accounting.validation.day import Day, Finding, Runs

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
    found = chain.from_iterable(check(day) for check in _ALONE)
    return [*found, *zero_where_used(day, zeros, before), *unbalanced(day, children)]
