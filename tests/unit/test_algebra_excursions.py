"""Readings that leave a register's course and come back: set aside, named, and without effect on the sum."""

from __future__ import annotations

import struct

import pytest

from energy.consumption import Flag, IntervalQuality
from ingest.accounting.algebra.columns import INTERVAL_MS, Kind, Series
from tests.support.algebra import Row, derive, one_series

NEAR = one_series(gap_ms=8 * INTERVAL_MS)


def _quarterly(*values: float, series: Series = NEAR) -> list[Row]:
    return derive(*((15 * i, value) for i, value in enumerate(values)), series=series)


def _flags(rows: list[Row]) -> list[Flag]:
    return [row.flags for row in rows]


def test_a_dip_that_recovers_is_set_aside() -> None:
    """215.0, 214.9, 216.0: 1 kWh in two quarter hours, never +215 and nothing below zero."""
    assert _quarterly(215.0, 214.9, 216.0) == [Row(0, 500, flags=Flag.DIP), Row(1, 500, flags=Flag.DIP)]


def test_a_single_zero_that_recovers_is_a_dip() -> None:
    """A zero after a reboot, before the meter had loaded its register."""
    assert _quarterly(5000.0, 0.0, 5001.0) == [Row(0, 500, flags=Flag.DIP), Row(1, 500, flags=Flag.DIP)]


def test_the_last_reading_is_a_reset_until_it_recovers() -> None:
    """What is derived follows from what is there: a zero alone is a reset; the next reading makes it a dip."""
    assert _quarterly(4999.0, 5000.0, 0.0)[-1].flags == Flag.RESET
    assert _quarterly(4999.0, 5000.0, 0.0, 5001.0)[-1].flags == Flag.DIP


@pytest.mark.parametrize("kind", [Kind.REGISTER, Kind.NET_REGISTER])
@pytest.mark.parametrize("zeros", [1, 3, 4, 6])
def test_up_to_six_zeros_are_set_aside(kind: Kind, zeros: int) -> None:
    """A meter that is read each minute and reboots for five of them."""
    series = one_series(kind, max_rate=100.0, gap_ms=8 * INTERVAL_MS)
    rows = _quarterly(5000.0, *[0.0] * zeros, 5001.0, series=series)
    assert sum(row.quanta for row in rows) == 1000
    assert set(_flags(rows)) == {Flag.DIP}


def test_a_reboot_every_night_counts_what_flowed_meanwhile() -> None:
    """Five zeros at 03:00, read each minute, with nothing known of the meter's greatest rate: 1 kWh a minute."""
    minutes = range(0, 3 * 1440, 1)
    rows = derive(*((m, 0.0 if 180 <= m % 1440 < 185 else 12_345.0 + m) for m in minutes))
    assert {row.quanta for row in rows[:-1]} == {15_000}
    assert {row.quality for row in rows} == {IntervalQuality.MEASURED}
    assert [row.flags for row in rows if row.quarter % 96 == 12] == [Flag.DIP] * 3


def test_seven_zeros_and_six_low_readings_are_no_excursion() -> None:
    """Only zeros may last so long, and no longer; then the fall is what it looks like."""
    assert Flag.RESET in _quarterly(5000.0, *[0.0] * 7, 5001.0)[0].flags
    assert Flag.RESET in _quarterly(5000.0, *[0.0] * 3, 0.5, 5001.0)[0].flags


def test_a_spike_that_returns_is_set_aside() -> None:
    """A torn read of two words: the register shows 65 536 more once."""
    rows = _quarterly(10.0, 11.0, 65_547.0, 13.0, 14.0)
    assert rows == [Row(0, 1000), Row(1, 1000, flags=Flag.SPIKE), Row(2, 1000, flags=Flag.SPIKE), Row(3, 1000)]


def test_three_high_readings_that_return_are_a_spike_and_four_are_none() -> None:
    """Four are another register: what follows is a fall that nothing explains."""
    assert sum(row.quanta for row in _quarterly(10.0, *[900.0] * 3, 12.0, 13.0)) == 3000
    rows = _quarterly(10.0, *[900.0] * 4, 500.0, 501.0)
    assert [row.quanta for row in rows] == [890_000, 0, 0, 0, 0, 1000]
    assert rows[4].quality == IntervalQuality.MISSING


def test_the_shorter_explanation_counts() -> None:
    """One high reading among low ones is a spike, though the low ones would recover after three."""
    rows = _quarterly(10.0, 14.0, 11.0, 12.0, 13.0, 14.0)
    assert [row.quanta for row in rows] == [500, 500, 1000, 1000, 1000]
    assert _flags(rows)[:2] == [Flag.SPIKE, Flag.SPIKE]


def test_dip_and_spike_side_by_side_are_both_set_aside() -> None:
    """A low reading, then a high one, then the course again."""
    rows = _quarterly(10.0, 5.0, 20.0, 11.0, 12.0)
    assert sum(row.quanta for row in rows) == 2000
    assert rows[0].flags == Flag.DIP | Flag.SPIKE


def test_a_register_that_cannot_be_trusted_is_not_set_aside_altogether() -> None:
    """Of readings that leave their course at every other turn at most three in a row are set aside."""
    values = [100.0, 50.0, 300.0, 40.0, 200.0, 30.0, 150.0, 20.0, 101.0]
    rows = _quarterly(*values)
    assert any(row.flags & (Flag.UNEXPLAINED | Flag.RESET) for row in rows)


