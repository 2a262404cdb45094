"""A changed file is taken over while the collector runs: on SIGHUP, or when the file itself changed."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from collector.process import metrics
from collector.process.gateways import Changed
from collector.settings import CollectorSettings
from energy.errors import ConfigError
from energy.services import Control
from energy.waiting import first_of

_log = structlog.get_logger("collector")

LOOK_S = 2.0
"""Real seconds between two looks at the file."""
RETRY_S = 60.0
"""Real seconds after which parts that could not be started, such as a spool that is in use, are tried again."""

_AT_START = ("clock", "health", "grace_s")
"""The tables that a running process cannot change."""

Load = Callable[[], CollectorSettings]
Change = Callable[[CollectorSettings], Awaitable[Changed]]


class Reload:
    """The service that takes over changes of the file.

    A file with faults changes nothing: all of them are logged, and what runs goes on. What cannot be changed in a
    running process is named, and waits for the next start.

    Args:
        path: the file, whose changes are noticed by its time, size and inode.
        started: what the process was started with.
        load: reads and checks the file.
        change: runs what it wants.
    """

    name = "reload"

    def __init__(self, path: Path, started: CollectorSettings, load: Load, change: Change) -> None:
        self._path = path
        self._started = started
        self._load = load
        self._change = change
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Take the file over soon, whether it changed or not: a profile that it names may have."""
        self._asked.set()

    async def run(self, control: Control) -> None:
        """Watch until told to stop."""
        now = asyncio.get_running_loop().time
        taken = last = self._mark()
        again_at = math.inf
        control.ready()
        while not control.stopping.is_set():
            await _wait(control.stopping, self._asked)
            mark = self._mark()
            # An editor writes in steps: a file is read when it stood still from one look to the next.
            still, last = mark is not None and mark == last, mark
            if self._asked.is_set() or (still and mark != taken) or now() >= again_at:
                self._asked.clear()
                taken = mark
                again_at = math.inf if await self.take_over() else now() + RETRY_S

    async def take_over(self) -> bool:
        """Read the file and run what it wants; false when parts of it could not be started, which may pass."""
        try:
            wanted = self._load()
            changed = await self._change(wanted)
        except ConfigError as error:
            metrics.reload_refused()
            _log.error("reload_refused", faults=[str(fault) for fault in error.faults])
            return True
        for fault in changed.faults:
            _log.error("part_not_started", error=str(fault), advice=fault.advice)
        metrics.reloaded(whole=not changed.faults)
        waiting = [key for key in _AT_START if getattr(self._started, key) != getattr(wanted, key)]
        _log.info("reloaded", stopped=changed.stopped, started=changed.started, at_next_start=waiting)
        return not changed.faults

    def _mark(self) -> tuple[int, int, int] | None:
        """What tells one state of the file from another; None while it is away, as an editor may have it."""
        try:
            state = self._path.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino


async def _wait(stopping: asyncio.Event, asked: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LOOK_S):
            await first_of(stopping.wait(), asked.wait())
