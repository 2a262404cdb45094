"""Worked cases of registers, one per rule: plain pairs, gaps, and each way in which a register falls."""

from __future__ import annotations

import math

import numpy as np
import pytest

from energy.consumption import Flag, IntervalQuality, Method
from ingest.accounting.algebra.columns import INTERVAL_MS, MOST_QUANTA, Kind, Series
from tests.support.algebra import MINUTE, Row, derive, one_series

MEASURED, ESTIMATED, SUSPECT, MISSING = (
    IntervalQuality.MEASURED,
    IntervalQuality.ESTIMATED,
    IntervalQuality.SUSPECT,
    IntervalQuality.MISSING,
)
HOURLY = one_series(gap_ms=4 * INTERVAL_MS)


def _limited(max_rate: float, wrap: float = math.nan, resolution: float = 0.0, kind: Kind = Kind.REGISTER) -> Series:
    return one_series(kind, wrap=wrap, max_rate=max_rate, resolution=resolution)


def test_readings_on_the_borders_are_their_differences() -> None:
    """Nothing is interpolated where a meter is read at :00 and :15."""
    assert derive((0, 10.0), (15, 12.5), (30, 12.5)) == [Row(0, 2500), Row(1, 0)]


def test_a_pair_across_a_border_is_cut_in_proportion_to_time() -> None:
    """From minute 5 to minute 20: two thirds before the border, one third after it."""
    assert derive((5, 0.0), (20, 3.0)) == [Row(0, 2000, covered_s=600), Row(1, 1000, covered_s=300)]


def test_jitter_of_five_minute_readings_makes_no_hole() -> None:
    """Readings every 5.001 minutes leave no quarter hour without consumption: borders count, not samples."""
    found = derive(*((5.001 * i, i * 1.0) for i in range(40)))
    assert [row.quarter for row in found] == list(range(14))
    assert all(2990 <= row.quanta <= 3010 for row in found[:-1])


def test_a_border_is_rounded_once_so_that_nothing_is_lost() -> None:
    """One quantum over three quarter hours falls into one of them."""
    assert [row.quanta for row in derive((0, 0.0), (45, 0.001), series=HOURLY)] == [0, 1, 0]


def test_a_gap_is_kept_spread_and_marked() -> None:
    """A catch-up after two hours is kept, spread evenly, and estimated; not zeroed as implausible."""
    rows = derive((0, 0.0), (15, 1.0), (135, 9.0), (150, 10.0), series=_limited(5.0))
    gap = [Row(quarter, 1000, ESTIMATED, Method.LINEAR, Flag.GAP) for quarter in range(1, 9)]
    assert rows == [Row(0, 1000), *gap, Row(9, 1000)]


def test_a_gap_of_years_is_kept_to_the_quantum() -> None:
    """Three years without a reading: every quarter hour has its part, and the parts are the whole."""
    minutes = 3 * 365 * 24 * 60
    rows = derive((0, 1.0), (minutes, 1_234_567.891))
    assert len(rows) == minutes // 15
    assert sum(row.quanta for row in rows) == 1_234_566_891
    assert {row.flags for row in rows} == {Flag.GAP}


def test_a_missing_value_is_a_gap_and_not_zero() -> None:
    """A reading without value is passed over; its neighbours make the pair."""
    assert derive((0, 1.0), (15, math.nan), (30, 3.0)) == [Row(0, 1000), Row(1, 1000)]


@pytest.mark.parametrize("absurd", [1e300, math.inf, -1e300, MOST_QUANTA * 0.001])
def test_a_value_beyond_any_register_is_passed_over(absurd: float) -> None:
    """What a float64 cannot count in quanta is not a state of a register."""
    assert derive((0, 1.0), (15, absurd), (30, 3.0)) == [Row(0, 1000), Row(1, 1000)]


def test_one_reading_makes_no_consumption() -> None:
    """A difference needs two readings; the same holds for none."""
    assert derive((7, 5.0)) == []
    assert derive() == []


