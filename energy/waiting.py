"""Waiting for the first of several things, or for an event within a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Run `waits` beside each other until one ends; the others are cancelled, and have ended too when this returns.

    Raises:
        Exception: what one of them failed with.
    """
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    errors = [error for task in tasks if not task.cancelled() and (error := task.exception())]
    if errors:
        raise errors[0]


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for `event`, at most `seconds` of real time; whether it is set."""
    try:
        # Not `asyncio.wait_for`, which in Python 3.11 swallows a cancellation that comes together with the event.
        async with asyncio.timeout(max(0.0, seconds)):
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True
