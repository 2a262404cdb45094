"""The report on an upload as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.receiving.csv.report import Conflict, RefusedLine, Start, Summary

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_MOST_POINTS = 20


def start_lines(start: Start) -> Iterator[str]:
    """What was found in the header."""
    between = _DELIMITERS.get(start.delimiter, repr(start.delimiter))
    yield f"{'Dry run: nothing is kept. ' if start.dry_run else ''}Fields are separated by {between}."
    if start.passed_over:
        yield f"Columns without effect: {', '.join(map(repr, start.passed_over))}."


def refused_line(entry: RefusedLine) -> str:
    """Why a line is not stored; line 0 is the request itself."""
    return f"{f'line {entry.line}: ' if entry.line else ''}refused ({entry.code}): {entry.detail}"


def conflict_line(entry: Conflict, zone: tzinfo) -> str:
    """What contradicts what."""
    at = _time(entry.at, zone)
    return (
        f"line {entry.line}: conflict: {entry.point!r} at {at} is {_content(entry.value, entry.quality)} here and "
        f"{_content(entry.stored_value, entry.stored_quality)} as stored; both are kept, "
        f"the {'line' if entry.effective == 'line' else 'stored one'} counts"
    )


def summary_lines(summary: Summary, zone: tzinfo, *, dry_run: bool) -> Iterator[str]:
    """What became of everything."""
    would = "would be " if dry_run else ""
    yield (
        f"{summary.lines} lines: {summary.stored} {would}stored, {summary.repeated} there already, "
        f"{summary.conflicting} conflicting, {summary.refused} refused"
    )
    for code, count in sorted(summary.refused_by_code.items()):
        yield f"  refused as {code}: {count}"
    if summary.first_at is not None and summary.last_at is not None:
        yield f"  from {_time(summary.first_at, zone)} to {_time(summary.last_at, zone)}"
    counts = list(summary.points.items())
    for point, count in counts[:_MOST_POINTS]:
        yield f"  {point}: {count}"
    if others := sum(count for _, count in counts[_MOST_POINTS:]) + summary.other_points:
        yield f"  other points: {others}"
    if not summary.complete:
        yield f"Broken off: {summary.problem}. What is counted above is dealt with; send the same file again."


def _content(value: float | None, quality: int) -> str:
    return f"{'no value' if value is None else f'{value:.12g}'} (quality {quality})"


def _time(at: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).isoformat()