@pytest.mark.parametrize(
    ("quality", "flag"), [(1, Flag.UNCERTAIN), (2, Flag.BY_HAND)], ids=["uncertain", "filled in by hand"]
)
def test_a_reading_in_doubt_makes_its_quarter_hours_estimated(quality: int, flag: Flag) -> None:
    """The pairs on both sides say so, those beyond do not."""
    rows = derive((0, 1.0), (15, 2.0), (30, 3.0, quality), (45, 4.0), (60, 5.0))
    doubtful = [Row(quarter, 1000, ESTIMATED, Method.REGISTER, flag) for quarter in (1, 2)]
    assert rows == [Row(0, 1000), *doubtful, Row(3, 1000)]


@pytest.mark.parametrize(
    ("wrap", "old", "new", "quanta"),
    [
        (1_000_000.0, 999_999.9, 0.4, 500),  # six digits
        (10_000_000.0, 9_999_999.9, 0.1, 200),  # seven digits
        (65.536, 65.530, 0.004, 10),  # 2^16 at 0.001
        (42_949_672.96, 42_949_672.95, 0.01, 20),  # 2^32 at 0.01
        (4_294_967.296, 4_294_967.290, 0.004, 10),  # 2^32 at 0.001
        (80_000_000.0, 79_999_960.0, 40.0, 80_000),  # 1 000 000 x CT 80
        (42_949_672.96, 21_474_836.47, -21_474_836.48, 10),  # i32 turns negative at half
    ],
)
def test_a_wrap_counts_over_the_top_and_is_measured(wrap: float, old: float, new: float, quanta: int) -> None:
    """At the display's digits, at 2^16, at 2^32, after CT x PT, and at half of a signed register."""
    rows = derive((0, old), (15, new), series=one_series(wrap=wrap))
    assert rows == [Row(0, quanta, flags=Flag.WRAP)]


def test_a_wrap_between_is_found_by_the_greatest_plausible_rate() -> None:
    """A u16 of 0.001 kWh under load passes its top from anywhere: 60 to 20 of 65.536 is 25.536 more."""
    rows = derive((0, 60.0), (15, 20.0), series=_limited(120.0, 65.536))
    assert rows == [Row(0, 25_536, flags=Flag.WRAP)]
    assert derive((0, 60.0), (15, 20.0), series=_limited(50.0, 65.536))[0].flags & Flag.UNEXPLAINED


def test_a_small_dip_is_not_the_long_way_round() -> None:
    """Though max_rate would allow it: the way over the top is longer than half the range."""
    rows = derive((0, 215.0), (15, 214.9), series=_limited(10_000.0, 1_000.0))
    assert rows == [Row(0, -100, SUSPECT, flags=Flag.REVERSED)]


def test_a_fast_register_that_wraps_every_few_readings_is_no_dip() -> None:
    """It climbs back to where it was, step by step: 95, 3, 40, 80, 97 of 100."""
    rows = derive((0, 95.0), (15, 3.0), (30, 40.0), (45, 80.0), (60, 97.0), series=one_series(wrap=100.0))
    assert [row.quanta for row in rows] == [8_000, 37_000, 40_000, 17_000]
    assert rows[0].flags == Flag.WRAP


def test_near_the_top_a_restart_that_is_plausible_beats_a_wrap_that_is_not() -> None:
    """990 000 to 1: 10 001 kWh in a quarter hour of a 100 kW load are none."""
    assert derive((0, 990_000.0), (15, 1.0), series=_limited(100.0, 1e6)) == [
        Row(0, 1000, ESTIMATED, Method.RESTART, Flag.RESET)
    ]


def test_a_fall_without_a_wrap_that_explains_it_is_not_a_wrap() -> None:
    """From the middle of the range nothing goes over the top: a reset."""
    assert derive((0, 500_000.0), (15, 0.4), series=one_series(wrap=1e6)) == [
        Row(0, 400, ESTIMATED, Method.RESTART, Flag.RESET)
    ]


def test_a_reset_counts_from_zero_and_is_estimated() -> None:
    """The energy between zero and the first reading is not lost."""
    rows = derive((0, 48_211.0), (15, 2.25), (30, 3.25), (45, 4.25), (60, 5.25))
    assert rows[0] == Row(0, 2250, ESTIMATED, Method.RESTART, Flag.RESET)
    assert rows[1:] == [Row(quarter, 1000) for quarter in (1, 2, 3)]


