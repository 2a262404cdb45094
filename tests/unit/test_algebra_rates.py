"""Gauges and interval meters: worked cases of each rule."""

from __future__ import annotations

import math

import numpy as np
import pytest

from energy.consumption import Flag, IntervalQuality, Method
from ingest.accounting.algebra.columns import INTERVAL_MS, Kind, Readings
from ingest.accounting.algebra.pairing import pairs
from tests.support.algebra import MINUTE, Row, changes_of, derive, one_series, readings_of, spans_of

MEASURED, ESTIMATED, SUSPECT, MISSING = (
    IntervalQuality.MEASURED,
    IntervalQuality.ESTIMATED,
    IntervalQuality.SUSPECT,
    IntervalQuality.MISSING,
)
POWER = one_series(Kind.RATE, scale=0.001)  # W to kWh
METER = one_series(Kind.INTERVAL)


def test_a_power_counts_the_trapezoid() -> None:
    """From 4 kW to 8 kW in a quarter hour: 1.5 kWh."""
    assert derive((0, 4000.0), (15, 8000.0), series=POWER) == [Row(0, 1500, MEASURED, Method.RATE)]


def test_a_power_runs_straight_through_a_border() -> None:
    """From 0 to 8 kW between minute 0 and 30: a quarter of the energy before the middle."""
    assert [row.quanta for row in derive((0, 0.0), (30, 8000.0), series=POWER)] == [500, 1500]


def test_a_small_load_read_often_is_not_rounded_away() -> None:
    """20 W each minute are a third of a Wh; an hour of them is 20 Wh all the same."""
    rows = derive(*((minute, 20.0) for minute in range(61)), series=POWER)
    assert [row.quanta for row in rows] == [5, 5, 5, 5]


def test_a_short_gap_of_a_power_is_estimated() -> None:
    """Two hours: the straight line, marked."""
    rows = derive((0, 4000.0), (120, 4000.0), series=POWER)
    assert rows == [Row(quarter, 1000, ESTIMATED, Method.LINEAR, Flag.GAP) for quarter in range(8)]


def test_a_long_gap_of_a_power_is_not_known() -> None:
    """A power counts nothing on while nobody looks: never 0, never the straight line."""
    rows = derive((0, 4000.0), (15, 4000.0), (136, 4000.0), (150, 4000.0), series=POWER)
    assert rows[0] == Row(0, 1000, MEASURED, Method.RATE)
    assert rows[1] == Row(1, 0, MISSING, Method.NONE, Flag.GAP, 0)
    assert rows[9] == Row(9, 933, MEASURED, Method.RATE, Flag.GAP, 840)


def test_a_power_beyond_the_greatest_is_kept_and_suspect() -> None:
    """Of a 100 kW load 150 kW."""
    series = one_series(Kind.RATE, scale=0.001, max_rate=100.0)
    rows = derive((0, 150_000.0), (15, 110_000.0), (30, 110_000.0), series=series)
    assert [(row.quanta, row.quality, row.flags) for row in rows] == [
        (32_500, SUSPECT, Flag.RANGE),
        (27_500, MEASURED, Flag(0)),
    ]


def test_a_negative_power_counts_negative() -> None:
    """A roof that feeds back: measured, and said."""
    assert derive((0, -4000.0), (15, -4000.0), series=POWER) == [Row(0, -1000, MEASURED, Method.RATE, Flag.REVERSED)]


def test_a_power_without_value_is_a_gap() -> None:
    """The straight line runs from the reading before to the one after."""
    rows = derive((0, 4000.0), (15, math.nan), (30, 4000.0), series=POWER)
    assert [row.quanta for row in rows] == [1000, 1000]


def test_a_power_that_is_excluded_is_named() -> None:
    """Readings left out by a person."""
    span = [(10 * MINUTE, 20 * MINUTE)]
    rows = derive((0, 4000.0), (15, 9e9), (30, 4000.0), series=POWER, excluded=span)
    assert rows == [Row(quarter, 1000, MEASURED, Method.RATE, Flag.EXCLUDED) for quarter in (0, 1)]


@pytest.mark.parametrize(("quality", "flag"), [(1, Flag.UNCERTAIN), (2, Flag.BY_HAND)])
def test_doubtful_rates_and_intervals_are_estimated(quality: int, flag: Flag) -> None:
    """As with registers."""
    for series, method in ((POWER, Method.RATE), (METER, Method.INTERVAL)):
        rows = derive((0, 4.0), (15, 4.0, quality), series=series)
        assert (rows[0].quality, rows[0].method, rows[0].flags) == (ESTIMATED, method, flag)


