"""How pairs become quarter hours: borders, courses, what is partly known, and what people laid over it."""

from __future__ import annotations

import numpy as np
import pytest

from energy.consumption import Flag, IntervalQuality, Method
from ingest.accounting.algebra.columns import INTERVAL_MS, Courses, Kind, Pairs, Series, Spans
from ingest.accounting.algebra.courses import weighted
from ingest.accounting.algebra.overlaying import overlay
from ingest.accounting.algebra.pairing import pairs
from ingest.accounting.algebra.spreading import spread
from tests.support.algebra import FAR, Row, amounts_of, changes_of, one_series, readings_of, rows_of, spans_of

MEASURED, ESTIMATED, SUBSTITUTED, SUSPECT, MISSING = (
    IntervalQuality.MEASURED,
    IntervalQuality.ESTIMATED,
    IntervalQuality.SUBSTITUTED,
    IntervalQuality.SUSPECT,
    IntervalQuality.MISSING,
)
Q = INTERVAL_MS


def _pairs(*shown: tuple[int, float], series: Series) -> Pairs:
    return pairs(readings_of(shown), series, changes_of([]), Spans.none())


def _course(weights: list[float], *, pair: int = 0, method: Method = Method.LIKE_DAYS, delta: int = 0) -> Courses:
    return Courses(
        pair=np.array([pair]),
        offset=np.array([0, len(weights)]),
        weight=np.array(weights, np.float64),
        method=np.array([int(method)]),
        delta=np.array([delta]),
    )


def test_a_course_shapes_a_gap_and_keeps_its_total() -> None:
    """Of 10 kWh one tenth, two, three and four tenths."""
    series = one_series()
    found = spread(_pairs((0, 0.0), (4 * Q, 10.0), series=series), series, _course([1.0, 2.0, 3.0, 4.0]))
    assert rows_of(found) == [
        Row(i, quanta, ESTIMATED, Method.LIKE_DAYS, Flag.GAP) for i, quanta in enumerate([1000, 2000, 3000, 4000])
    ]


def test_a_quarter_hour_that_a_pair_touches_in_part_has_part_of_its_weight() -> None:
    """From the middle of one to the middle of another: a half, one, a half."""
    assert weighted(np.array([1.0, 1.0, 1.0]), Q // 2, 2 * Q + Q // 2, 4000, np.array([Q, 2 * Q])).tolist() == [
        1000,
        3000,
    ]


def test_a_stretch_follows_the_course_of_the_whole_gap() -> None:
    """Only two of the four quarter hours are computed: the weights before them count."""
    series = one_series(since=Q, until=3 * Q)
    found = spread(_pairs((0, 0.0), (4 * Q, 10.0), series=series), series, _course([1.0, 2.0, 3.0, 4.0]))
    assert [row.quanta for row in rows_of(found)] == [2000, 3000]


