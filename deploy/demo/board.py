"""The terminal board: redraws a snapshot of the demo until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from html import unescape
from pathlib import Path

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.live import Live

from deploy.demo.board_model import BoardSnapshot, Language
from deploy.demo.board_render import render
from energy.errors import RetryableError
from energy.waiting import set_within

Source = Callable[[], Awaitable[BoardSnapshot]]
Show = Callable[[BoardSnapshot], None]

_REDRAW_S, _REPRINT_S = 0.5, 10.0
"""Real seconds between two frames on a terminal, and in a file or pipe, where each is printed below the last."""
_PRINTED_ROWS = 40
_WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_TEXT = re.compile(r'(<text [^>]*? textLength=")([0-9.]+)("[^>]*>)([^<]+)')
_FONTS = "Fira Code, DejaVu Sans Mono, Menlo, Consolas, Noto Sans Mono CJK SC"


async def run_board(source: Source, stop: asyncio.Event, console: Console) -> None:
    """Show what `source` gives, about twice a second, until `stop` is set.

    While `source` fails in a way that passes (the database restarts), the last frame stays, and says so. Where the
    output is no terminal, a frame is printed every ten seconds instead.
    """
    language = language_of_terminal()
    last: BoardSnapshot | None = None
    with _shown_on(console, language) as show:
        while not stop.is_set():
            last = await next_frame(source, last)
            if last is not None:
                show(last)
            await set_within(stop, _REDRAW_S if console.is_terminal else _REPRINT_S)


@contextlib.contextmanager
def _shown_on(console: Console, language: Language) -> Iterator[Show]:
    """How to show a frame: on the whole screen of a terminal, otherwise one below the other."""
    if not console.is_terminal:
        yield lambda frame: console.print(render(frame, console.width, _PRINTED_ROWS, language))
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        yield lambda frame: live.update(render(frame, console.width, console.height, language), refresh=True)


async def next_frame(source: Source, last: BoardSnapshot | None) -> BoardSnapshot | None:
    """The next snapshot, or the last one with a notice when it cannot be had now; None when there never was one."""
    try:
        return await source()
    except RetryableError as error:
        return None if last is None else msgspec.structs.replace(last, notice=str(error))


def language_of_terminal() -> Language:
    """The board's language as the environment asks for it."""
    return language_of(os.environ.get("LC_ALL") or os.environ.get("LANG") or "")


def language_of(locale: str) -> Language:
    """The board's language for a POSIX locale such as `zh_CN.UTF-8`."""
    return "zh" if locale.lower().startswith("zh") else "en"


def save_picture(
    snapshot: BoardSnapshot, path: Path, *, width: int = 120, height: int = 36, language: Language = "en"
) -> None:
    """Write a frame as SVG, as it would stand on a terminal of this size; it fetches nothing, not even a font."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(width=width, height=height, record=True, force_terminal=True, file=nowhere)
        console.print(render(snapshot, width, height, language))
        picture = console.export_svg(title="quotawatt demo")
    picture = _TEXT.sub(_as_wide_as_its_cells, picture)
    picture = _WEB_FONT.sub("", picture).replace("font-family: Fira Code", f"font-family: {_FONTS}")
    path.write_text(picture, encoding="utf-8")


def _as_wide_as_its_cells(text: re.Match[str]) -> str:
    """Rich gives each character the width of one cell: those that take two would lie over each other."""
    before, width, after, content = text.groups()
    said = unescape(content)
    return f"{before}{float(width) / len(said) * cell_len(said):g}{after}{content}"