def test_a_zero_after_a_reboot_that_stays_is_a_reset() -> None:
    """The register goes on from zero: nothing of what it showed before is counted or taken away."""
    rows = derive(*((15 * i, value) for i, value in enumerate([5000.0, 0.0, 0.0, 0.0, 0.5, 1.0])))
    assert [row.quanta for row in rows] == [0, 0, 0, 500, 500]
    assert rows[0].flags == Flag.RESET


def test_zeros_for_longer_than_an_excursion_do_not_count_the_register_twice() -> None:
    """Where max_rate is known, from zero straight to 5001 kWh is a register that came back: not known, and suspect."""
    values = [5000.0, *[0.0] * 7, 5001.0, 5002.0]
    for kind in (Kind.REGISTER, Kind.NET_REGISTER):
        rows = derive(*((15 * i, value) for i, value in enumerate(values)), series=_limited(100.0, kind=kind))
        assert sum(row.quanta for row in rows) == 1000
        assert rows[7] == Row(7, 0, MISSING, Method.NONE, Flag.UNEXPLAINED | Flag.GAP, 0)


def test_a_meter_replaced_in_an_outage_is_no_way_over_the_top() -> None:
    """A month without readings, then a new meter at 50 kWh: not the 400 050 kWh that its load would allow."""
    month = 30 * 24 * 60
    rows = derive((0, 600_000.0), (month, 50.0), series=_limited(1000.0, 1e6))
    assert sum(row.quanta for row in rows) == 50_000
    assert {(row.quality, row.method) for row in rows} == {(ESTIMATED, Method.LINEAR)}
    assert {row.flags for row in rows} == {Flag.RESET | Flag.GAP}


def test_a_restart_that_shows_more_than_can_have_flowed_is_none() -> None:
    """600 000 to 50 000 in a quarter hour of a 100 kW load: a used meter was put in, and nobody said so."""
    assert derive((0, 600_000.0), (15, 50_000.0), series=_limited(100.0)) == [
        Row(0, 0, MISSING, Method.NONE, Flag.UNEXPLAINED | Flag.GAP, 0)
    ]


def test_an_unrecorded_replacement_is_not_known_and_says_so() -> None:
    """A fall that no rule explains is neither a negative nor an invented consumption, and no zero either."""
    rows = derive((0, 1000.0), (15, 400.0), (30, 401.0))
    assert rows == [Row(0, 0, MISSING, Method.NONE, Flag.UNEXPLAINED | Flag.GAP, 0), Row(1, 1000)]


def test_an_unrecorded_replacement_within_a_quarter_hour_is_suspect() -> None:
    """What other readings tell of the quarter hour is kept, and covered says how much that is."""
    rows = derive((0, 1000.0), (5, 1001.0), (6, 400.0), (15, 402.0))
    assert rows == [Row(0, 3000, SUSPECT, Method.REGISTER, Flag.UNEXPLAINED | Flag.GAP, 840)]


def test_a_register_that_falls_slowly_for_long_counts_below_zero_and_is_suspect() -> None:
    """Reversed CTs: the difference is kept, so that nothing is counted when it rises again."""
    values = [500.0 - 0.1 * i for i in range(6)] + [499.5 + 0.1 * i for i in range(1, 6)]
    rows = derive(*((15 * i, value) for i, value in enumerate(values)))
    assert sum(row.quanta for row in rows) == 0
    assert {(row.quality, row.flags) for row in rows if row.quanta < 0} == {(SUSPECT, Flag.REVERSED)}


def test_a_fall_of_more_than_max_rate_allows_is_not_running_backwards() -> None:
    """From 5 000 000 to 4 990 000 kWh in a quarter hour: another meter, though it is but 0.2 %."""
    assert derive((0, 5_000_000.0), (15, 4_990_000.0), series=_limited(100.0))[0].quality == MISSING


def test_more_than_max_rate_is_kept_and_suspect() -> None:
    """1000 kWh in a quarter hour of at most 100 kW: counted, and marked."""
    rows = derive((0, 0.5), (15, 1000.5), (30, 1001.5), series=_limited(100.0))
    assert rows == [Row(0, 1_000_000, SUSPECT, flags=Flag.RANGE), Row(1, 1000)]