def test_an_interval_value_is_consumption_of_the_time_that_ends_with_it() -> None:
    """The value at minute 15 belongs to the quarter hour from 0."""
    assert derive((15, 2.0), (30, 3.0), series=METER) == [
        Row(0, 2000, MEASURED, Method.INTERVAL),
        Row(1, 3000, MEASURED, Method.INTERVAL),
    ]


def test_an_hourly_value_is_spread_over_its_hour() -> None:
    """Evenly, and exactly."""
    series = one_series(Kind.INTERVAL, interval_ms=60 * MINUTE)
    rows = derive((60, 0.006), series=series)
    assert [row.quanta for row in rows] == [2, 1, 1, 2]


def test_a_missing_interval_value_is_not_known() -> None:
    """An interval meter does not catch up: missing, never zero."""
    rows = derive((15, 2.0), (30, math.nan), (45, 4.0), series=METER)
    assert rows == [
        Row(0, 2000, MEASURED, Method.INTERVAL),
        Row(1, 0, MISSING, Method.NONE, Flag.GAP, 0),
        Row(2, 4000, MEASURED, Method.INTERVAL),
    ]


@pytest.mark.parametrize("jitter", [-2 / 60, 2 / 60, 7.0, -7.0])
def test_jitter_makes_neither_hole_nor_overlap(jitter: float) -> None:
    """Values a little late or early reach to the one before; nothing of them is lost."""
    rows = derive((15, 2.0), (30 + jitter, 3.0), (45, 4.0), series=METER)
    assert sum(row.quanta for row in rows) == 9000
    assert all(row.quality == MEASURED and row.covered_s == 900 for row in rows)


def test_an_interval_value_beyond_what_is_plausible_is_suspect() -> None:
    """40 kWh in a quarter hour of at most 100 kW; and one below zero."""
    series = one_series(Kind.INTERVAL, max_rate=100.0)
    rows = derive((15, 40.0), (30, 30.0), (45, -1.0), series=series)
    assert [(row.quanta, row.quality, row.flags) for row in rows] == [
        (40_000, SUSPECT, Flag.RANGE),
        (30_000, MEASURED, Flag(0)),
        (-1000, SUSPECT, Flag.REVERSED),
    ]


def test_an_exclusion_leaves_a_hole_of_an_interval_meter() -> None:
    """And the hole says who made it."""
    rows = derive((15, 2.0), (30, 900.0), (45, 4.0), series=METER, excluded=[(30 * MINUTE, 31 * MINUTE)])
    assert rows[1] == Row(1, 0, MISSING, Method.NONE, Flag.GAP | Flag.EXCLUDED, 0)
    assert rows[2].flags == Flag(0)


def test_an_exclusion_at_the_end_of_one_meter_says_nothing_of_the_next() -> None:
    """What is left out is noted by the next reading of the same series only."""
    series = one_series(Kind.INTERVAL, count=2)
    parts = [readings_of([(15 * MINUTE, 2.0), (30 * MINUTE, 900.0)], 0), readings_of([(30 * MINUTE, 3.0)], 1)]
    readings = Readings(*(np.concatenate([getattr(part, name) for part in parts]) for name in Readings.__slots__))
    found = pairs(readings, series, changes_of([]), spans_of([(30 * MINUTE, 31 * MINUTE)]))
    assert found.series.tolist() == [0, 1]
    assert found.flags.tolist() == [0, 0]


def test_an_interval_in_steps_of_its_own_is_coarse() -> None:
    """Pulses of 1 kWh: two of them mean little."""
    rows = derive((15, 2.0), (30, 100.0), series=one_series(Kind.INTERVAL, resolution=1.0))
    assert [row.flags for row in rows] == [Flag.COARSE, Flag(0)]


def test_a_rate_beyond_all_numbers_is_passed_over() -> None:
    """Its integral would not stay exact."""
    rows = derive((0, 4000.0), (15, 1e20), (30, 4000.0), series=POWER)
    assert [row.quanta for row in rows] == [1000, 1000]
    assert derive((0, 1e300), (INTERVAL_MS, -1e300), series=POWER) == []