@pytest.mark.parametrize("weights", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_weights_that_say_nothing_run_evenly(weights: list[float]) -> None:
    """All zero, or no numbers: the straight line."""
    series = one_series()
    found = spread(_pairs((0, 0.0), (2 * Q, 4.0), series=series), series, _course(weights))
    assert found.quanta.tolist() == [2000, 2000]


def test_a_course_of_the_wrong_length_does_not_load() -> None:
    """One weight per quarter hour that the pair touches, no more and no less."""
    series = one_series()
    for weights in ([1.0], [1.0, 1.0, 1.0]):
        with pytest.raises(ValueError, match="do not span the quarter hours"):
            spread(_pairs((0, 0.0), (2 * Q, 4.0), series=series), series, _course(weights))


def test_what_nothing_says_is_substituted() -> None:
    """A long gap of a power gets what estimation found; covered stays at what was measured."""
    series = one_series(Kind.RATE, scale=0.001)
    found = _pairs((0, 4000.0), (Q, 4000.0), (13 * Q, 4000.0), series=series)
    rows = rows_of(spread(found, series, _course([1.0] * 12, pair=1, delta=24_000)))
    assert rows[0] == Row(0, 1000, MEASURED, Method.RATE)
    assert rows[1:] == [Row(i, 2000, SUBSTITUTED, Method.LIKE_DAYS, Flag.GAP, 0) for i in range(1, 13)]


def test_a_substituted_part_makes_a_quarter_hour_substituted() -> None:
    """Half of it measured, half put in."""
    series = one_series(Kind.RATE, scale=0.001)
    found = _pairs((0, 4000.0), (Q // 2, 4000.0), (13 * Q, 4000.0), series=series)
    rows = rows_of(spread(found, series, _course([1.0] * 13, pair=1, delta=25_000)))
    assert rows[0] == Row(0, 1500, SUBSTITUTED, Method.LIKE_DAYS, Flag.GAP, 450)
    assert sum(row.quanta for row in rows) == 25_500


def test_only_the_stretch_is_computed() -> None:
    """Rows outside it are somebody else's."""
    series = one_series(since=Q, until=2 * Q)
    found = spread(_pairs((0, 0.0), (Q, 1.0), (2 * Q, 2.0), (3 * Q, 3.0), series=series), series, Courses.none())
    assert rows_of(found) == [Row(1, 1000)]


def _hour(since: int = 0, until: int = FAR) -> tuple[Series, list[tuple[int, float]]]:
    return one_series(since=since, until=until, max_rate=10.0), [(i * Q, i + (i > 2) * 9.0) for i in range(5)]


def test_an_amount_replaces_whole_quarter_hours_and_adds_up() -> None:
    """1.001 kWh over three quarter hours, over what was derived and where nothing was."""
    series, shown = _hour()
    rows = spread(_pairs(*shown, series=series), series, Courses.none())
    found = overlay(rows, series, amounts_of([(3 * Q, 6 * Q, 1001)]), Spans.none())
    assert found.ready.tolist() == [Q * i for i in range(1, 7)], "what a person set is complete"
    laid = rows_of(found)
    assert laid[:3] == rows_of(rows)[:3]
    assert laid[3:] == [
        Row(3, 334, SUBSTITUTED, Method.EDIT),
        Row(4, 333, SUBSTITUTED, Method.EDIT, covered_s=0),
        Row(5, 334, SUBSTITUTED, Method.EDIT, covered_s=0),
    ]


def test_an_amount_takes_the_flags_of_what_it_replaces_away() -> None:
    """More than the greatest rate allows: of the amount that a person set in its place nobody noticed that."""
    series, shown = _hour()
    rows = spread(_pairs(*shown, series=series), series, Courses.none())
    assert rows_of(rows)[2].flags == Flag.RANGE
    assert rows_of(overlay(rows, series, amounts_of([(2 * Q, 3 * Q, 7)]), Spans.none()))[2] == Row(
        2, 7, SUBSTITUTED, Method.EDIT
    )


def test_an_amount_is_cut_by_the_stretch_and_stays_the_same() -> None:
    """Computed in two stretches, each quarter hour gets what it gets in one."""
    series, shown = _hour()
    rows = spread(_pairs(*shown, series=series), series, Courses.none())
    amounts = amounts_of([(Q, 8 * Q, 1003)])
    whole = rows_of(overlay(rows, series, amounts, Spans.none()))
    parts = []
    for since, until in ((0, 3 * Q), (3 * Q, FAR)):
        part, _ = _hour(since, until)
        parts += rows_of(
            overlay(spread(_pairs(*shown, series=part), part, Courses.none()), part, amounts, Spans.none())
        )
    assert parts == whole
    assert sum(row.quanta for row in whole[1:]) == 1003


def test_of_amounts_that_overlap_the_later_counts() -> None:
    """Where two people said something, whoever's span begins later is more precise."""
    series = one_series()
    nothing = spread(_pairs(series=series), series, Courses.none())
    laid = overlay(nothing, series, amounts_of([(0, 4 * Q, 4000), (Q, 2 * Q, 7)]), Spans.none())
    assert laid.quanta.tolist() == [1000, 7, 1000, 1000]


def test_a_negative_amount_is_spread_as_exactly() -> None:
    """A correction below zero."""
    series = one_series()
    nothing = spread(_pairs(series=series), series, Courses.none())
    laid = overlay(nothing, series, amounts_of([(0, 3 * Q, -1000)]), Spans.none())
    assert laid.quanta.tolist() == [-333, -334, -333]


def test_accepting_makes_suspect_quarter_hours_measured_and_says_so() -> None:
    """Of the jump in minute 45 to 60; all that is in the span is flagged, what it only touches stays."""
    series, shown = _hour()
    rows = spread(_pairs(*shown, series=series), series, Courses.none())
    assert rows_of(rows)[2] == Row(2, 10_000, SUSPECT, flags=Flag.RANGE)
    laid = rows_of(overlay(rows, series, amounts_of([]), spans_of([(0, 3 * Q)])))
    assert laid == [
        Row(0, 1000, flags=Flag.ACCEPTED),
        Row(1, 1000, flags=Flag.ACCEPTED),
        Row(2, 10_000, MEASURED, flags=Flag.RANGE | Flag.ACCEPTED),
        Row(3, 1000),
    ]
    for touching in ((2 * Q + 1, 3 * Q), (2 * Q, 3 * Q - 1)):
        assert rows_of(overlay(rows, series, amounts_of([]), spans_of([touching]))) == rows_of(rows)


def test_accepting_invents_nothing_where_nothing_is_known() -> None:
    """What is missing stays missing."""
    series = one_series()
    rows = spread(_pairs((0, 1000.0), (Q, 400.0), series=series), series, Courses.none())
    laid = rows_of(overlay(rows, series, amounts_of([]), spans_of([(0, Q)])))
    assert laid[0].quality == MISSING
