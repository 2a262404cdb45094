"""The demo's audit: what was spooled against what is stored, and what was derived against the data files.

Nothing here is taken from a service's own counters: the spools' files, the tables and the data files are compared.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from energy.readings import Reading
from energy.storage import Connection, load_queries, translating

_QUARTER_MS = 900_000
_SQL = load_queries("deploy.demo", "audit.sql")

Key = tuple[str, int, float]
"""(point, time in ms UTC, value); no value is NaN, written as infinity so that it equals itself."""


@dataclass(frozen=True)
class Flow:
    """What became of the readings.

    Attributes:
        sent: distinct readings in the spools.
        stored: raw rows.
        lost: spooled readings that are not stored.
        duplicates: raw and derived rows beyond what the spooled readings call for.
    """

    sent: int
    stored: int
    lost: int
    duplicates: int


@dataclass(frozen=True)
class MeterSpan:
    """One meter's derived consumption between its first and its last stored reading.

    Attributes:
        point: the point's code.
        first_ms, last_ms: time stamps of the first and the last reading with a value, ms UTC.
        last_value: the register at the last reading, base unit of the carrier.
        derived: the sum of the derived intervals, base unit of the carrier.
    """

    point: str
    first_ms: int
    last_ms: int
    last_value: float
    derived: float


async def audit_flow(connection: Connection, spooled: Iterable[Reading]) -> Flow:
    """Compare the spooled readings with the tables.

    Raises:
        StorageError: the database cannot be asked.
    """
    sent = {_key(reading.point, reading.at, reading.value) for reading in spooled}
    with translating():
        rows = await connection.fetch(_SQL.stored_readings)
        derived = await connection.fetch(_SQL.derived_intervals)
    stored = [_key(row["point"], row["at"], row["value"]) for row in rows]
    surplus_raw = len(stored) - len(sent.intersection(stored))
    surplus_derived = surplus_intervals(sent, ((row["point"], row["at"]) for row in derived))
    return Flow(len(sent), len(stored), len(sent.difference(stored)), surplus_raw + surplus_derived)


def surplus_intervals(sent: Iterable[Key], derived: Iterable[tuple[str, int]]) -> int:
    """How many derived (point, start) rows lie outside what the readings span, or stand there twice."""
    spans: dict[str, tuple[int, int]] = {}
    for point, at, value in sent:
        if math.isfinite(value):
            first, last = spans.get(point, (at, at))
            spans[point] = (min(first, at), max(last, at))
    rows = list(derived)
    within = {(point, start) for point, start in rows if _touches(start, spans.get(point))}
    return len(rows) - len(within)


async def meter_spans(connection: Connection) -> list[MeterSpan]:
    """What was derived for each point that has readings.

    Raises:
        StorageError: the database cannot be asked.
    """
    with translating():
        rows = await connection.fetch(_SQL.meter_spans)
    return [
        MeterSpan(row["point"], row["first_ms"], row["last_ms"], row["last_value"], float(row["derived"]))
        for row in rows
    ]


async def wrong_totals(connection: Connection) -> int:
    """How many days of units are not the sum of their gate meters' intervals, or not by the factors of the day.

    Raises:
        StorageError: the database cannot be asked.
    """
    with translating():
        return int(await connection.fetchval(_SQL.wrong_totals))


async def corrected(connection: Connection) -> frozenset[str]:
    """Codes of the points of which an edit says by which ratio they showed too much.

    Raises:
        StorageError: the database cannot be asked.
    """
    with translating():
        return frozenset(row["code"] for row in await connection.fetch(_SQL.corrected))


def energy_error(derived: float, truth: float, register_quantum: float) -> float:
    """|derived - truth| / max(truth, 1 000 quanta of the register), all in the carrier's base unit."""
    return abs(derived - truth) / max(truth, 1000 * register_quantum)


def worst_error(
    spans: Collection[MeterSpan], truths: Mapping[str, float], quanta: Mapping[str, float], *, meters: int
) -> float:
    """The largest energy error of any of `meters` meters; infinite where one of them has nothing to show for it."""
    errors = [energy_error(span.derived, truths[span.point], quanta[span.point]) for span in spans]
    return max(errors, default=math.inf) if len(spans) == meters else math.inf


def _touches(start: int, span: tuple[int, int] | None) -> bool:
    return span is not None and span[0] - _QUARTER_MS < start < span[1]


def _key(point: str, at: int, value: float | None) -> Key:
    return (point, at, math.inf if value is None or math.isnan(value) else value)
