"""The edits that are in force, as the columns that the counter algebra takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from energy.storage import Connection, load_queries
from ingest.accounting.algebra.columns import Amounts, Changes, Ints, Spans
from ingest.accounting.edits.model import Kind

_SQL = load_queries("ingest.accounting.edits", "edits.sql")

Row: TypeAlias = Mapping[str, Any]
_Placed: TypeAlias = list[tuple[int, Row]]
"""Edits, each with the series that it concerns."""


@dataclass(frozen=True, slots=True)
class Edits:
    """What people said about some series.

    Attributes:
        changes: replacements and changes of ratio: all of a series' point up to the series' end, since what an early
            one says of the ratio holds until another one, and the first one after it: where no reading lies between,
            the state at its beginning is what the last reading is followed by.
        excluded: readings to leave out; spans of one series neither touch nor overlap, likewise `accepted`.
        amounts: consumption that was set, those that reach into the series.
        accepted: what is suspect there is accepted.
    """

    changes: Changes
    excluded: Spans
    amounts: Amounts
    accepted: Spans


async def edits_of(connection: Connection, points: Ints, since: Ints, until: Ints) -> Edits:
    """The edits in force of series, one element per series: its point, and the time over which it is computed.

    Args:
        connection: in whatever transaction; one query, which finds nothing where nobody edited any of the points.
        points: ids of points; several series may be of one point.
        since: ms since 1970 UTC, best the first reading that is read.
        until: likewise, the last one.

    Raises as `energy.storage.translating` says, where the caller translates.
    """
    rows = await connection.fetch(_SQL.in_force, np.unique(points).tolist()) if len(points) else []
    return arranged([dict(row) for row in rows], points, since, until)


def arranged(rows: Iterable[Row], points: Ints, since: Ints, until: Ints) -> Edits:
    """`rows` by series; pure. They are sorted by (point_id, since), with times in ms since 1970."""
    by_point: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_point[row["point_id"]].append(row)
    placed: dict[str, _Placed] = {kind: [] for kind in Kind}
    if by_point:
        for series in np.flatnonzero(np.isin(points, list(by_point))).tolist():
            for row in _concerning(by_point[int(points[series])], int(since[series]), int(until[series])):
                placed[row["kind"]].append((series, row))
    changes = sorted(placed[Kind.REPLACEMENT] + placed[Kind.RATIO], key=lambda one: (one[0], one[1]["since"]))
    return Edits(
        changes=_as_changes(changes),
        excluded=_merged(placed[Kind.EXCLUDE]),
        amounts=_as_amounts(placed[Kind.AMOUNT]),
        accepted=_merged(placed[Kind.ACCEPT]),
    )


def _concerning(rows: Iterable[Row], since: int, until: int) -> Iterator[Row]:
    """Those of one point, sorted by their beginning, that have a part in [since, until]."""
    beyond = False
    for row in rows:
        if Kind(row["kind"]).changes:
            if not beyond:
                yield row
            beyond = beyond or row["since"] > until
        elif row["since"] <= until and row["until"] > since:
            yield row


def _as_changes(placed: _Placed) -> Changes:
    """A change that gives no ratio leaves the one before it."""
    ratios: list[float] = []
    before, ratio = -1, 1.0
    for series, row in placed:
        if series != before:
            before, ratio = series, 1.0
        ratio = ratio if row["ratio"] is None else row["ratio"]
        ratios.append(ratio)
    return Changes(
        series=_series(placed),
        since=_column(placed, "since"),
        until=_column(placed, "until"),
        old_end=_states(placed, "old_end"),
        new_start=_states(placed, "new_start"),
        continues=np.array([row["kind"] == Kind.RATIO for _, row in placed], np.bool_),
        ratio=np.array(ratios, np.float64),
    )


def _as_amounts(placed: _Placed) -> Amounts:
    return Amounts(_series(placed), _column(placed, "since"), _column(placed, "until"), _column(placed, "quanta"))


def _merged(placed: _Placed) -> Spans:
    """Spans that touch or overlap as one."""
    found: list[list[int]] = []
    for series, row in placed:
        if found and found[-1][0] == series and row["since"] <= found[-1][2]:
            found[-1][2] = max(found[-1][2], row["until"])
        else:
            found.append([series, row["since"], row["until"]])
    columns = np.array(found, np.int64).reshape(-1, 3)
    return Spans(*(np.ascontiguousarray(column) for column in columns.T))


def _series(placed: _Placed) -> Ints:
    return np.array([series for series, _ in placed], np.int64)


def _column(placed: _Placed, name: str) -> Ints:
    return np.array([row[name] for _, row in placed], np.int64)


def _states(placed: _Placed, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if row[name] is None else row[name] for _, row in placed], np.float64)
