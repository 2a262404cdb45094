"""Worked cases of the counter algebra, one per rule."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ingest.accounting.algebra.counters import INTERVAL_MS, MOST_QUANTA, IntervalQuality, Readings, Series, consumption

QUARTER = INTERVAL_MS
MEASURED, ESTIMATED, SUSPECT = IntervalQuality.MEASURED, IntervalQuality.ESTIMATED, IntervalQuality.SUSPECT


def _derive(
    *readings: tuple[int, float], wrap: float = math.nan, quantum: float = 0.001
) -> list[tuple[int, int, int, int]]:
    """(quarter hour, quanta, quality, covered seconds) from (minute, value) of one register."""
    count = len(readings)
    found = consumption(
        Readings(
            series=np.zeros(count, np.int64),
            at=np.array([minute * 60_000 for minute, _ in readings], np.int64),
            value=np.array([value for _, value in readings], np.float64),
            quality=np.zeros(count, np.int64),
        ),
        Series(
            quantum=np.array([quantum]),
            wrap=np.array([wrap]),
            gap_ms=np.array([2 * QUARTER]),
            since=np.array([0]),
            until=np.array([10**9 * QUARTER]),
        ),
    )
    columns = (found.start // QUARTER, found.quanta, found.quality, found.covered_s)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_readings_on_the_borders_are_their_differences() -> None:
    """Nothing is interpolated where a meter is read at :00 and :15."""
    assert _derive((0, 10.0), (15, 12.5), (30, 12.5)) == [(0, 2500, MEASURED, 900), (1, 0, MEASURED, 900)]


def test_a_pair_across_a_border_is_cut_in_proportion_to_time() -> None:
    """From minute 5 to minute 20: two thirds before the border, one third after it."""
    assert _derive((5, 0.0), (20, 3.0)) == [(0, 2000, MEASURED, 600), (1, 1000, MEASURED, 300)]


def test_a_border_is_rounded_once_so_that_nothing_is_lost() -> None:
    """One quantum over three quarter hours falls into one of them."""
    rows = _derive((0, 0.0), (45, 0.001))
    assert [quanta for _, quanta, _, _ in rows] == [0, 1, 0]


def test_a_gap_is_spread_and_marked() -> None:
    """A catch-up after two hours is kept, spread evenly, and estimated; not zeroed as implausible."""
    rows = _derive((0, 0.0), (15, 1.0), (135, 9.0), (150, 10.0))
    assert [quanta for _, quanta, _, _ in rows] == [1000] * 10
    assert [quality for _, _, quality, _ in rows] == [MEASURED, *[ESTIMATED] * 8, MEASURED]


def test_a_wrap_counts_over_the_top_and_is_measured() -> None:
    """999 999.9 to 0.4 of a six-digit register is 0.5."""
    assert _derive((0, 999_999.9), (15, 0.4), wrap=1_000_000.0) == [(0, 500, MEASURED, 900)]


def test_a_fall_without_a_wrap_that_explains_it_is_not_a_wrap() -> None:
    """From the middle of the range nothing goes over the top: a reset."""
    assert _derive((0, 500_000.0), (15, 0.4), wrap=1_000_000.0) == [(0, 400, ESTIMATED, 900)]


def test_a_reset_counts_from_zero_and_is_estimated() -> None:
    """The energy between zero and the first reading is not lost."""
    assert _derive((0, 48_211.0), (15, 2.25)) == [(0, 2250, ESTIMATED, 900)]


def test_a_dip_that_recovers_counts_nothing_twice() -> None:
    """A fall by 0.1 is 0.1 less, not 215 more; dip and recovery add up to the true advance."""
    rows = _derive((0, 215.0), (15, 214.9), (30, 216.0))
    assert rows == [(0, -100, SUSPECT, 900), (1, 1100, MEASURED, 900)]


def test_an_unrecorded_replacement_counts_nothing_and_says_so() -> None:
    """A fall that no rule explains is neither a negative nor an invented consumption."""
    assert _derive((0, 1000.0), (15, 400.0)) == [(0, 0, SUSPECT, 900)]


def test_a_missing_value_is_a_gap_and_not_zero() -> None:
    """A reading without value is passed over; its neighbours make the pair."""
    rows = _derive((0, 1.0), (15, math.nan), (30, 3.0))
    assert rows == [(0, 1000, MEASURED, 900), (1, 1000, MEASURED, 900)]


@pytest.mark.parametrize("absurd", [1e300, math.inf, -1e300, MOST_QUANTA * 0.001])
def test_a_value_beyond_any_register_is_passed_over(absurd: float) -> None:
    """What a float64 cannot count in quanta is not a state of a register."""
    assert _derive((0, 1.0), (15, absurd), (30, 3.0)) == [(0, 1000, MEASURED, 900), (1, 1000, MEASURED, 900)]


def test_one_reading_makes_no_consumption() -> None:
    """A difference needs two readings; the same holds for none."""
    assert _derive((7, 5.0)) == []
    assert _derive() == []


def test_a_float32_register_that_stands_still_and_jumps_is_counted_in_full() -> None:
    """Above 8.4 million a float32 moves in whole kWh: the sum is right all the same."""
    values = [float(np.float32(8_400_000 + minute / 30)) for minute in range(0, 181, 15)]
    rows = _derive(*zip(range(0, 181, 15), values, strict=True))
    assert sum(quanta for _, quanta, _, _ in rows) == round((values[-1] - values[0]) * 1000)


def test_a_coarse_quantum_rounds_each_reading_once() -> None:
    """In quanta of 1, readings of 0.4 and 0.6 are 0 and 1."""
    assert _derive((0, 0.4), (15, 0.6), (30, 1.4), quantum=1.0) == [(0, 1, MEASURED, 900), (1, 0, MEASURED, 900)]
