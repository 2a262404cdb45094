"""What changed between two versions of the factors, and which record holds when: against days counted one by one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from energy.factors import EVER, FOREVER
from ingest.accounting.factors.changes import Held, changed
from ingest.accounting.factors.measured import timeline

FIRST = date(2026, 1, 1)
DAYS = 40
days = st.integers(0, DAYS).map(lambda number: FIRST + timedelta(days=number))


@st.composite
def held(draw: st.DrawFn) -> list[Held]:
    """Stretches that do not overlap, with holes, of few different figures."""
    borders = sorted(draw(st.sets(days, max_size=8)))
    stretches = itertools.pairwise(borders)
    return [Held(since, until, (draw(st.integers(0, 2)),)) for since, until in stretches if draw(st.booleans())]


def figures(of: Sequence[Held], day: date) -> tuple[object, ...] | None:
    """What holds on a day."""
    return next((one.figures for one in of if one.since <= day < one.until), None)


def every_day() -> list[date]:
    """All days of the test, and some beside them."""
    return [FIRST + timedelta(days=number) for number in range(-2, DAYS + 2)]


@given(st.dictionaries(st.sampled_from("ab"), held()), st.dictionaries(st.sampled_from("ab"), held()))
def test_exactly_the_days_with_other_figures_are_found(old: dict[str, list[Held]], new: dict[str, list[Held]]) -> None:
    """Each of them once, none of the others; and nothing where nothing changed."""
    found = [(one.key, day) for one in changed(old, new) for day in every_day() if one.since <= day < one.until]
    expected = {
        (key, day)
        for key in "ab"
        for day in every_day()
        if figures(old.get(key, ()), day) != figures(new.get(key, ()), day)
    }
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert changed(old, old) == []


@given(st.dictionaries(st.sampled_from("ab"), held()), st.dictionaries(st.sampled_from("ab"), held()))
def test_changes_are_as_long_as_possible(old: dict[str, list[Held]], new: dict[str, list[Held]]) -> None:
    """Two of one key never touch, so that a unit is not marked twice for neighbouring days."""
    changes = changed(old, new)
    for key in "ab":
        ordered = [one for one in changes if one.key == key]
        assert all(one.until < other.since for one, other in itertools.pairwise(ordered))


@given(st.dictionaries(days, st.none() | st.integers(1, 30), max_size=6), st.randoms(use_true_random=False))
def test_the_record_of_a_day_is_the_last_that_began_unless_it_has_ended(
    lengths: dict[date, int | None], random: Random
) -> None:
    """All days have one stretch; the order in which records came does not matter."""
    records = [
        (number, since, FOREVER if length is None else since + timedelta(days=length))
        for number, (since, length) in enumerate(lengths.items())
    ]
    random.shuffle(records)
    stretches = list(timeline(records))
    for day in (EVER, *every_day(), FOREVER - timedelta(days=1)):
        begun = [one for one in records if one[1] <= day]
        last = max(begun, key=lambda one: one[1], default=None)
        expected = last[0] if last and day < last[2] else None
        holding = [one.record for one in stretches if one.since <= day < one.until]
        assert holding == ([expected] if records else [])
