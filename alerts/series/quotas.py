"""The series of quotas, read for all quotas and periods at once; `quota_series` says what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from alerts.projecting.model import Projection
from alerts.quotas.measures import LEVELS
from alerts.series.frame import NEVER, Frame, Ids, Scope
from alerts.series.quota_book import Book, Labels
from alerts.series.quota_levels import read_levels
from alerts.series.quota_periods import Due, due
from alerts.series.quota_sums import Carriers, Sums, read_carriers, read_sums
from alerts.series.quota_use import Members, Use, measure_column, rounded, use
from energy.carriers import carriers as known_carriers
from energy.periods import local_day
from energy.storage import Connection, load_queries
from energy.storage.binary import Layout

_SQL = load_queries("alerts.series", "quotas.sql")
_MEMBERS = Layout(group="int4", unit="int4")
_DECIMALS = 9
"""Ratios are rounded, so that what is exactly at a threshold is not above it."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
Projecting: TypeAlias = "Callable[[Book, Due, Use, Ids], Projection]"
"""How the periods of rows will end; the last argument is up to when each row's data speaks."""


@dataclass(frozen=True, kw_only=True)
class QuotaFrame(Frame):
    """A frame of quotas, with what evidence and boards say beside its series.

    Attributes:
        book, due: of whom the rows are.
        start_us: beginning of the period, microseconds since 1970 UTC.
        ready_us: up to when everything that counts is complete; NEVER when a carrier has never delivered.
        stale: the data lags too far behind the clock.
        level: the measure does not add up over the period.
        exhausted_us: when the limit will have been used up; NEVER for not within the period.
        method: of the projection; empty without one.
    """

    book: Book
    due: Due
    start_us: Ids
    ready_us: Ids
    stale: NDArray[np.bool_]
    level: NDArray[np.bool_]
    exhausted_us: Ids
    method: NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, np.object_))


async def read_members(connection: Connection, book: Book) -> Members:
    """The units of the book's groups."""
    kinds, keys = [key for key, _ in book.group_keys], [key for _, key in book.group_keys]
    rows = await _MEMBERS.copy(connection, _SQL.members, kinds, keys)
    order = np.lexsort((rows["unit"], rows["group"]))
    return Members(rows["group"][order], rows["unit"][order])


def concerned(book: Book, members: Members, scope: Scope) -> Due:
    """The quotas and periods that a scope is about."""
    return due(book, scope, _concerned(book, members, scope)[0])


async def read(  # noqa: PLR0913 - the book and what it is read with
    connection: Connection, book: Book, members: Members, scope: Scope, *, stale_s: float, projecting: Projecting
) -> QuotaFrame:
    """Every quota of `scope` in each of its periods.

    Args:
        connection: in the transaction of the evaluation.
        book: as `quota_book.read_book` gave it.
        members: as `read_members` did.
        scope: whose, and which periods.
        stale_s: by how many seconds data may lag behind the clock before pace and projection are not known.
        projecting: how periods will end.
    """
    touched, units = _concerned(book, members, scope)
    rows = due(book, scope, touched)
    if units is not None:
        units = sorted({*units, *_units_of(book, members, rows)})
    carriers = await read_carriers(connection, tuple(known_carriers()), units)
    sums = await _read_sums(connection, book, rows, carriers, units)
    fresh_us = (scope.now - _EPOCH) // _US - round(stale_s * 1e6)
    found = use(book, members, rows, carriers, sums, fresh_us)
    places, levels = await read_levels(connection, book, rows)
    found.used[places] = rounded(levels)
    return frame(book, rows, found, scope.now, stale_s=stale_s, projecting=projecting)


