"""The report on an upload: JSON objects, one a line, as server and client know them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

CSV_PATH = "/v1/csv"
"""Takes a file; what stands before it is the platform's."""
MOST_POINTS = 1_000
"""So many points are counted one by one, those that come first in the file."""


class Start(msgspec.Struct, frozen=True, tag="start", tag_field="kind"):
    """How the file is read.

    Attributes:
        dry_run: whether nothing will be kept.
        delimiter: what stands between fields.
        passed_over: columns that nothing is done with.
    """

    dry_run: bool
    delimiter: str
    passed_over: tuple[str, ...]


class RefusedLine(msgspec.Struct, frozen=True, tag="refused", tag_field="kind"):
    """A line that is not stored, and why: `line` counts from 1, the header included; `code` as in `Refusal`."""

    line: int
    code: str
    detail: str


class Conflict(msgspec.Struct, frozen=True, tag="conflict", tag_field="kind"):
    """A line with another value or quality than what is stored for the same point and time; both are kept.

    Attributes:
        line: from 1.
        point: its code.
        at: ms UTC.
        value, quality: those of the line.
        stored_value, stored_quality: those that were there first.
        effective: which of the two counts: `line` or `stored`.
    """

    line: int
    point: str
    at: int
    value: float | None
    quality: int
    stored_value: float | None
    stored_quality: int
    effective: Literal["line", "stored"]


class Progress(msgspec.Struct, frozen=True, tag="progress", tag_field="kind"):
    """Everything up to `line` is dealt with, and committed unless this is a dry run; `lines` had a content."""

    line: int
    lines: int


class Summary(msgspec.Struct, frozen=True, tag="summary", tag_field="kind"):
    """The last object of a report; without it the upload was cut off.

    Attributes:
        complete: whether the whole file was dealt with.
        problem: what ended it before, empty for nothing.
        lines: lines with a content, without the header: the sum of the four that follow.
        stored: readings that are new.
        repeated: readings that were there already, or twice in the file.
        conflicting: readings that contradict what is there; kept beside it.
        refused: lines that are not stored.
        refused_by_code: these by code.
        first_at, last_at: earliest and latest time of what was not refused, ms UTC.
        points: how many readings of each point were not refused, at most `MOST_POINTS` points.
        other_points: such readings of all other points.
    """

    complete: bool
    problem: str
    lines: int
    stored: int
    repeated: int
    conflicting: int
    refused: int
    refused_by_code: Mapping[str, int]
    first_at: int | None
    last_at: int | None
    points: Mapping[str, int]
    other_points: int


Entry = Start | RefusedLine | Conflict | Progress | Summary

_KINDS = ("start", "refused", "conflict", "progress", "summary")


class _Kind(msgspec.Struct):
    kind: str


_kind = msgspec.json.Decoder(_Kind)
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


def encode_entries(entries: Iterable[Entry]) -> bytes:
    """Lines of JSON."""
    return b"".join(_encoder.encode(entry) + b"\n" for entry in entries)


def decode_entry(line: bytes) -> Entry | None:
    """One line of a report; None for an object of a kind that is not known here.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    try:
        return _decoder.decode(line)
    except msgspec.ValidationError:
        if _kind.decode(line).kind in _KINDS:
            raise
        return None


class Totals:
    """Adds an upload up, at bounded memory."""

    def __init__(self) -> None:
        self.stored = self.repeated = self.conflicting = 0
        self._codes: Counter[str] = Counter()
        self._points: Counter[str] = Counter()
        self._other_points = 0
        self._first_at: int | None = None
        self._last_at: int | None = None

    @property
    def refused(self) -> int:
        """Lines that are not stored."""
        return self._codes.total()

    @property
    def lines(self) -> int:
        """All of them."""
        return self.stored + self.repeated + self.conflicting + self.refused

    def refuse(self, code: str) -> None:
        """Count a line that is not stored."""
        self._codes[code] += 1

    def accept(self, point: str, at: int) -> None:
        """Note whose a reading is, and of when, that one of the three others was counted for."""
        if point in self._points or len(self._points) < MOST_POINTS:
            self._points[point] += 1
        else:
            self._other_points += 1
        self._first_at = at if self._first_at is None else min(self._first_at, at)
        self._last_at = at if self._last_at is None else max(self._last_at, at)

    def summary(self, problem: str = "") -> Summary:
        """The end of the report."""
        return Summary(
            not problem,
            problem,
            self.lines,
            self.stored,
            self.repeated,
            self.conflicting,
            self.refused,
            dict(self._codes),
            self._first_at,
            self._last_at,
            dict(self._points),
            self._other_points,
        )
