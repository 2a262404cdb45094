"""Waiting for a condition with a bound: tests never sleep for a guessed time."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

_STEP = 0.01


@overload
async def eventually(check: Callable[[], Awaitable[T]], within: float = ...) -> T: ...
@overload
async def eventually(check: Callable[[], T], within: float = ...) -> T: ...
async def eventually(check: Callable[[], Any], within: float = 30.0) -> Any:
    """Call `check` until it returns something true, and return that.

    An AssertionError inside `check` counts as "not yet"; any other exception ends the wait at once.

    Args:
        check: the condition; plain or async.
        within: longest wait, real seconds. A bound for what is broken, no measure of speed: machines are busy.

    Raises:
        AssertionError: the condition did not come true in time; it shows the last value or assertion.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        last = await _outcome(check)
        if last and not isinstance(last, AssertionError):
            return last
        if loop.time() >= deadline:
            cause = last if isinstance(last, AssertionError) else None
            raise AssertionError(f"not within {within} s; at last: {last!r}") from cause
        await asyncio.sleep(_STEP)


async def never_within(seconds: float, check: Callable[[], object]) -> None:
    """Watch for `seconds` that `check` stays false: for what must not happen, where no event can be awaited."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while loop.time() < deadline:
        seen = check()
        if seen:
            raise AssertionError(f"happened although it must not: {seen!r}")
        await asyncio.sleep(_STEP)


async def _outcome(check: Callable[[], Any]) -> Any:
    try:
        outcome = check()
        return await outcome if inspect.isawaitable(outcome) else outcome
    except AssertionError as error:
        return error