def frame(  # noqa: PLR0913 - the book and what it is read with
    book: Book, rows: Due, found: Use, now: datetime, *, stale_s: float, projecting: Projecting
) -> QuotaFrame:
    """The series that follow from what was used; pure."""
    start, end = rows.column("start_us"), rows.column("end_us")
    now_us = (now - _EPOCH) // _US
    limit = rounded(book.limits[rows.rows])
    ready = found.ready_us
    known = ready != NEVER
    at = np.where(known, np.minimum(ready, end), NEVER)
    final = known & (ready >= end) & ~found.lagging
    lag_s = np.where(known, (now_us - np.where(known, ready, now_us)) / 1e6, np.nan)
    stale = known & (ready < end) & (lag_s > stale_s)
    level = book.of_measures(LEVELS)[rows.rows]
    silent = level | stale | ~known
    course = projecting(book, rows, found, at)
    share = np.round(found.used / limit, _DECIMALS)
    columns = {
        "used": found.used,
        "limit": limit,
        "remaining": rounded(limit - found.used),
        "used_share": share,
        "band": book.bands.reached(book.band_set[rows.rows], share),
        "elapsed_share": np.where(known, np.clip((at - start) / (end - start), 0, 1), 0.0),
        "due_share": np.where(level, np.nan, course.due_share),
        "min_elapsed": book.min_elapsed[rows.rows],
        "pace": np.where(silent, np.nan, course.pace),
        "projected": np.where(silent, np.nan, course.projected),
        "projected_low": np.where(silent, np.nan, course.low),
        "projected_high": np.where(silent, np.nan, course.high),
        "projected_share": np.where(silent, np.nan, course.projected_share),
        "completeness": found.completeness,
        "lag_s": lag_s,
        "incomplete": np.where(found.complete, 0.0, 1.0),
        "unmetered_days": found.unmetered_days,
        "quality": found.quality,
        "provisional": found.provisional,
        "value_known": np.where(np.isnan(found.used), 0.0, 1.0),
    }
    method = np.where(silent, "", course.method).astype(np.object_)
    exhausted = np.where(silent, NEVER, course.exhausted_us)
    return QuotaFrame(
        subject="quota",
        ids=book.ids[rows.rows],
        periods=rows.column("first"),
        at_us=at,
        end_us=end,
        final=final,
        columns=columns,
        labels=Labels(
            book,
            rows.rows,
            {
                "method": lambda some: method[some],
                "starts": lambda some: _days(rows.column("first")[some]),
                "exhausted_on": lambda some: _local_days(exhausted[some], rows, some),
            },
        ),
        book=book,
        due=rows,
        start_us=start,
        ready_us=ready,
        stale=stale,
        level=level,
        exhausted_us=exhausted,
        method=method,
    )


def _days(numbers: Ids) -> NDArray[np.object_]:
    days: NDArray[np.object_] = np.datetime_as_string(numbers.astype("datetime64[D]")).astype(np.object_)
    return days


def _local_days(at_us: Ids, rows: Due, some: Ids) -> NDArray[np.object_]:
    texts = np.full(len(at_us), "", np.object_)
    there = np.flatnonzero(at_us != NEVER)
    stretches = rows.stretch[some[there]].tolist()
    texts[there] = [
        local_day(_EPOCH + at * _US, rows.stretches[stretch].zone).isoformat()
        for at, stretch in zip(at_us[there].tolist(), stretches, strict=True)
    ]
    return texts


def _concerned(book: Book, members: Members, scope: Scope) -> tuple[NDArray[np.bool_] | None, list[int] | None]:
    """Quotas of groups that the scope's units are in; and all units that these count."""
    if scope.units is None:
        return None, None
    groups = np.unique(members.group[np.isin(members.unit, scope.units)])
    return np.isin(book.groups, groups), list(scope.units)


def _units_of(book: Book, members: Members, rows: Due) -> Iterable[int]:
    groups = np.unique(book.groups[rows.rows])
    yield from np.unique(book.units[rows.rows]).tolist()
    yield from np.unique(members.unit[np.isin(members.group, groups)]).tolist()


async def _read_sums(
    connection: Connection, book: Book, rows: Due, carriers: Carriers, units: list[int] | None
) -> dict[tuple[str, int], Sums]:
    code, names = book.codes("measure")
    measures = code[rows.rows]
    wanted: dict[tuple[str, date], set[str]] = {}
    for number, stretch in enumerate(rows.stretches):
        columns = {measure_column(names[one]) for one in np.flatnonzero(np.bincount(measures[rows.stretch == number]))}
        wanted.setdefault((stretch.kind, stretch.key), set()).update(columns)
    return {
        (kind, key.toordinal()): await read_sums(connection, carriers, (kind, key), some, units)
        for (kind, key), some in wanted.items()
    }
