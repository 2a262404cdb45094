"""Single cases of checks that random days rarely hit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from energy.consumption import Flag, IntervalQuality, Method
from ingest.accounting.validation.checks.amounts import out_of_range
from ingest.accounting.validation.checks.phases import low_power_factor
from ingest.accounting.validation.checks.registers import sums
from ingest.accounting.validation.checks.standstill import same_again
from ingest.accounting.validation.day import Runs
from ingest.accounting.validation.judge import judge
from ingest.accounting.validation.parameters import Severity
from tests.support.validation_world import day_of, judged, no_children, nothing_before, only, points, slots, with_shown


def test_a_run_that_ends_at_midnight_is_of_the_day_before() -> None:
    """The next day says nothing of it, and not a span of no length either."""
    rules = only("stuck_interval", readings=4)
    ended = day_of([[500] * 4 + [700, 900, 600]], points(chosen=rules), context=4)
    assert list(same_again(ended)) == []
    goes_on = day_of([[500] * 5 + [700, 900]], points(chosen=rules), context=4)
    assert [slots(goes_on, one) for one in same_again(goes_on)] == [(0, 1)]


def test_each_register_is_held_against_its_own_intervals() -> None:
    """Of many points with other registers, the one that does not add up."""
    about = points(3, only("sum"))
    day = day_of([[100] * 12, [300] * 12, [700] * 12], about, context=2)
    assert list(sums(day)) == []
    wrong = day.quanta.copy()
    wrong[1, 5] += 2
    assert [one.point for one in sums(replace(day, quanta=wrong))] == [1]


def test_a_register_that_starts_anew_parts_the_day() -> None:
    """Its fall is no contradiction; what is wrong on one side of it is."""
    day = day_of([[100] * 12], points(chosen=only("sum")), context=2)
    value = np.where(np.arange(13) > 6, day.shown.value - 5000, day.shown.value)
    flags = np.zeros((1, 12), np.int64)
    flags[0, 6] = Flag.RESET
    parted = with_shown(replace(day, flags=flags), value=value)
    assert list(sums(parted)) == []
    assert len(list(sums(replace(parted, flags=0 * flags)))) == 1
    wrong = day.quanta.copy()
    wrong[0, 9] += 2
    assert len(list(sums(replace(parted, quanta=wrong)))) == 1


def test_a_register_is_held_against_its_intervals_by_the_ratio_on_record() -> None:
    """Each reading by that of its own time; its step on the primary side grows with it."""
    about = points(chosen=only("sum"), resolution=0.01, float32=True)
    day = day_of([[150] * 12], about, context=2)
    first = day.shown.value[0]
    secondary = with_shown(day, value=first + (day.shown.value - first) / 1.5)
    assert len(list(sums(secondary))) == 1
    begin = first + (secondary.shown.value - first)
    counted = with_shown(secondary, value=begin, ratio=np.full(13, 1.5))
    assert list(sums(counted)) == []
    assert day.step()[0] == 0.01
    assert counted.step()[0] == pytest.approx(0.015)
    large = with_shown(counted, value=np.full(13, 2.0**24))
    assert large.step()[0] == 2 * 1.5


def test_what_was_put_in_stands_for_the_whole_slot_however_good_it_is() -> None:
    """No second of it is covered; the fall before it may leave it suspect, and who accepts that makes it measured."""
    about = points(chosen=only("range"), most_per_hour=400.0)
    for method in (Method.CHECK_METER, Method.LIKE_DAYS, Method.EDIT):
        for quality in (IntervalQuality.MEASURED, IntervalQuality.SUBSTITUTED, IntervalQuality.SUSPECT):
            for amount, expected in ((120_002, 0), (120_003, 1)):
                day = day_of(
                    [[1, amount]],
                    about,
                    context=1,
                    covered_s=np.zeros((1, 2), np.int64),
                    quality=np.full((1, 2), quality),
                    method=np.full((1, 2), method),
                )
                assert len(list(out_of_range(day))) == expected


def test_a_power_factor_at_the_bound_of_the_current_says_nothing() -> None:
    """More than half an ampere, not half of one."""
    day = day_of([[9] * 12], points(chosen=only("power_factor")), context=4)
    for current, expected in ((0.5, 0), (0.51, 1)):
        seen = replace(day.siblings, power_factor=np.full((1, 12), 0.1), current=np.full((3, 1, 12), current))
        assert len(list(low_power_factor(replace(day, siblings=seen)))) == expected


def test_a_failure_that_a_person_accepted_is_a_warning() -> None:
    """Where all of it is accepted; a part of it is not enough."""
    about = points(chosen=only("range"), most_per_hour=400.0)
    quanta = [[1] + [200_000] * 2 + [1] * 5]
    for accepted, severity in ((2, Severity.WARNING), (1, Severity.FAILURE)):
        flags = np.zeros((1, 8), np.int64)
        flags[0, 1 : 1 + accepted] = Flag.ACCEPTED
        day = day_of(quanta, about, context=1, flags=flags)
        (one,) = judge(day, Runs(*[np.empty(0, np.int64)] * 3), nothing_before(), no_children(day))
        assert (one.severity, one.detail.get("accepted", False)) == (severity, severity is Severity.WARNING)
        assert judged(day) == [one]
