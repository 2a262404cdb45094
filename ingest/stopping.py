"""Run something until the service is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from energy.services import Control


async def until_stopping(control: Control, work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends or the stop is asked for, which cancels it; raises what it raises."""
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(work)
            watching = group.create_task(_cancel_at_stop(control, running))
            running.add_done_callback(lambda _: watching.cancel())
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None  # of two tasks only `work` can fail; the runner wants its error


async def _cancel_at_stop(control: Control, running: asyncio.Task[None]) -> None:
    await control.stopping.wait()
    running.cancel()
