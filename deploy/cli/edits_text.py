"""Edits as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from deploy.cli.columns import columns, shown

if TYPE_CHECKING:
    from ingest.accounting.edits.store import Recorded, Taken

_HEADINGS = ("ID", "POINT", "KIND", "SINCE", "UNTIL", "SAYS", "STATE", "AUTHOR", "REASON")


def list_lines(edits: Sequence[Recorded], width: int | None) -> Iterator[str]:
    """A line for each, below headings; `width` is the terminal's, None for no terminal."""
    rows = [_HEADINGS]
    for one in edits:
        state = "in force" if one.in_force else "undone"
        times = (_local(one.since, one), _local(one.until, one))
        rows.append((str(one.edit_id), one.point, one.kind, *times, says(one) or "-", state, one.author, one.reason))
    return columns(rows, {0}, width)


def show_lines(one: Recorded) -> Iterator[str]:
    """All that is known of an edit."""
    facts = {
        "edit": str(one.edit_id),
        "point": f"{one.point} (meter {one.meter}, unit {one.unit})",
        "kind": one.kind,
        "since": _local(one.since, one),
        "until": _local(one.until, one),
        "says": says(one),
        "author": one.author,
        "reason": one.reason,
        "document": one.document,
        "recorded": _local(one.recorded_at, one),
        "state": "in force" if one.in_force else "undone",
    }
    if one.undone_at is not None:
        facts |= {"undone": f"{_local(one.undone_at, one)} by {one.undone_by}: {one.undone_why}"}
    for name, fact in facts.items():
        if fact:
            yield f"{name + ':':<10}{shown(fact)}"


def says(one: Recorded) -> str:
    """The figures of an edit."""
    parts = []
    if one.old_end is not None:
        parts.append(f"old register ended at {one.old_end:.15g}")
    if one.new_start is not None:
        parts.append(f"new one began at {one.new_start:.15g}")
    if one.ratio is not None:
        parts.append(f"readings times {one.ratio.normalize():f}")
    if one.amount is not None:
        parts.append(f"{one.amount.normalize():f} {one.unit_of_measure}")
    return ", ".join(parts)


def taken_lines(taken: Sequence[Taken]) -> Iterator[str]:
    """What became of edits that were given."""
    new = [one.edit_id for one in taken if one.new]
    known = [one.edit_id for one in taken if not one.new]
    if new:
        yield f"Taken: {_numbers(new)}. What this touches is derived anew."
    if known:
        yield f"In force already: {_numbers(known)}."
    for one in taken:
        for doubt in one.doubts:
            yield f"Warning: edit {one.edit_id}: {shown(doubt)}. If that is a slip, undo it."
    if not taken:
        yield "Nothing was given."


def _numbers(ids: Sequence[int]) -> str:
    if len(ids) == 1:
        return f"edit {ids[0]}"
    return f"{len(ids)} edits, {', '.join(map(str, ids))}"


def _local(moment: datetime, one: Recorded) -> str:
    """In the zone of the unit, as short as it stays exact."""
    local = moment.astimezone(ZoneInfo(one.time_zone))
    spec = "milliseconds" if local.microsecond else "seconds" if local.second else "minutes"
    return local.isoformat(timespec=spec)
