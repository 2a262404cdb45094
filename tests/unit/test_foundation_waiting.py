"""Waiting for the first of several: who ends, who is cancelled, whose error comes out."""

from __future__ import annotations

import asyncio

import pytest

from energy.waiting import first_of, set_within


async def wait_and_note(journal: list[str], event: asyncio.Event) -> None:
    """Wait for the event; note the end or the cancellation."""
    try:
        await event.wait()
        journal.append("ended")
    except asyncio.CancelledError:
        journal.append("cancelled")
        raise


async def fail(error: Exception) -> None:
    """Fail at once."""
    raise error


async def test_the_others_are_cancelled_and_have_ended() -> None:
    """No task is left behind."""
    journal: list[str] = []
    now, never = asyncio.Event(), asyncio.Event()
    now.set()
    await first_of(wait_and_note(journal, now), wait_and_note(journal, never))
    assert journal == ["ended", "cancelled"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_error_comes_out() -> None:
    """Also when another one ended well at the same moment."""
    now = asyncio.Event()
    now.set()
    with pytest.raises(KeyError, match="lost"):
        await first_of(now.wait(), fail(KeyError("lost")))


async def test_a_cancellation_reaches_all() -> None:
    """Whoever waits can be cancelled, and takes all with it."""
    journal: list[str] = []
    never = [asyncio.Event(), asyncio.Event()]
    waiting = asyncio.ensure_future(first_of(*(wait_and_note(journal, event) for event in never)))
    for _ in range(3):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert journal == ["cancelled", "cancelled"]


async def test_a_set_event_is_not_waited_for() -> None:
    """Even with no time left, an event that is set counts as set."""
    event = asyncio.Event()
    event.set()
    assert await set_within(event, -1.0)


async def test_the_bound_ends_the_wait() -> None:
    """An event that is never set costs its bound and no more."""
    assert not await set_within(asyncio.Event(), 0.01)


async def test_an_event_ends_the_wait() -> None:
    """An event that is set meanwhile ends the wait long before its bound."""
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, event.set)
    assert await set_within(event, 60.0)


async def test_a_cancellation_in_the_moment_of_the_event_is_not_swallowed() -> None:
    """Else a loop that waits so goes on after it was told to end (`asyncio.wait_for` of Python 3.11 does that)."""
    event = asyncio.Event()
    waiting = asyncio.ensure_future(set_within(event, 60.0))
    for _ in range(3):
        await asyncio.sleep(0)
    event.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
