"""Ticks: aligned, without drift or overlap, whatever the clock does."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.polling.schedule import Schedule, missed_ticks, next_tick
from energy.clocks import ClockSettings, DataClock

MINUTE = 60_000


@given(st.integers(0, 2**42), st.integers(1, 10**8), st.integers(0, 10**8))
def test_the_next_tick_is_the_first_later_one_on_the_grid(now: int, interval: int, offset: int) -> None:
    """Strictly later, at most one interval away, aligned to 1970 plus the offset."""
    tick = next_tick(now, interval, offset)
    assert now < tick <= now + interval
    assert (tick - offset) % interval == 0


@pytest.mark.parametrize(("tick", "following", "missed"), [(0, 60, 0), (0, 120, 1), (0, 600, 9), (600, 60, 0)])
def test_missed_ticks_are_counted(tick: int, following: int, missed: int) -> None:
    """Those between two polls; none after the clock was set back."""
    assert missed_ticks(tick, following, 60) == missed


class Wall:
    """A wall clock that a test sets; ticks pass as fast as the loop turns."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        """Unix time; every look takes a tenth of a second."""
        self.at += 0.1
        return self.at


def schedule_on(wall: Wall, *, offset: int = 0) -> tuple[DataClock, Schedule]:
    """A schedule of one tick a minute."""
    clock = DataClock(ClockSettings(), wall=wall)
    return clock, Schedule(clock, MINUTE, offset)


async def ticks(schedule: Schedule, clock: DataClock, works: list[float], wall: Wall) -> tuple[list[int], list[int]]:
    """Run polls that take so many seconds each; returns the minutes at which they began, and what was skipped."""
    began: list[int] = []
    skipped: list[int] = []
    stopping = asyncio.Event()

    async def poll() -> None:
        began.append(clock.now_ms() // MINUTE)
        wall.at += works[len(began) - 1]
        if len(began) == len(works):
            stopping.set()

    await asyncio.wait_for(schedule.run(stopping, poll, skipped.append), 30)
    return began, skipped


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real waits are cut short: time passes in `Wall`."""
    monkeypatch.setattr("collector.polling.schedule.LONGEST_SLEEP", 0.0)


@pytest.mark.usefixtures("impatient")
async def test_polls_keep_to_the_grid_whatever_they_take() -> None:
    """Work does not push the next poll: no drift."""
    wall = Wall(0.0)
    clock, schedule = schedule_on(wall)
    assert await ticks(schedule, clock, [1, 30, 50, 1], wall) == ([1, 2, 3, 4], [])


@pytest.mark.usefixtures("impatient")
async def test_an_overrun_skips_and_counts() -> None:
    """A poll of two and a half minutes costs two ticks, and the next one is on the grid again."""
    wall = Wall(0.0)
    clock, schedule = schedule_on(wall)
    assert await ticks(schedule, clock, [150, 1, 1], wall) == ([1, 4, 5], [2])


@pytest.mark.usefixtures("impatient")
async def test_a_clock_set_back_does_not_stop_the_polls() -> None:
    """An hour back: the next poll is at the next full minute of the new time, not an hour later."""
    wall = Wall(7_200.0)
    clock, schedule = schedule_on(wall)
    began, skipped = await ticks(schedule, clock, [1, -3_600, 1, 1], wall)
    assert began[:2] == [121, 122]
    assert began[2] in (62, 63)
    assert began[3] == began[2] + 1
    assert skipped == []


async def test_a_stop_ends_the_wait_for_a_tick() -> None:
    """Nobody waits for the full hour to stop."""
    clock = DataClock()
    schedule = Schedule(clock, 86_400_000, 0)
    stopping = asyncio.Event()

    async def poll() -> None:
        raise AssertionError("no tick is due")

    async with asyncio.TaskGroup() as group:
        group.create_task(schedule.run(stopping, poll, lambda _: None))
        stopping.set()
