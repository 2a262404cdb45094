"""Levels and assessed totals: what does not follow from sums over carriers, read for the quotas that limit it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from alerts.quotas.measures import DEMAND, PER_OUTPUT, PER_VALUE
from alerts.series.frame import Floats, Ids
from alerts.series.quota_book import Book
from alerts.series.quota_periods import Due
from energy.storage import Connection, load_queries

_SQL = load_queries("alerts.series", "quotas.sql")
_ASSESSED = {"assessed_tce": "tce", "assessed_tce_equal": "tce_equal"}
READ = frozenset({*_ASSESSED, *PER_OUTPUT, *PER_VALUE, DEMAND})
"""Measures that this module reads."""
_MONTHS = {"month": 1, "statistics_month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class _Asked:
    """Rows of a `Due`, as the arguments of a query."""

    rows: list[int]
    quotas: list[int]
    keys: list[date]
    first: list[date]
    until: list[date]
    kinds: list[str]


async def read_levels(connection: Connection, book: Book, due: Due) -> tuple[Ids, Floats]:
    """What the rows of `due` on such measures are at: their places, and their values; NaN where not known."""
    measures = book.labels["measure"][due.rows]
    places = np.flatnonzero(book.of_measures(READ)[due.rows])
    values = np.full(len(places), np.nan)
    of_row = {int(row): position for position, row in enumerate(places)}
    for wanted, reader in (
        (set(_ASSESSED), _assessed),
        (set(PER_OUTPUT), _per_output),
        (set(PER_VALUE), _per_value),
        ({DEMAND}, _demand),
    ):
        asked = _asked(book, due, [int(row) for row in places if measures[row] in wanted])
        if asked.rows:
            found = await reader(connection, asked)
            for row, quota, first, key in zip(asked.rows, asked.quotas, asked.first, asked.keys, strict=True):
                record = found.get((quota, key), found.get((quota, first)))
                value = None if record is None else record[_ASSESSED.get(measures[row], "used")]
                values[of_row[row]] = np.nan if value is None else float(value)
    return places, values


_Found = dict[tuple[int, date], Any]
"""Records by quota and day."""


async def _assessed(connection: Connection, asked: _Asked) -> _Found:
    calendars = ["statistics_month" if kind == "statistics_month" else "month" for kind in asked.kinds]
    until = [_later(key, _MONTHS[kind]) for key, kind in zip(asked.keys, asked.kinds, strict=True)]
    return _by_key(await connection.fetch(_SQL.assessed, asked.quotas, asked.keys, until, calendars))


async def _per_output(connection: Connection, asked: _Asked) -> _Found:
    return _by_key(await connection.fetch(_SQL.per_output, asked.quotas, asked.keys, asked.kinds))


async def _per_value(connection: Connection, asked: _Asked) -> _Found:
    return _by_key(await connection.fetch(_SQL.per_value, asked.quotas, asked.keys, asked.kinds))


async def _demand(connection: Connection, asked: _Asked) -> _Found:
    return _by_key(await connection.fetch(_SQL.demand, asked.quotas, asked.first, asked.until))


def _by_key(rows: Iterable[Any]) -> _Found:
    return {(row["quota_id"], row["since"]): row for row in rows}


def _asked(book: Book, due: Due, rows: list[int]) -> _Asked:
    stretches = [due.stretches[due.stretch[row]] for row in rows]
    epoch = date(1970, 1, 1)
    return _Asked(
        rows=rows,
        quotas=[int(book.ids[due.rows[row]]) for row in rows],
        keys=[one.key for one in stretches],
        first=[epoch + timedelta(days=one.first) for one in stretches],
        until=[epoch + timedelta(days=one.until) for one in stretches],
        kinds=[one.kind for one in stretches],
    )


def _later(month: date, by: int) -> date:
    years, index = divmod(month.month - 1 + by, 12)
    return date(month.year + years, index + 1, 1)
