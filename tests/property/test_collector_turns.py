"""Turns on a shared line: aligned, fair, and hardly slower for the dead."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from collector.polling.ticks import missed_ticks, next_tick
from collector.polling.turns import PROBE_SHARE, Pause, Slot, Turns
from energy.backoff import Backoff

T0 = 1_772_294_400_000


@given(st.integers(0, 2**42), st.integers(1, 10**8), st.integers(0, 10**8))
def test_the_next_tick_is_the_first_later_one_on_the_grid(now: int, interval: int, offset: int) -> None:
    """Strictly later, at most one interval away, aligned to 1970 plus the offset."""
    tick = next_tick(now, interval, offset)
    assert now < tick <= now + interval
    assert (tick - offset) % interval == 0


@given(st.integers(0, 10**6), st.integers(1, 1000), st.integers(0, 1000))
def test_missed_ticks_are_counted(tick: int, interval: int, missed: int) -> None:
    """Those between two polls; none after the clock was set back."""
    assert missed_ticks(tick, tick + (missed + 1) * interval, interval) == missed
    assert missed_ticks(tick, tick - missed * interval, interval) == 0


class Line:
    """A simulated line: every second that passes is one of data time and of real time.

    Attributes:
        polls: (position, moment) of every poll.
        skipped: ticks that an overrun cost, by position.
    """

    def __init__(self, intervals: list[int], dead: set[int], *, answer_ms: int, time_out_ms: int) -> None:
        self.at = T0
        self.polls: list[tuple[int, int]] = []
        self.skipped: Counter[int] = Counter()
        self._counts: Counter[int] = Counter()
        self.dead = dead
        self._answer, self._time_out = answer_ms, time_out_ms
        self.slots = [
            Slot(position, interval, 0, Backoff(1, 120, random=lambda: 0.0))
            for position, interval in enumerate(intervals)
        ]
        self.turns = Turns(self.slots, T0, time_out_ms)

    def run(self, until: int) -> None:
        """Poll until a moment of data time."""
        while self.at < until:
            turn = self.turns.next(self.at, self.at / 1000)
            if isinstance(turn, Pause):
                ends = [turn.at_ms or until, math.floor((turn.at or until / 1000) * 1000) + 1, until]
                assert min(ends) > self.at, "a pause that does not pass"
                self.at = min(ends)
            else:
                self._poll(turn)

    def count(self, position: int) -> int:
        """How often a meter was polled."""
        return self._counts[position]

    def _poll(self, slot: Slot) -> None:
        self.polls.append((slot.position, self.at))
        self._counts[slot.position] += 1
        fails = slot.position in self.dead
        took = self._time_out if fails else self._answer
        self.at += took
        if fails:
            missed = self.turns.failed(slot, self.at, self.at / 1000, took / 1000)
        else:
            missed = self.turns.answered(slot, self.at)
        self.skipped[slot.position] += missed


LINES = st.tuples(
    st.lists(st.sampled_from([1_000, 5_000, 10_000, 60_000]), min_size=2, max_size=32),
    st.integers(20, 200),
    st.integers(300, 2_000),
)


@given(LINES)
def test_a_line_with_time_to_spare_serves_every_tick_at_its_time(line: tuple[list[int], int, int]) -> None:
    """All are polled once an interval, at most one cycle late, and nothing is skipped.

    Trap: a sleep after the work makes the period drift.
    """
    intervals, answer_ms, time_out_ms = line
    cycle = answer_ms * len(intervals)
    if cycle * 2 > min(intervals):
        return
    served = Line(intervals, set(), answer_ms=answer_ms, time_out_ms=time_out_ms)
    served.run(T0 + 180_000)
    assert not +served.skipped
    for position, moment in served.polls:
        assert (moment - T0) % intervals[position] <= cycle
    for position, interval in enumerate(intervals):
        assert abs(served.count(position) - 180_000 // interval) <= 1


@given(LINES, st.data())
def test_the_dead_cost_the_others_a_twentieth_at_most(line: tuple[list[int], int, int], data: st.DataObject) -> None:
    """Also on a line that is busy all the time; over ten minutes, the first failures included.

    Trap: a dead unit stalls its line.
    """
    intervals, answer_ms, time_out_ms = line
    dead = data.draw(st.sets(st.integers(0, len(intervals) - 1), min_size=1, max_size=min(3, len(intervals) - 1)))
    alone = [interval for position, interval in enumerate(intervals) if position not in dead]
    without = Line(alone, set(), answer_ms=answer_ms, time_out_ms=time_out_ms)
    beside = Line(intervals, dead, answer_ms=answer_ms, time_out_ms=time_out_ms)
    for served in (without, beside):
        served.run(T0 + 600_000)
    polls = sum(beside.count(position) for position in range(len(intervals)) if position not in dead)
    # Each of the dead costs two time-outs until it is known to be sick.
    first = 2 * len(dead) * time_out_ms / 600_000
    assert polls >= len(without.polls) * (1 - PROBE_SHARE - first - 0.01) - len(alone)


@given(LINES, st.data())
def test_no_healthy_meter_is_starved(line: tuple[list[int], int, int], data: st.DataObject) -> None:
    """On a line that cannot serve all ticks, meters of one interval are polled equally often."""
    _, answer_ms, time_out_ms = line
    count = data.draw(st.integers(2, 32))
    served = Line([100] * count, set(), answer_ms=answer_ms, time_out_ms=time_out_ms)
    served.run(T0 + 60 * answer_ms * count)
    counts = [served.count(position) for position in range(count)]
    assert max(counts) - min(counts) <= 1 + max(counts) // 20


@given(LINES, st.data())
def test_a_meter_that_comes_back_is_polled_again(line: tuple[list[int], int, int], data: st.DataObject) -> None:
    """However long it and all others were dead, and however busy the line is: within its rest and its interval."""
    intervals, answer_ms, time_out_ms = line
    dead = data.draw(st.sets(st.integers(0, len(intervals) - 1), min_size=1))
    served = Line(intervals, set(dead), answer_ms=answer_ms, time_out_ms=time_out_ms)
    served.run(T0 + 900_000)
    served.dead.clear()
    before = {position: served.count(position) for position in dead}
    served.run(served.at + 2 * (120_000 + max(intervals)) + round(time_out_ms / PROBE_SHARE) + 60_000)
    for position in dead:
        assert served.count(position) > before[position]
        assert not served.slots[position].sick


@given(LINES, st.integers(1, 10_000_000))
def test_a_clock_that_is_set_back_stops_nobody(line: tuple[list[int], int, int], back: int) -> None:
    """All are polled within two intervals by the new clock."""
    intervals, answer_ms, time_out_ms = line
    served = Line(intervals, set(), answer_ms=answer_ms, time_out_ms=time_out_ms)
    served.run(T0 + 120_000)
    before = [served.count(position) for position in range(len(intervals))]
    served.at -= back
    served.run(served.at + 3 * max(intervals) + answer_ms * len(intervals) * 3)
    assert all(served.count(position) > count for position, count in enumerate(before))


def test_the_rest_of_a_dead_meter_grows_to_minutes() -> None:
    """It is asked after one second, two, four, and at last every two minutes; one answer, and all is forgotten.

    Trap: a dead unit stalls its line.
    """
    slot = Slot(0, 1_000, 0, Backoff(1, 120, jitter=0))
    turns = Turns([slot], T0, 500)

    def rests(count: int) -> list[float]:
        found = []
        for _ in range(count):
            turns.failed(slot, T0, 1_000.0, 0.5)
            found.append(slot.rests_until - 1_000.0)
        return found

    turns.failed(slot, T0, 1_000.0, 0.5)
    assert rests(9) == [1, 2, 4, 8, 16, 32, 64, 120, 120]
    turns.answered(slot, T0)
    turns.failed(slot, T0, 1_000.0, 0.5)
    assert rests(2) == [1, 2]
