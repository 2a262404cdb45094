"""The picker of readings near the quarter hours, for any sequence of readings."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.spool.borders import QUARTER_MS, BorderPicker, Split
from energy.readings import Quality, Reading

POINTS = st.sampled_from(["P-1", "P-2", "P-3"])
# Times on a border, just beside one, and anywhere within two hours: before 1970 too, since a clock may be that wrong.
TIMES = st.one_of(
    st.integers(-2, 8).map(lambda border: border * QUARTER_MS),
    st.tuples(st.integers(-2, 8), st.integers(-2, 2)).map(lambda at: at[0] * QUARTER_MS + at[1]),
    st.integers(-2 * QUARTER_MS, 8 * QUARTER_MS),
)
VALUES = st.sampled_from([(1.0, 0), (2.0, 0), (3.0, Quality.UNCERTAIN), (None, Quality.NOT_AVAILABLE), (math.nan, 0)])
READINGS = st.builds(lambda point, at, value: Reading(point, at, *value), POINTS, TIMES, VALUES)
BATCHES = st.lists(st.lists(READINGS, max_size=8), max_size=8)

LATEST = 1_000 * QUARTER_MS


def split_all(batches: list[list[Reading]]) -> list[Split]:
    """What the picker makes of all of them, one after the other."""
    picker = BorderPicker()
    splits = []
    for batch in batches:
        split = picker.split(batch)
        picker.keep(split)
        splits.append(split)
    return splits


def has_value(reading: Reading) -> bool:
    """Whether a reading can tell what a register showed."""
    return reading.value is not None and not math.isnan(reading.value)


def crossed(readings: list[Reading]) -> Iterator[tuple[str, int, int]]:
    """Each border between a point's first and last reading, with the distance of the nearest: (point, border, ms)."""
    for point in {reading.point for reading in readings}:
        times = [reading.at for reading in readings if reading.point == point]
        first, last = -(-min(times) // QUARTER_MS), max(times) // QUARTER_MS
        for border in range(first, last + 1):
            yield point, border * QUARTER_MS, min(abs(at - border * QUARTER_MS) for at in times)


@given(BATCHES)
def test_the_nearest_reading_of_each_border_is_a_border_reading(batches: list[list[Reading]]) -> None:
    """Whatever the order of arrival, once a point's run of late readings has ended, as one later reading ends it.

    Trap: jitter makes a hole in the intervals.
    """
    points = {reading.point for batch in batches for reading in batch}
    splits = split_all([*batches, [Reading(point, LATEST, 9.0) for point in points]])
    picked = [reading for split in splits for reading in split.border]
    for point, border, nearest in crossed([one for batch in batches for one in batch if has_value(one)]):
        assert any(one.point == point and abs(one.at - border) == nearest for one in picked)


@given(BATCHES)
def test_every_reading_is_kept_and_only_border_readings_twice(batches: list[list[Reading]]) -> None:
    """What comes in is in one class, or in both where a copy is counted; what has no value is never at a border."""
    for given_so_far in range(1, len(batches) + 1):
        splits = split_all(batches[:given_so_far])
        came = Counter(map(repr, (one for batch in batches[:given_so_far] for one in batch)))
        kept = Counter(map(repr, (one for split in splits for one in [*split.border, *split.rest])))
        assert kept - came == Counter() or (kept - came).total() == sum(split.copies for split in splits)
        assert came - kept == Counter()
        assert all(has_value(one) for split in splits for one in split.border)


@given(BATCHES, st.integers(0, 7), st.integers(1, 3))
def test_a_batch_that_could_not_be_kept_is_split_the_same_again(
    batches: list[list[Reading]], failing: int, times: int
) -> None:
    """A disk that was full for a while changes nothing."""
    picker = BorderPicker()
    for number, batch in enumerate(batches):
        tries = [picker.split(batch) for _ in range(times if number == failing else 1)]
        assert all(one == tries[0] for one in tries[1:])
        picker.keep(tries[-1])
    assert split_all(batches) == split_all(batches)


@given(st.integers(1, 3_600_000), st.integers(0, 10_000_000), st.integers(2, 200))
def test_a_steady_poll_gives_one_border_reading_a_border(interval: int, start: int, count: int) -> None:
    """In order of time there are no more than the first one, one for each border, and two around a longer gap."""
    readings = [Reading("P-1", start + interval * number, float(number)) for number in range(count)]
    picked = [one for split in split_all([[reading] for reading in readings]) for one in split.border]
    borders = readings[-1].at // QUARTER_MS - start // QUARTER_MS
    assert len(picked) <= 1 + (borders if interval <= QUARTER_MS else count - 1)
    assert len(set(picked)) == len(picked)


def test_the_earlier_neighbour_comes_again_as_a_copy() -> None:
    """It was on the disk as one of the rest before anybody could know."""
    first, before, after = Reading("P", 0, 1.0), Reading("P", QUARTER_MS - 10, 2.0), Reading("P", QUARTER_MS + 11, 3.0)
    one, two, three = split_all([[first], [before], [after]])
    assert (one.border, one.rest) == ([first], [])
    assert (two.border, two.rest, two.copies) == ([], [before], 0)
    assert (three.border, three.rest, three.copies) == ([before], [after], 1)


def test_a_run_of_late_readings_that_begins_anew_gives_its_last_one() -> None:
    """Nobody knows whether anything will come between it and the next border."""
    late, earlier = Reading("P", QUARTER_MS - 10, 2.0), Reading("P", QUARTER_MS - 100, 3.0)
    before = Reading("P", QUARTER_MS - 200, 1.0)
    splits = split_all([[Reading("P", LATEST, 9.0)], [before, late], [earlier]])
    assert (splits[1].border, splits[1].rest) == ([before], [late])
    assert (splits[2].border, splits[2].rest, splits[2].copies) == ([late, earlier], [], 1)


@pytest.mark.parametrize("distance", [10, 11])
def test_the_later_neighbour_needs_no_copy(distance: int) -> None:
    """Also at the same distance, since a copy costs room."""
    first, before = Reading("P", 0, 1.0), Reading("P", QUARTER_MS - distance, 2.0)
    after = Reading("P", QUARTER_MS + 10, 3.0)
    assert split_all([[first], [before, after]])[-1] == Split([after], [before], 0, ANY)


def test_a_history_that_is_told_late_is_thinned_like_any_other() -> None:
    """A run of older readings costs a border reading a quarter hour, and not every reading of it."""
    history = [Reading("P", number * 60_000, float(number)) for number in range(1, 240)]
    splits = split_all([[Reading("P", LATEST, 9.0)], *([reading] for reading in history)])
    picked = [one for split in splits[1:] for one in split.border]
    assert [one.at for one in picked] == [60_000, *(border * QUARTER_MS for border in range(1, 16))]
    last = split_all([[Reading("P", LATEST, 9.0)], history, [Reading("P", LATEST + 1, 9.0)]])[-1]
    assert (last.border, last.rest, last.copies) == ([history[-1]], [Reading("P", LATEST + 1, 9.0)], 1)