def test_a_dip_near_the_top_of_the_range_is_no_wrap() -> None:
    """999 990 to 0 looks like a wrap; the jump back shows that it was none."""
    rows = _quarterly(999_990.0, 0.0, 999_991.0, series=one_series(wrap=1e6))
    assert rows == [Row(0, 500, flags=Flag.DIP), Row(1, 500, flags=Flag.DIP)]


def test_a_spike_after_a_wrap_is_no_recovery() -> None:
    """What lies above the top of the range, or farther than max_rate allows, is not where a register came back to."""
    values = (980.0, 0.0, 0.0, 0.0, 50_000.0, 0.0)
    for series in (one_series(wrap=1000.0), one_series(max_rate=100.0, wrap=1e6)):
        rows = _quarterly(*values, series=series)
        assert sum(row.quanta for row in rows) in {20_000, 0}
        assert Flag.SPIKE in rows[3].flags


def test_a_pair_around_what_was_set_aside_is_estimated_when_it_is_a_gap() -> None:
    """Three readings set aside leave an hour between the readings beside them."""
    rows = _quarterly(10.0, 0.0, 0.0, 0.0, 14.0, series=one_series())
    assert {(row.quality, row.flags) for row in rows} == {(IntervalQuality.ESTIMATED, Flag.DIP | Flag.GAP)}


def test_a_net_register_sets_aside_what_its_rate_forbids_and_comes_back() -> None:
    """5000 kWh within a quarter hour and back again; without max_rate nothing can be told."""
    values = (10.0, 9.0, 5009.0, 8.0, 7.0)
    rows = _quarterly(*values, series=one_series(Kind.NET_REGISTER, max_rate=100.0))
    assert [row.quanta for row in rows] == [-1000, -500, -500, -1000]
    assert rows[1].flags == Flag.SPIKE | Flag.REVERSED
    blind = _quarterly(*values, series=one_series(Kind.NET_REGISTER))
    assert [row.quanta for row in blind] == [-1000, 5_000_000, -5_001_000, -1000]


def test_a_net_register_s_low_reading_is_a_dip() -> None:
    """A zero that comes back."""
    rows = _quarterly(5010.0, 0.0, 5009.0, series=one_series(Kind.NET_REGISTER, max_rate=100.0))
    assert [row.flags for row in rows] == [Flag.DIP | Flag.REVERSED] * 2


def _exchanged(value: int, form: str, order: list[int]) -> int:
    octets = struct.pack(f">{form}", value)
    return int(struct.unpack(f">{form}", bytes(octets[i] for i in order))[0])


@pytest.mark.parametrize(
    "order", [[2, 3, 0, 1], [1, 0, 3, 2], [3, 2, 1, 0]], ids=["words", "bytes of words", "words and bytes"]
)
def test_a_u32_with_exchanged_words_or_bytes_is_recognised(order: list[int]) -> None:
    """Steps of 0.01 kWh: the integer that was sent is put right, and lies between its neighbours."""
    count = 0x0001_2345
    wrong = _exchanged(count, "I", order) * 0.01
    series = one_series(resolution=0.01, gap_ms=8 * INTERVAL_MS)
    rows = _quarterly((count - 100) * 0.01, wrong, (count + 100) * 0.01, (count + 200) * 0.01, series=series)
    assert rows[0].flags & Flag.SWAPPED
    assert rows[1].flags & Flag.SWAPPED
    assert not rows[2].flags & Flag.SWAPPED
    assert sum(row.quanta for row in rows) == 3000


def test_a_u64_with_exchanged_bytes_is_recognised() -> None:
    """A count of 1 Wh steps; its words reversed would lie beyond any register."""
    count = 0x0000_0001_0101_2345
    wrong = _exchanged(count, "Q", [1, 0, 3, 2, 5, 4, 7, 6]) * 0.001
    series = one_series(resolution=0.001, gap_ms=8 * INTERVAL_MS)
    rows = _quarterly((count - 1000) * 0.001, wrong, (count + 1000) * 0.001, series=series)
    assert [bool(row.flags & Flag.SWAPPED) for row in rows] == [True, True]


@pytest.mark.parametrize(("form", "order"), [("f", [2, 3, 0, 1]), ("f", [3, 2, 1, 0]), ("d", [1, 0, 3, 2, 5, 4, 7, 6])])
def test_a_float_with_exchanged_words_or_bytes_is_recognised(form: str, order: list[int]) -> None:
    """By its bits, where nothing was multiplied on the way."""
    octets = struct.pack(f">{form}", 1234.5678)
    right = struct.unpack(f">{form}", octets)[0]
    wrong = struct.unpack(f">{form}", bytes(octets[i] for i in order))[0]
    assert abs(wrong) < 2**52 * 0.001, "a reading that algebra takes"
    rows = _quarterly(right - 1, wrong, right + 1, right + 2)
    assert rows[0].flags & Flag.SWAPPED
    assert not rows[2].flags & Flag.SWAPPED


def test_a_dip_to_a_state_that_reads_the_same_exchanged_is_not_called_swapped() -> None:
    """0x00010001 is itself with its words exchanged: nothing was put right."""
    series = one_series(quantum=0.05, resolution=0.01)
    assert _quarterly(655.38, 655.37, 655.50, series=series)[0].flags & Flag.SWAPPED == Flag(0)


def test_an_ordinary_dip_is_not_called_swapped() -> None:
    """Neither a little less nor a zero is its neighbours' state in another order."""
    for low in (214.9, 0.0, 100.0):
        assert _quarterly(215.0, low, 216.0)[0].flags == Flag.DIP
