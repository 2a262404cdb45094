"""Asks the database what it holds for the keys of a file."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from energy.queries import load_queries
from energy.readings import Reading
from energy.storage import Connection, translating
from energy.wire.messages import LATEST_MS
from ingest.receiving.csv.outcomes import Stored

_SQL = load_queries("ingest.receiving.csv", "stored.sql")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


async def stored_readings(connection: Connection, readings: Iterable[Reading]) -> Stored:
    """What is stored for the keys of `readings`.

    Raises:
        StorageError and its like: as `energy.storage.translating` says.
    """
    times: defaultdict[str, set[int]] = defaultdict(set)
    for reading in readings:
        if 0 <= reading.at <= LATEST_MS and "\0" not in reading.point:  # beyond these nothing is stored
            times[reading.point].add(reading.at)
    if not times:
        return {}
    codes = list(times)
    first, last = min(map(min, times.values())), max(map(max, times.values()))
    arrays = [_array(sorted(times[code])) for code in codes]
    with translating():
        rows = await connection.fetch(_SQL.stored_readings, codes, arrays, _moment(first), _moment(last))
    return {
        (codes[position - 1], (at - _EPOCH) // _MS): (None if math.isnan(value) else value, quality)
        for position, at, value, quality in rows
    }


def _array(times: list[int]) -> str:
    return "{" + ",".join(_moment(at).isoformat() for at in times) + "}"


def _moment(at: int) -> datetime:
    return _EPOCH + at * _MS
