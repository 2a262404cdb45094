"""Tables for a terminal. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal

_GAP, _INDENT = "  ", "    "
_NARROWEST, _WANTED = 20, 32
"""Places that a column which gives way keeps; that the last column has at least, else it stands on lines of its own."""


def shown(text: str) -> str:
    """`text` of a sender without what would command the terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def places(text: str) -> int:
    """How many places of a terminal it takes: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def columns(
    rows: Sequence[tuple[str, ...]], right: set[int], width: int | None, *, gives_way: int | None = None
) -> Iterator[str]:
    """Rows as lines, the first being headings; the last column takes what is left of the width.

    Where too little is left, first the column that gives way loses its middle, and then the last column stands on lines
    of its own.

    Args:
        rows: all of the same length.
        right: numbers of the columns, from 0, that stand at the right.
        width: the terminal's, None for no terminal, where nothing is cut.
        gives_way: number of the column, none of the last, whose texts are known by both of their ends, such as codes.
    """
    clean = [tuple(map(shown, row)) for row in rows]
    widths = [max(map(places, column)) for column in zip(*clean, strict=True)][:-1]
    room = None if width is None else width - sum(widths) - len(_GAP) * len(widths)
    if room is not None and gives_way is not None and (lacking := _WANTED - room) > 0:
        given = min(lacking, max(0, widths[gives_way] - _NARROWEST))
        widths[gives_way], room = widths[gives_way] - given, room + given
    room_below = max(_WANTED, (width or 0) - len(_INDENT))
    for row in clean:
        texts = zip(row, widths)  # noqa: B905 - the last column has no width
        cells = [_filled(_without_middle(cell, w), w, right=i in right) for i, (cell, w) in enumerate(texts)]
        if room is None or places(row[-1]) <= max(room, 0):
            yield _GAP.join([*cells, row[-1]])
        elif room >= _WANTED:
            yield _GAP.join([*cells, _cut(row[-1], room)])
        else:
            yield _GAP.join(cells).rstrip()
            yield from (_INDENT + line for line in _wrapped(row[-1], room_below))


def amount(figure: float) -> str:
    """Six digits that matter, thousands apart, never in powers of ten."""
    return f"{Decimal(f'{figure:.6g}'):,f}"


def _without_middle(text: str, room: int) -> str:
    if places(text) <= room:
        return text
    end = ""
    while places(end) < room // 2:
        end = text[len(text) - len(end) - 1 :]
    return f"{_cut(text, room - places(end))}{end}"


def _wrapped(text: str, room: int) -> Iterator[str]:
    """In lines of so many places, broken at blanks where there are some."""
    while places(text) > room:
        line = text
        while places(line) > room:
            line = line[:-1]
        blank = line.rfind(" ")
        at = blank if blank > len(line) // 2 else len(line)
        yield text[:at]
        text = text[at:].lstrip()
    yield text


def _cut(text: str, room: int) -> str:
    """As much as fits into so many places."""
    if places(text) <= room:
        return text
    while places(text) >= room:
        text = text[:-1]
    return f"{text}…"


def _filled(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - places(text))
    return space + text if right else text + space
