"""What became of each line of a file, from what was stored before and after its commit. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from energy.readings import Reading, content_order
from energy.wire import Refusal, RefusalCode
from energy.wire.messages import LATEST_MS
from ingest.receiving.csv.decoder import Record
from ingest.receiving.csv.report import Conflict, Entry, RefusedLine, Totals

_TIMES: Mapping[str, str] = {
    RefusalCode.FUTURE: "later than the platform's clock",
    RefusalCode.TOO_OLD: "older than the platform takes; is it in milliseconds?",
}

Key = tuple[str, int]
"""Point and time, ms UTC."""
Content = tuple[float | None, int]
"""Value and quality."""
Stored = Mapping[Key, Content]
"""What the table of readings holds for some keys; none for what it does not."""


def outcomes(
    records: Sequence[Record], refusals: Mapping[int, Refusal], before: Stored, after: Stored, totals: Totals
) -> Iterator[Entry]:
    """Count every line in `totals`, and report those that a person should look at, in the order of the file.

    Args:
        records: the lines.
        refusals: by index into `records`, what was refused of them.
        before: what was stored before the commit.
        after: what is stored after it.
        totals: is counted in.
    """
    seen: set[Key] = set()
    for index, record in enumerate(records):
        refusal, reading = refusals.get(index), record.reading
        if refusal is not None or reading is None:
            assert refusal is not None  # noqa: S101 - what gave no reading was refused
            totals.refuse(refusal.code)
            yield RefusedLine(record.line, refusal.code, _explained(refusal, reading))
            continue
        totals.accept(reading.point, reading.at)
        key, content = _key(reading), _content(reading)
        there = after.get(key, content)  # a chunk that was dropped meanwhile took it along
        if there != content:
            totals.conflicting += 1
            yield _conflict(record.line, reading, there)
        elif before.get(key) == content or key in seen:
            totals.repeated += 1
        else:
            totals.stored += 1
            seen.add(key)


def would_be(accepted: Iterable[Reading], before: Stored) -> Stored:
    """What would be stored after a commit of `accepted` in one batch."""
    fresh: dict[Key, Content] = {}
    for reading in accepted:
        key, content = _key(reading), _content(reading)
        if key not in before:
            fresh[key] = min(fresh.get(key, content), content, key=_order)
    return {**before, **fresh}


def _explained(refusal: Refusal, reading: Reading | None) -> str:
    """For a person who wrote a date, not milliseconds."""
    what = _TIMES.get(refusal.code)
    if reading is None or what is None:
        return refusal.detail
    moment = datetime.fromtimestamp(reading.at // 1000, UTC).isoformat() if 0 <= reading.at <= LATEST_MS else reading.at
    return f"time {moment}: {what}"


def _conflict(line: int, reading: Reading, there: Content) -> Conflict:
    effective = _order(_content(reading)) < _order(there)
    return Conflict(
        line, reading.point, reading.at, reading.value, reading.quality, *there, "line" if effective else "stored"
    )


def _order(content: Content) -> tuple[int, bool, float]:
    value, quality = content
    return content_order(quality, value)


def _key(reading: Reading) -> Key:
    return reading.point, reading.at


def _content(reading: Reading) -> Content:
    return reading.value, int(reading.quality)
