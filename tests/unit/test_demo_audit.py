"""The audit finds what it is there to find."""

from __future__ import annotations

import math

import pytest

from deploy.demo.audit import MeterSpan, energy_error, surplus_intervals, worst_error

QUARTER = 900_000


@pytest.mark.parametrize(
    ("starts", "surplus"),
    [
        ([0, QUARTER, 2 * QUARTER], 0),
        ([0, QUARTER, QUARTER], 1),
        ([-QUARTER, 0], 1),
        ([0, 3 * QUARTER], 1),
        ([], 0),
    ],
)
def test_derived_rows_beyond_the_readings_are_counted(starts: list[int], surplus: int) -> None:
    """Readings from 00:01 to 00:40 call for the intervals of 00:00, 00:15 and 00:30, once each."""
    sent = [("P", 60_000, 1.0), ("P", 40 * 60_000, 2.0), ("P", 10**9, math.inf)]
    assert surplus_intervals(sent, [("P", start) for start in starts]) == surplus


def test_derived_rows_of_a_point_without_readings_are_surplus() -> None:
    """Nothing can be derived from nothing."""
    assert surplus_intervals([], [("P", 0)]) == 1


def test_energy_error_is_relative_to_the_truth_or_to_the_register() -> None:
    """A meter that hardly ran is judged by its register's resolution, not by a division by almost zero."""
    assert energy_error(1001.0, 1000.0, 0.01) == pytest.approx(0.001)
    assert energy_error(0.01, 0.0, 0.01) == pytest.approx(0.001)


def test_the_worst_meter_counts_and_no_meter_is_no_proof() -> None:
    """One bad meter cannot hide behind many good ones, and an empty table does not pass."""
    spans = [MeterSpan("A", 0, 1, 0.0, 100.0), MeterSpan("B", 0, 1, 0.0, 90.0)]
    assert worst_error(spans, {"A": 100.0, "B": 100.0}, {"A": 0.001, "B": 0.001}, meters=2) == pytest.approx(0.1)
    assert worst_error(spans, {"A": 100.0, "B": 100.0}, {"A": 0.001, "B": 0.001}, meters=3) == math.inf
    assert worst_error([], {}, {}, meters=0) == math.inf
