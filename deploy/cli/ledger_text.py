"""The account of what came, as text for a terminal, as JSON and as CSV. Pure."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    from ingest.ledger.account import Account, Line, PointDay

_GAP = "  "
_STREAM_DIGITS = 8
_COUNTS = ("expected", "stored", "refused", "dropped", "to_come", "missing", "difference", "readings", "rejected")
_HEADINGS = ("EXPECTED", "STORED", "REFUSED", "DROPPED", "TO COME", "MISSING", "DIFF", "READINGS", "REJECTED")
_NAMED = (("missing", "red"), ("to_come", "yellow"), ("dropped", None))

Row = tuple[str, ...]


def lines(account: Account, width: int | None, *, points: bool) -> Iterator[str]:
    """What a person reads; `width` is the terminal's, None for no terminal, where no line is cut."""
    if account.behind:
        batches, they = ("1 batch is", "it") if account.behind == 1 else (f"{account.behind} batches are", "they")
        yield f"{batches} not followed yet: what {they} brought still counts as to come."
        yield ""
    if not account.lines:
        yield "Nothing was heard of any envelope on these days."
    if account.lines or account.points:
        yield from _table(account)
    yield from _numbers(account.lines, width)
    yield from _refusals(account)
    if points:
        yield from _points(account.points)


def as_json(account: Account) -> str:
    """One object: lines, refused, points, and the completeness of each gateway and day."""
    whole = [
        {"gateway": gateway, "day": day, "expected": sum(p.expected for p in some), "points": len(some)}
        | {"received": sum(p.received for p in some), "complete_points": sum(p.complete for p in some)}
        for (gateway, day), some in _by_gateway(account.points).items()
    ]
    return msgspec.json.format(msgspec.json.encode(msgspec.to_builtins(account) | {"gateways": whole})).decode()


def as_csv(rows: Sequence[Line] | Sequence[PointDay]) -> str:
    """A line of names, then one for each row; nothing for no rows."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for number, row in enumerate(rows):
        content = msgspec.to_builtins(row)
        if number == 0:
            writer.writerow(content)
        writer.writerow(content.values())
    return out.getvalue()


def _table(account: Account) -> Iterator[str]:
    whole = _by_gateway(account.points)
    found: list[tuple[Row, bool]] = []
    said: set[tuple[str, date]] = set()
    for line in account.lines:
        key = line.gateway, line.day
        share = _whole(whole[key]) if key in whole and key not in said else ""
        row = (str(line.day), line.gateway, line.stream[:_STREAM_DIGITS], *_counts([line]), share)
        found.append((row, line.missing > 0 or not all(p.complete for p in whole.get(key, ()))))
        said.add(key)
    for (gateway, day), some in whole.items():
        if (gateway, day) not in said:  # nothing was heard of it, and that is what its share says
            found.append(((str(day), gateway, "", *_counts([]), _whole(some)), True))
    found.sort(key=lambda one: one[0][:2])
    rows: list[Row] = [("DAY", "GATEWAY", "STREAM", *_HEADINGS, "COMPLETE"), *(row for row, _ in found)]
    rows.append(("all", "", "", *_counts(account.lines), _whole(account.points)))
    lost = [False, *(missing for _, missing in found), False]
    alone = len(said) == len(account.lines)  # no gateway has two streams on one day
    hidden = {
        place for place, name in enumerate(rows[0]) if (name, True) in {("STREAM", alone), ("COMPLETE", not whole)}
    }
    shown = [tuple(cell for place, cell in enumerate(row) if place not in hidden) for row in rows]
    for text, missing in zip(_columns(shown, left=2 if alone else 3), lost, strict=True):
        yield click.style(text, fg="red") if missing else text


def _numbers(found: Sequence[Line], width: int | None) -> Iterator[str]:
    """Which numbers did not come, and which were dropped."""
    rows = [
        (str(line.day), line.gateway, line.stream[:_STREAM_DIGITS], name.replace("_", " "), numbers, colour)
        for name, colour in _NAMED
        for line in found
        if (numbers := getattr(line, f"{name}_numbers"))
    ]
    if rows:
        yield ""
        for text, (*_, colour) in zip(_columns([row[:-1] for row in rows], left=5), rows, strict=True):
            yield click.style(text if width is None else text[:width], fg=colour)


def _refusals(account: Account) -> Iterator[str]:
    if account.refused:
        yield ""
        yield "Refused, as far as it is kept (quotawatt rejects list):"
        rows = [(str(one.day), one.gateway, one.code, str(one.count)) for one in account.refused]
        yield from _columns(rows, left=3)


def _points(found: Sequence[PointDay]) -> Iterator[str]:
    yield ""
    if not found:
        yield "No point of these gateways is registered."
        return
    rows: list[Row] = [("DAY", "GATEWAY", "METER", "POINT", "EVERY", "DUE", "CAME", "COMPLETE")]
    rows += [
        (str(p.day), p.gateway, p.meter, p.point, f"{p.interval_s} s", str(p.expected), str(p.received), _whole([p]))
        for p in found
    ]
    for text, complete in zip(_columns(rows, left=4), [True, *(p.complete for p in found)], strict=True):
        yield text if complete else click.style(text, fg="red")


def _by_gateway(points: Sequence[PointDay]) -> dict[tuple[str, date], list[PointDay]]:
    found: defaultdict[tuple[str, date], list[PointDay]] = defaultdict(list)
    for one in points:
        found[one.gateway, one.day].append(one)
    return dict(found)


def _whole(points: Sequence[PointDay]) -> str:
    """The share that came, cut and not rounded up to what it does not reach; `-` where nothing was due."""
    due = sum(p.expected for p in points)
    if not due:
        return "-"
    tenths = Fraction(1_000 * sum(p.received for p in points), due).__floor__()
    short = sum(not p.complete for p in points)
    many = f", {short} of {len(points)} under 90 %" if short and len(points) > 1 else ""
    return f"{tenths // 10}.{tenths % 10} %{many}"


def _counts(some: Sequence[Line]) -> list[str]:
    return [str(sum(getattr(line, name) for line in some)) for name in _COUNTS]


def _columns(rows: Sequence[tuple[Any, ...]], *, left: int) -> Iterator[str]:
    """The first `left` columns to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield _GAP.join(cells).rstrip()
