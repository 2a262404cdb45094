"""The fast path, step by step: what is calm, what a tail holds, and what it refuses."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from ingest.accounting.algebra.columns import INTERVAL_MS, Changes, Courses, Kind, Readings, Series, Spans
from ingest.accounting.algebra.excursions import REACH
from ingest.accounting.algebra.pairing import pairs
from ingest.accounting.algebra.spreading import spread
from ingest.accounting.algebra.tails import forward, tails
from tests.support.algebra import MINUTE, Row, one_series, readings_of, rows_of

EACH_MINUTE = one_series(gap_ms=2 * MINUTE)


def _shown(first: int, beyond: int) -> list[tuple[int, float]]:
    """A register read 20 s after each full minute: 0.060 a minute."""
    return [(minute * MINUTE + 20_000, 0.020 + 0.060 * minute) for minute in range(first, beyond)]


def _rows(readings: Readings, series: Series = EACH_MINUTE) -> list[Row]:
    return rows_of(spread(pairs(readings, series, Changes.none(), Spans.none()), series, Courses.none()))


def test_a_tail_says_what_the_open_quarter_hour_has_counted() -> None:
    """From the border, which the pair of minutes 29 and 30 crosses, to the reading of minute 40."""
    found, calm = tails(readings_of(_shown(0, 41)), EACH_MINUTE)
    assert calm.tolist() == [True]
    assert (found.began[0], found.at[0]) == (2 * INTERVAL_MS, 40 * MINUTE + 20_000)
    assert (found.counted[0], found.quanta[0]) == (620, 2420)


def test_a_reading_on_a_border_opens_a_quarter_hour_that_has_counted_nothing() -> None:
    """And the one before it is complete."""
    shown = [(at - 20_000, value) for at, value in _shown(0, 31)]
    found, calm = tails(readings_of(shown), EACH_MINUTE)
    assert calm.tolist() == [True]
    assert (found.began[0], found.counted[0], found.at[0]) == (2 * INTERVAL_MS, 0, 2 * INTERVAL_MS)


@pytest.mark.parametrize("steps", [[41, 42], [41, 45, 46, 61], [31, 100], [40, 41, 60, 61, 75, 90]])
def test_going_on_gives_the_rows_of_everything(steps: list[int]) -> None:
    """In whatever steps the readings come, with the open quarter hour always as fresh as its last reading."""
    standing, _ = tails(readings_of(_shown(0, steps[0])), EACH_MINUTE)
    for before, now in pairwise(steps):
        opened = int(standing.began[0])
        found, standing, calm = forward(standing, readings_of(_shown(before, now)), EACH_MINUTE)
        assert calm.tolist() == [True]
        whole = [row for row in _rows(readings_of(_shown(0, now))) if row.quarter >= opened // INTERVAL_MS]
        assert rows_of(spread(found, EACH_MINUTE, Courses.none())) == whole
    assert tails(readings_of(_shown(0, steps[-1])), EACH_MINUTE)[0] == standing


@pytest.mark.parametrize(
    ("reading", "what"),
    [
        ((41 * MINUTE, 0.0), "a fall"),
        ((43 * MINUTE, 2.6), "a gap"),
        ((41 * MINUTE, 2.5, 1), "a doubt"),
        ((40 * MINUTE, 2.5), "an older reading"),
        ((40 * MINUTE + 20_000, 2.5), "one of the same time"),
    ],
)
def test_what_is_not_plain_is_left_to_the_slow_path(
    reading: tuple[int, float] | tuple[int, float, int], what: str
) -> None:
    """No rows of it, and the tail stays where it was."""
    standing, _ = tails(readings_of(_shown(0, 41)), EACH_MINUTE)
    found, after, calm = forward(standing, readings_of([reading]), EACH_MINUTE)
    assert calm.tolist() == [False], what
    assert (len(found.series), after.at.tolist()) == (0, standing.at.tolist())


def test_more_than_max_rate_is_left_to_the_slow_path() -> None:
    """100 kWh in a minute of a 100 kW load."""
    series = one_series(gap_ms=2 * MINUTE, max_rate=100.0)
    standing, calm = tails(readings_of(_shown(0, 41)), series)
    assert calm.tolist() == [True]
    assert forward(standing, readings_of([(41 * MINUTE, 102.0)]), series)[2].tolist() == [False]


def test_a_reading_without_value_is_passed_over() -> None:
    """As everywhere; nothing to compute, and still calm."""
    standing, _ = tails(readings_of(_shown(0, 41)), EACH_MINUTE)
    found, after, calm = forward(standing, readings_of([(41 * MINUTE, math.nan)]), EACH_MINUTE)
    assert (len(found.series), calm.tolist(), after.at.tolist()) == (0, [True], standing.at.tolist())


def test_too_few_readings_or_another_kind_are_not_calm() -> None:
    """It takes REACH readings of a plain register; none at all are none."""
    assert tails(readings_of(_shown(0, REACH)), EACH_MINUTE)[1].tolist() == [True]
    assert tails(readings_of(_shown(0, REACH - 1)), EACH_MINUTE)[1].tolist() == [False]
    assert tails(readings_of([]), EACH_MINUTE)[1].tolist() == [False]
    for kind in (Kind.NET_REGISTER, Kind.INTERVAL, Kind.RATE):
        assert tails(readings_of(_shown(0, 41)), one_series(kind, gap_ms=2 * MINUTE))[1].tolist() == [False]


def test_a_fall_just_beyond_reach_does_not_count() -> None:
    """The last REACH readings decide, and all of the open quarter hour."""
    shown = _shown(0, 50)
    for fall, calm in ((50 - REACH, True), (51 - REACH, False)):
        readings = readings_of([(at, value + (1000.0 if i < fall else 0.0)) for i, (at, value) in enumerate(shown)])
        assert tails(readings, EACH_MINUTE)[1].tolist() == [calm]


def test_tails_of_many_series_keep_apart() -> None:
    """The one that falls leaves the path, the others go on."""
    series = one_series(gap_ms=2 * MINUTE, count=3)

    def three(*shown: list[tuple[int, float]]) -> Readings:
        parts = [readings_of(one, i) for i, one in enumerate(shown)]
        return Readings(*(np.concatenate([getattr(part, name) for part in parts]) for name in Readings.__slots__))

    standing, _ = tails(three(*[_shown(0, 41)] * 3), series)
    found, after, calm = forward(standing, three(_shown(41, 50), [(41 * MINUTE, 0.0)], []), series)
    assert calm.tolist() == [True, False, True]
    assert set(found.series.tolist()) == {0}
    assert after.at.tolist() == [49 * MINUTE + 20_000, *standing.at[1:].tolist()]
