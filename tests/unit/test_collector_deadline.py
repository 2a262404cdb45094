"""One timer for deadlines that follow each other."""

from __future__ import annotations

import asyncio

import pytest

from collector.drivers.deadline import Deadline

SOON, LATER = 0.02, 0.06
"""Real seconds."""


class Watched:
    """A deadline that notes when it passed."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.passed: list[float] = []
        self.deadline = Deadline(self._note)
        self._news = asyncio.Event()

    def _note(self) -> None:
        self.passed.append(self.loop.time())
        self._news.set()

    async def next(self) -> float:
        """When it passes the next time."""
        self._news.clear()
        async with asyncio.timeout(5):
            await self._news.wait()
        return self.passed[-1]


async def test_a_deadline_passes_once_and_not_early() -> None:
    """And the next one works again."""
    watched = Watched()
    for _ in range(2):
        at = watched.loop.time() + SOON
        watched.deadline.set(at)
        assert await watched.next() >= at
    assert len(watched.passed) == 2


@pytest.mark.parametrize(("first", "second"), [(SOON, LATER), (LATER * 100, SOON)])
async def test_the_last_deadline_counts(first: float, second: float) -> None:
    """Be it later than the one before, which was met, or earlier."""
    watched = Watched()
    watched.deadline.set(watched.loop.time() + first)
    watched.deadline.meet()
    at = watched.loop.time() + second
    watched.deadline.set(at)
    assert at <= await watched.next() < at + LATER * 50
    assert len(watched.passed) == 1


@pytest.mark.parametrize("end", [Deadline.meet, Deadline.close])
async def test_a_deadline_that_was_met_does_not_pass(end: object) -> None:
    """Another one that was set at the same time for later shows that its time is over."""
    watched, other = Watched(), Watched()
    watched.deadline.set(watched.loop.time() + SOON)
    other.deadline.set(watched.loop.time() + LATER)
    assert callable(end)
    end(watched.deadline)
    await other.next()
    assert not watched.passed
