"""Asks the database what it holds for the keys of a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from energy.queries import load_queries
from energy.readings import Reading
from energy.storage import Connection, translating
from energy.wire.messages import LATEST_MS
from ingest.receiving.csv.outcomes import Stored

_SQL = load_queries("ingest.receiving.csv", "stored.sql")


async def stored_readings(connection: Connection, readings: Sequence[Reading]) -> Stored:
    """What is stored for the keys of `readings`.

    Raises:
        StorageError and its like: as `energy.storage.translating` says.
    """
    asked = [reading for reading in readings if 0 <= reading.at <= LATEST_MS and "\0" not in reading.point]
    if not asked:
        return {}
    times = [datetime.fromtimestamp(reading.at / 1000, UTC) for reading in asked]
    codes = [reading.point for reading in asked]
    with translating():
        rows = await connection.fetch(_SQL.stored_readings, codes, times, min(times), max(times))
    return {
        _key(asked[position - 1]): (None if math.isnan(value) else value, quality) for position, value, quality in rows
    }


def _key(reading: Reading) -> tuple[str, int]:
    return reading.point, reading.at
