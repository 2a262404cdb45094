"""What faults make of a counter, against figures worked out by hand: a load of one unit a second, started at 100."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from simulators.faults.kinds import MOMENTS, FaultKind
from simulators.faults.schedule import ValueFault
from simulators.faults.settings import FaultSettings
from simulators.faults.values import seen_at, shown

T0 = datetime(2026, 3, 1, tzinfo=UTC)


def fault(kind: FaultKind, since_s: float = 0.0, **keys: Any) -> ValueFault:
    """A fault from so many seconds on."""
    since = T0 if kind in MOMENTS else None
    return ValueFault(FaultSettings(kind=kind, since=since, **keys), since_s * 1000, math.inf)


def counter(at_s: float, *faults: ValueFault) -> float:
    """What the counter shows after so many seconds; it ends at 1000."""
    return shown(lambda at_ms: at_ms / 1000, 100.0, 1000.0, int(at_s * 1000), faults)


RESET = fault(FaultKind.RESET, 10)
REPLACED = fault(FaultKind.REPLACEMENT, 20, start=7.0)
WRAPPED = fault(FaultKind.WRAP, 30)


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([], {0: 100, 40: 140}),
        ([RESET], {9: 109, 10: 0, 40: 30}),
        ([REPLACED], {19: 119, 20: 7, 40: 27}),
        ([WRAPPED], {0: 970, 29: 999, 30: 0, 40: 10}),
        ([REPLACED, RESET], {9: 109, 15: 5, 20: 7, 40: 27}),
        ([RESET, REPLACED, WRAPPED], {0: 970, 9: 979, 15: 5, 29: 16, 30: 0, 40: 10}),
        ([fault(FaultKind.DIP, by=30.0)], {0: 70, 40: 110}),
        ([fault(FaultKind.DIP, by=300.0)], {0: 0}),
        ([RESET, fault(FaultKind.DIP, by=3.0)], {15: 2}),
    ],
)
def test_a_counter_with_faults(faults: list[ValueFault], expected: dict[float, float]) -> None:
    """By seconds; in whatever order the faults are given."""
    for given in (faults, faults[::-1]):
        assert {at: counter(at, *given) for at in expected} == expected


def test_a_wrap_goes_round_more_than_once() -> None:
    """A thousand seconds before and after the moment it wraps too: a counter has one end."""
    assert [counter(at, fault(FaultKind.WRAP, 1500)) for at in (499, 500, 1499, 1500)] == [999, 0, 999, 0]


def test_values_of_another_moment() -> None:
    """A clock that drifts shows an earlier one, one that is frozen the beginning, both the earlier of the beginning."""
    drift, frozen = fault(FaultKind.CLOCK_DRIFT, seconds=5.0), fault(FaultKind.FROZEN, 10)
    assert seen_at(60_000, []) == 60_000
    assert seen_at(60_000, [drift]) == 55_000
    assert seen_at(60_000, [frozen]) == 10_000
    assert seen_at(60_000, [drift, frozen]) == seen_at(60_000, [frozen, drift]) == 5_000
