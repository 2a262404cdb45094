"""Tables for a terminal. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

_GAP = "  "
_NARROWEST = 20


def shown(text: str) -> str:
    """`text` of a sender without what would command the terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def places(text: str) -> int:
    """How many places of a terminal it takes: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def columns(rows: Sequence[tuple[str, ...]], right: set[int], width: int | None) -> Iterator[str]:
    """Rows as lines, the first being headings; the last column takes what is left of the width.

    Args:
        rows: all of the same length.
        right: numbers of the columns, from 0, that stand at the right.
        width: the terminal's, None for no terminal, where nothing is cut.
    """
    clean = [tuple(map(shown, row)) for row in rows]
    widths = [max(map(places, column)) for column in zip(*clean, strict=True)][:-1]
    room = None if width is None else max(_NARROWEST, width - sum(widths) - len(_GAP) * len(widths))
    for row in clean:
        cells = [_filled(cell, w, right=i in right) for i, (cell, w) in enumerate(zip(row, widths))]  # noqa: B905 - the last column has no width
        last = row[-1] if room is None else _cut(row[-1], room)
        yield _GAP.join([*cells, last])


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
