"""Files that a server uses while it runs, and that somebody may change meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from energy.errors import QuotawattError
from ingest.receiving.http import metrics

LOOK_S = 1.0
"""Real seconds between two looks at the files."""


async def follow_files(paths: Sequence[Path], what: str, read: Callable[[], None]) -> None:
    """Call `read`, in a thread, whenever one of `paths` has changed, until cancelled.

    Files that cannot be used change nothing: what they said before holds, and an operator is told.

    Args:
        paths: the files.
        what: names them in logs.
        read: uses them anew, or raises.
    """
    seen = await asyncio.to_thread(_state, paths)
    while True:
        await asyncio.sleep(LOOK_S)
        now = await asyncio.to_thread(_state, paths)
        if now == seen:
            continue
        seen = now
        try:
            await asyncio.to_thread(read)
        except QuotawattError as error:
            metrics.file_unusable(what, error)
        else:
            metrics.file_read(what)


def _state(paths: Sequence[Path]) -> list[tuple[int, int, int] | None]:
    """What changes with the files; None for one that is not there."""
    states: list[tuple[int, int, int] | None] = []
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            states.append(None)
        else:
            states.append((found.st_mtime_ns, found.st_size, found.st_ino))
    return states