def test_a_frozen_register_keeps_its_zeros_and_its_jump() -> None:
    """A value that the gateway repeats is zero consumption until it jumps; max_rate shows the jump."""
    values = [10.0, 10.0, 10.0, 10.0, 60.0]
    rows = derive(*((15 * i, value) for i, value in enumerate(values)), series=_limited(100.0))
    assert [row.quanta for row in rows] == [0, 0, 0, 50_000]
    assert [row.flags for row in rows] == [Flag(0), Flag(0), Flag(0), Flag.RANGE]


def test_a_coarse_step_is_no_excess() -> None:
    """A register of 10 kWh steps, read each minute, moves by a step at once: no 600 kW."""
    rows = derive((0, 100.0), (1, 110.0), (15, 110.0), series=_limited(100.0, resolution=10.0))
    assert [(row.quality, row.flags) for row in rows] == [(MEASURED, Flag.COARSE)]


def test_a_net_register_counts_both_directions() -> None:
    """What falls is fed back: measured, and said."""
    rows = derive((0, 10.0), (15, 8.0), (30, 9.0), series=one_series(Kind.NET_REGISTER))
    assert rows == [Row(0, -2000, flags=Flag.REVERSED), Row(1, 1000)]


def test_a_net_register_passes_its_top_both_ways() -> None:
    """The short way round counts, forwards and back."""
    series = one_series(Kind.NET_REGISTER, wrap=1000.0)
    assert derive((0, 999.0), (15, 1.0), series=series) == [Row(0, 2000, flags=Flag.WRAP)]
    assert derive((0, 1.0), (15, 999.0), series=series) == [Row(0, -2000, flags=Flag.WRAP | Flag.REVERSED)]


def test_a_net_register_that_falls_to_zero_too_fast_was_reset() -> None:
    """From 5000 to 0 and on: nothing was fed back."""
    values = [5000.0, 0.0, 1.0, 2.0, 3.0]
    rows = derive(*((15 * i, value) for i, value in enumerate(values)), series=_limited(100.0, kind=Kind.NET_REGISTER))
    assert [row.quanta for row in rows] == [0, 1000, 1000, 1000]
    assert rows[0] == Row(0, 0, ESTIMATED, Method.RESTART, Flag.RESET)


def test_a_float32_register_that_stands_still_and_jumps_is_counted_in_full_and_coarse() -> None:
    """Above 8.4 million a float32 moves in whole kWh: the sum is right, and neither standstill nor jump mean much."""
    values = [float(np.float32(8_400_000 + minute / 30)) for minute in range(0, 181, 15)]
    series = one_series(float32=True, max_rate=50.0)
    rows = derive(*zip(range(0, 181, 15), values, strict=True), series=series)
    assert sum(row.quanta for row in rows) == round((values[-1] - values[0]) * 1000)
    assert {row.flags for row in rows} == {Flag.COARSE}
    assert {row.quality for row in rows} == {MEASURED}


def test_a_fine_register_is_not_coarse() -> None:
    """Steps of 0.01 kWh under 1 kWh a quarter hour; a standstill of it does mean something."""
    rows = derive((0, 1.0), (15, 2.0), (30, 2.0), series=_limited(100.0, resolution=0.01))
    assert [row.flags for row in rows] == [Flag(0), Flag(0)]


def test_excluded_readings_are_passed_over_and_named() -> None:
    """A person left out the frozen readings from minute 15 to before minute 45."""
    rows = derive(
        (0, 10.0), (15, 10.0), (30, 10.0), (45, 13.0), (60, 14.0), excluded=[(15 * MINUTE, 45 * MINUTE)], series=HOURLY
    )
    assert rows == [*(Row(quarter, 1000, flags=Flag.EXCLUDED) for quarter in (0, 1, 2)), Row(3, 1000)]


def test_a_coarse_quantum_rounds_each_reading_once() -> None:
    """In quanta of 1, readings of 0.4 and 0.6 are 0 and 1."""
    assert derive((0, 0.4), (15, 0.6), (30, 1.4), series=one_series(quantum=1.0)) == [Row(0, 1), Row(1, 0)]
