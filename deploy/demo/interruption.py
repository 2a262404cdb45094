"""How the demo is told to stop: by Ctrl-C, by SIGTERM, or by a terminal that closes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Signals for the whole of a run, its preparation and its clearing up among it.

    Args:
        task: what a signal cancels where nothing serves yet or any more; its clean-up is then the stop.

    Attributes:
        stop: set by the first signal while services run: they then stop in order. The next one cancels.
    """

    def __init__(self, task: asyncio.Task[object]) -> None:
        self.stop = asyncio.Event()
        self._task = task
        self._orderly = False

    @contextmanager
    def orderly(self) -> Iterator[asyncio.Event]:
        """While services run that heed the event."""
        self._orderly = True
        try:
            yield self.stop
        finally:
            self._orderly = False

    def received(self) -> None:
        """A signal came."""
        if self._orderly and not self.stop.is_set():
            self.stop.set()
        else:
            self._task.cancel()


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Take the signals that end a run; one that the caller ignores, as nohup does, stays ignored."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None, "a coroutine runs in a task"  # noqa: S101 - tells the type checker
    interruption = Interruption(task)
    taken = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in taken:
        loop.add_signal_handler(number, interruption.received)
    try:
        yield interruption
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
