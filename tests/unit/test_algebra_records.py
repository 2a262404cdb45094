"""Changes on record: replacements with and without their end states, ratios that change from a date."""

from __future__ import annotations

from typing import Any

import pytest

from energy.consumption import Flag, IntervalQuality, Method
from ingest.accounting.algebra.columns import Kind
from tests.support.algebra import MINUTE, Change, Row, derive, one_series

MEASURED, ESTIMATED, MISSING = IntervalQuality.MEASURED, IntervalQuality.ESTIMATED, IntervalQuality.MISSING
REPLACED, RATIO = Flag.REPLACED, Flag.RATIO


def _change(since: int, until: int | None = None, **said: Any) -> Change:
    return Change(since * MINUTE, (since if until is None else until) * MINUTE, **said)


def test_a_replacement_with_its_end_states_counts_both_registers() -> None:
    """100 to 101.5 of the old one by minute 20, 7 to 8 of the new one from then on."""
    rows = derive((0, 100.0), (15, 101.0), (30, 8.0), (45, 9.0), changes=[_change(20, old_end=101.5, new_start=7.0)])
    assert rows == [Row(0, 1000), Row(1, 1500, MEASURED, Method.RECORD, REPLACED), Row(2, 1000)]


def test_between_two_meters_nothing_is_known() -> None:
    """Removed at minute 20, the new one in place from minute 25: five minutes less are covered."""
    rows = derive((15, 101.0), (30, 8.0), changes=[_change(20, 25, old_end=101.5, new_start=7.0)])
    assert rows == [Row(1, 1500, MEASURED, Method.RECORD, REPLACED | Flag.GAP, 600)]


def test_readings_between_two_meters_are_not_used() -> None:
    """A gateway that goes on sending zeros while no meter is there."""
    change = _change(20, 25, old_end=101.5, new_start=7.0)
    assert derive((15, 101.0), (22, 0.0), (30, 8.0), changes=[change]) == derive(
        (15, 101.0), (30, 8.0), changes=[change]
    )


def test_a_replacement_without_end_states_leaves_what_flowed_unknown() -> None:
    """Neither 93 less nor nothing: the quarter hour is missing, the others are not."""
    rows = derive((0, 100.0), (15, 101.0), (30, 8.0), (45, 9.0), changes=[_change(20)])
    assert rows == [Row(0, 1000), Row(1, 0, MISSING, Method.NONE, REPLACED | Flag.GAP, 0), Row(2, 1000)]


def test_one_end_state_is_better_than_none() -> None:
    """The old register's end is known, the new one's start is not."""
    rows = derive((15, 101.0), (30, 8.0), changes=[_change(20, old_end=101.5)])
    assert rows == [Row(1, 500, MEASURED, Method.RECORD, REPLACED | Flag.GAP, 300)]


def test_a_replacement_by_a_higher_register_is_no_consumption() -> None:
    """Only the record can tell: the new meter starts at 5000."""
    rows = derive((15, 100.0), (30, 5001.0), changes=[_change(15, old_end=100.0, new_start=5000.0)])
    assert rows == [Row(1, 1000, MEASURED, Method.RECORD, REPLACED)]


def test_a_state_on_record_takes_the_place_of_a_reading_at_its_time() -> None:
    """The reading at minute 15 is of the new register; the record says where that began."""
    rows = derive((0, 100.0), (15, 0.2), (30, 1.0), changes=[_change(15, old_end=101.0, new_start=0.0)])
    assert rows == [
        Row(0, 1000, MEASURED, Method.RECORD, REPLACED),
        Row(1, 1000, MEASURED, Method.RECORD, REPLACED),
    ]


def test_a_new_ratio_counts_each_side_by_its_own() -> None:
    """The register itself goes on: 10 by minute 15, 11 at the change, 12 at minute 45; CT from 1 to 80."""
    rows = derive((15, 10.0), (45, 12.0), (60, 13.0), changes=[_change(30, continues=True, ratio=80.0)])
    assert rows == [
        Row(1, 1000, MEASURED, Method.RECORD, RATIO),
        Row(2, 80_000, MEASURED, Method.RECORD, RATIO),
        Row(3, 80_000),
    ]


def test_a_reading_at_the_time_of_a_new_ratio_is_of_the_new_one() -> None:
    """And says where the old one ended."""
    rows = derive((0, 10.0), (15, 11.0), (30, 12.0), changes=[_change(15, continues=True, ratio=2.0)])
    assert [row.quanta for row in rows] == [1000, 2000]


def test_a_register_passes_its_top_under_a_new_ratio() -> None:
    """The top is multiplied as the readings are: 999 to 1 of 1000 at ratio 2 is 4."""
    rows = derive(
        (15, 998.0),
        (30, 999.0),
        (45, 1.0),
        series=one_series(wrap=1000.0),
        changes=[_change(0, continues=True, ratio=2.0)],
    )
    assert [(row.quanta, row.flags) for row in rows] == [(2000, Flag(0)), (4000, Flag.WRAP)]


def test_a_ratio_may_change_while_the_register_passes_its_top() -> None:
    """999 by minute 0, 3 by minute 30, half of the way under each ratio; the change itself is past the top."""
    rows = derive(
        (0, 999.0), (30, 3.0), series=one_series(wrap=1000.0), changes=[_change(15, continues=True, ratio=3.0)]
    )
    assert [row.quanta for row in rows] == [2000, 6000]


def test_a_ratio_that_changes_twice_without_a_reading_between() -> None:
    """Ratio 1, 2, 3: a third of the way under each."""
    changes = [_change(15, continues=True, ratio=2.0), _change(30, continues=True, ratio=3.0)]
    rows = derive((0, 0.0), (45, 3.0), series=one_series(gap_ms=60 * MINUTE), changes=changes)
    assert [row.quanta for row in rows] == [1000, 2000, 3000]


def test_a_register_that_fell_around_a_new_ratio_leaves_its_state_unknown() -> None:
    """Reset and ratio within one pair: nobody can say what belongs to which."""
    rows = derive((0, 100.0), (30, 5.0), changes=[_change(15, continues=True, ratio=2.0)])
    assert {row.quality for row in rows} == {MISSING}


def test_a_change_before_the_first_or_after_the_last_reading_invents_nothing() -> None:
    """No rows reach out to it, but the ratio holds."""
    early = [_change(-100_000, continues=True, ratio=2.0)]
    assert derive((0, 1.0), (15, 2.0), changes=early) == [Row(0, 2000)]
    assert derive((0, 1.0), (15, 2.0), changes=[_change(100_000)]) == [Row(0, 1000)]


def test_nothing_is_compared_across_a_change() -> None:
    """A fall to the new register is no dip of the old one, though it recovers within three readings."""
    rows = derive((0, 2.0), (15, 3.0), (30, 1.0), (45, 4.0), changes=[_change(15, 30, old_end=3.0, new_start=1.0)])
    assert [row.quanta for row in rows] == [1000, 0, 3000]
    assert not any(row.flags & Flag.DIP for row in rows)


@pytest.mark.parametrize("kind", [Kind.RATE, Kind.INTERVAL])
def test_a_ratio_holds_for_gauges_and_interval_meters_too(kind: Kind) -> None:
    """From minute 30 on every value counts ten times; the rate runs straight between the two."""
    rows = derive(
        (15, 4.0),
        (30, 4.0),
        (45, 4.0),
        (60, 4.0),
        series=one_series(kind),
        changes=[_change(40, continues=True, ratio=10.0)],
    )
    assert [row.quanta for row in rows][-1] == (40_000 if kind is Kind.INTERVAL else 10_000)
