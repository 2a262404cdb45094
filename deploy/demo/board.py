"""The terminal board: redraws a snapshot of the demo until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.live import Live
from rich.text import Text

from deploy.demo.board_model import BoardSnapshot, Language
from deploy.demo.board_render import render
from energy.errors import RetryableError

_REDRAW_S = 0.5
"""Real seconds between two frames."""


async def run_board(source: Callable[[], Awaitable[BoardSnapshot]], stop: asyncio.Event, console: Console) -> None:
    """Show what `source` gives, about twice a second, until `stop` is set.

    While `source` fails in a way that passes (the database restarts), the last frame stays, and says so.
    """
    language = language_of(os.environ.get("LC_ALL") or os.environ.get("LANG") or "")
    last: BoardSnapshot | None = None
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while not stop.is_set():
            last = await next_frame(source, last)
            if last is None:
                live.update(Text(" …"), refresh=True)
            else:
                live.update(render(last, console.width, console.height, language), refresh=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _REDRAW_S)


async def next_frame(
    source: Callable[[], Awaitable[BoardSnapshot]], last: BoardSnapshot | None
) -> BoardSnapshot | None:
    """The next snapshot, or the last one with a notice when it cannot be had now; None when there never was one."""
    try:
        return await source()
    except RetryableError as error:
        return None if last is None else msgspec.structs.replace(last, notice=str(error))


def language_of(locale: str) -> Language:
    """The board's language for a POSIX locale such as `zh_CN.UTF-8`."""
    return "zh" if locale.lower().startswith("zh") else "en"


def save_picture(
    snapshot: BoardSnapshot, path: Path, *, width: int = 120, height: int = 36, language: Language = "en"
) -> None:
    """Write a frame as SVG, as it would stand on a terminal of this size."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(width=width, height=height, record=True, force_terminal=True, file=nowhere)
        console.print(render(snapshot, width, height, language))
        console.save_svg(str(path), title="quotawatt demo")
