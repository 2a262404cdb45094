"""Repeats, silence and complaints under any order of events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.drivers.mqtt.complaints import MOST_OPEN, QUIET_S, Complaints
from collector.drivers.mqtt.freshness import Freshness
from collector.drivers.mqtt.mapping import Value
from collector.drivers.mqtt.sieve import MOST_POINTS, Sieve
from energy.errors import MessageError
from energy.readings import Reading

NOW = 1_771_898_400_000
POINTS = st.sampled_from(["A", "B"])

TIMES = st.sampled_from([NOW - 10_001, NOW - 10_000, NOW, NOW + 1, NOW + 10_000, NOW + 10_001])
readings = st.builds(Reading, POINTS, TIMES, st.sampled_from([1.0, 2.0, None]))


def outcome(sieve: Sieve, value: Value) -> tuple[Reading | None, str]:
    """What passes, or why it was refused."""
    try:
        return sieve.take(value, NOW), ""
    except MessageError as error:
        return None, error.reason


@given(st.lists(st.tuples(readings, st.booleans()), max_size=30))
def test_every_distinct_reading_passes_and_no_other_is_made(given_readings: list[tuple[Reading, bool]]) -> None:
    """What passes was given; what does not is the point's last once more, or out of bounds by its own time stamp."""
    sieve = Sieve(max_ahead_s=10.0, max_age_s=10.0)
    passed: list[Reading] = []
    for reading, stamped in given_readings:
        result, reason = outcome(sieve, Value(reading, stamped, True, None))
        if reason:
            assert stamped
            assert reason == ("ahead" if reading.at > NOW + 10_000 else "old")
            assert abs(reading.at - NOW) > 10_000
            continue
        assert not stamped or abs(reading.at - NOW) <= 10_000
        last = next((one for one in reversed(passed) if one.point == reading.point), None)
        if result is None:
            assert stamped
            assert reading == last
        else:
            assert result is reading
            passed.append(reading)


def test_points_made_up_are_bounded() -> None:
    """Whoever may publish could name any number of levels; the known points go on."""
    sieve = Sieve(10.0, 10.0)
    for number in range(MOST_POINTS):
        assert sieve.take(Value(Reading(f"P-{number}", NOW, 1.0), True, True, None), NOW)
    assert outcome(sieve, Value(Reading("one-more", NOW, 1.0), True, True, None)) == (None, "points")
    assert sieve.take(Value(Reading("P-0", NOW + 1, 1.0), True, True, None), NOW)


events = st.lists(
    st.one_of(
        st.tuples(st.just("heard"), POINTS),
        st.tuples(st.just("died"), POINTS),
        st.tuples(st.just("tick"), st.integers(1, 15)),
    ),
    max_size=30,
)


@given(events)
def test_a_point_is_stale_when_it_was_silent_for_its_bound_or_died(what: list[tuple[str, str | int]]) -> None:
    """Each change is told once, whatever comes between; A has a bound of 10 s and is expected, B has none."""
    freshness = Freshness({"A": 10.0}, 0.0)
    now, heard, told = 0.0, {"A": 0.0}, set[str]()
    for kind, about in what:
        if kind == "tick":
            now += float(about)
            newly = freshness.overdue(now)
            assert newly == [point for point in newly if point not in told]
            told.update(newly)
            assert ("A" in told) or now - heard["A"] <= 10.0
        elif kind == "died":
            newly = freshness.died([str(about)])
            assert bool(newly) is (about not in told)
            told.update(newly)
        else:
            assert freshness.heard(str(about), 10.0 if about == "A" else None, now) is (about in told)
            told.discard(str(about))
            heard[str(about)] = now
        assert freshness.stale == told
        if "A" in told and now - heard["A"] <= 10.0:
            assert ("died", "A") in what


@given(st.lists(st.tuples(st.sampled_from("xy"), st.integers(0, 1_000)), min_size=1, max_size=30))
def test_a_complaint_begins_once_and_ends_once_with_its_count(refusals: list[tuple[str, int]]) -> None:
    """Whatever the pauses; the counts of all that ended are those of all that was noted."""
    complaints = Complaints()
    now, open_now, noted, ended = 0.0, set[str](), 0, 0
    for source, pause in refusals:
        now += pause
        for one in complaints.ended(now):
            open_now.remove(one.source)
            ended += one.count
        assert complaints.note(source, "number", now) is (source not in open_now)
        open_now.add(source)
        noted += 1
    ended += sum(one.count for one in complaints.ended(now + QUIET_S + 1))
    assert ended == noted
    assert complaints.ended(now + 10 * QUIET_S) == []


def test_complaints_are_bounded() -> None:
    """A source more is only counted elsewhere."""
    complaints = Complaints()
    assert all(complaints.note(f"s{number}", "number", 0.0) for number in range(MOST_OPEN))
    assert not complaints.note("one more", "number", 0.0)
