"""Bytes, cut anyhow, into numbered lines at bounded memory. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

MOST_LINE_BYTES = 4_096
"""Most bytes of a line without its end; what goes beyond them is not kept."""


class Line(msgspec.Struct, frozen=True):
    """One line of a file.

    Attributes:
        number: from 1.
        content: without the line's end; the first `MOST_LINE_BYTES` of a longer one.
        whole: whether that is all of it.
    """

    number: int
    content: bytes
    whole: bool = True


class LineSplitter:
    r"""Cuts at LF and drops a CR before it; in UTF-8 and GB18030 neither byte is part of another character.

    A line end within quotes ends the line all the same: no field has a use for one, and a quote that is never closed
    costs one line, not the rest of the file.
    """

    def __init__(self) -> None:
        self._number = 0
        self._rest = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that end within `chunk`."""
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            yield self._ended(piece)
        self._keep(rest)

    def finish(self) -> Iterator[Line]:
        """The last line, where nothing ends it."""
        if self._rest:
            yield self._ended(b"")

    def _ended(self, piece: bytes) -> Line:
        self._keep(piece)
        content, whole = self._rest, not self._skipping
        self._number += 1
        self._rest, self._skipping = b"", False
        return Line(self._number, content.removesuffix(b"\r") if whole else content[:MOST_LINE_BYTES], whole)

    def _keep(self, piece: bytes) -> None:
        if self._skipping:
            return
        self._rest += piece[: MOST_LINE_BYTES + 2]
        # One more than allowed may be the CR of the line's end.
        ending = self._rest.endswith(b"\r")
        if len(self._rest) > MOST_LINE_BYTES + ending:
            self._rest, self._skipping = self._rest[:MOST_LINE_BYTES], True
