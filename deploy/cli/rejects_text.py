"""What was refused, as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deploy.cli.columns import columns, shown

if TYPE_CHECKING:
    from ingest.rejects.find import Kept, Kind
    from ingest.rejects.replay import Replayed

_REMEDIES = {
    "unknown_point": "register the point, then replay again",
    "not_owner": "let the registry say that the point is this gateway's, then replay again",
    "future": "it is ahead of the clock still: replay again when its time has come",
    "out_of_range": "correct the point's bounds low and high in the registry, then replay again",
    "too_old": "raise age_days in [checks] of the workers' file, and replay with --config FILE",
}
"""By the code for which a reading is refused still: what would help."""


def kind_lines(kinds: Sequence[Kind], width: int | None) -> Iterator[str]:
    """A line for each gateway, code and point, below headings; `width` is the terminal's, None for no terminal."""
    rows = [("OPEN", "OF", "GATEWAY", "CODE", "POINT", "LATEST (UTC)", "DETAIL OF THE LATEST")]
    for kind in kinds:
        named = (kind.gateway or "-", kind.code, kind.point or "-")
        rows.append((str(kind.open), str(kind.rejects), *named, _time(kind.last_at), kind.detail))
    return columns(rows, {0, 1}, width)


def each_lines(rejects: Sequence[Kept], width: int | None) -> Iterator[str]:
    """A line for each reject, likewise."""
    rows = [("ID", "RECEIVED (UTC)", "BY", "GATEWAY", "SEQ", "INDEX", "CODE", "POINT", "BYTES", "REPLAYED", "DETAIL")]
    for one in rejects:
        where = ("-" if one.seq is None else str(one.seq), "-" if one.reading_index is None else str(one.reading_index))
        replayed = "-" if one.replayed_by is None else f"batch {one.replayed_by}"
        rows.append(
            (
                str(one.reject_id),
                _time(one.received_at),
                one.carrier,
                one.gateway or "-",
                *where,
                one.code,
                one.point or "-",
                str(one.bytes),
                replayed,
                one.detail,
            )
        )  # fmt: skip - one row
    return columns(rows, {0, 4, 5, 8}, width)


def replayed_lines(sums: Replayed, worker: str, *, dry: bool) -> Iterator[str]:
    """What became of the rejects that were tried."""
    if dry:
        yield f"{sums.rejects} of {_counted(sums.tried, 'reject')} would be replayed; nothing was changed."
    else:
        verb = "is" if sums.rejects == 1 else "are"
        yield f"{sums.rejects} of {_counted(sums.tried, 'reject')} {verb} replayed{_batches(sums.batches, worker)}."
    if sums.rejects:
        stored = _counted(sums.stored, "reading")
        yield f"  {stored} stored, {sums.duplicates} there already, {sums.conflicts} contradict others"
    if sums.rejected:
        verb = "is" if sums.rejected == 1 else "are"
        yield f"  {_counted(sums.rejected, 'reading')} of messages that can be read now {verb} refused one by one"
    for code, count in sums.refused.most_common():
        yield f"  {count} refused still, {code}: {shown(sums.details[code])}"
        if remedy := _REMEDIES.get(code):
            yield f"    {remedy}"
    for why, count in sums.hopeless.most_common():
        yield f"  {count} cannot be replayed: {shown(why)}"
    if sums.busy:
        yield f"  {sums.busy} are being replayed by somebody else"


def _batches(numbers: Sequence[int], worker: str) -> str:
    match numbers:
        case []:
            return ""
        case [number]:
            return f", in batch {number} of {worker}"
        case _:
            return f", in {len(numbers)} batches of {worker}, {numbers[0]} to {numbers[-1]}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
