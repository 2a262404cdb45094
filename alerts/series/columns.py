"""Groups of series as a query gives them, put beside the subjects of a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.series.catalogue import Series
from alerts.series.frame import NEVER, Floats, Ids
from energy.storage import Connection
from energy.storage.binary import Layout

_DECIMALS = 9
"""Ratios of exact sums are rounded, so that what is exactly at a threshold is not above it."""


async def group(
    connection: Connection, query: str, key: str, ids: Ids, series: Sequence[Series], *arguments: object
) -> dict[str, Floats]:
    """The columns of `series` for `ids`, NaN where `query` gives nothing.

    Args:
        connection: in whatever transaction.
        query: its rows are one per subject, with `key` and a column for each series.
        key: the column of ids.
        ids: of the subjects, ascending.
        series: the group.
        arguments: of the query.
    """
    values = ", ".join(f"coalesce({one.name}::float8, 'NaN') as {one.name}" for one in series)
    layout = Layout(**{key: "int4"}, **{one.name: "float8" for one in series})
    rows = await layout.copy(connection, f"select {key}, {values} from ({query}) known", *arguments)  # noqa: S608 - names of the catalogue
    place = np.searchsorted(ids, rows[key])
    found: dict[str, Floats] = {}
    for one in series:
        column = np.full(len(ids), np.nan)
        column[place] = np.round(rows[one.name], _DECIMALS) if one.unit == "1" else rows[one.name]
        found[one.name] = column
    return found


def instants(times: Sequence[datetime | None]) -> Ids:
    """Microseconds since 1970 UTC; NEVER for None."""
    return np.array([NEVER if at is None else (at - _EPOCH) // _MICROSECOND for at in times], np.int64)


def texts(rows: Sequence[Mapping[str, Any]], name: str) -> NDArray[np.object_]:
    """A column of labels."""
    column = np.empty(len(rows), np.object_)
    column[:] = [row[name] for row in rows]
    return column


def among(numbers: Ids, ascending: Ids) -> NDArray[np.bool_]:
    """Which of `numbers` are among others that stand in ascending order."""
    if not len(ascending):
        return np.zeros(len(numbers), np.bool_)
    place = np.minimum(np.searchsorted(ascending, numbers), len(ascending) - 1)
    found: NDArray[np.bool_] = ascending[place] == numbers
    return found


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
