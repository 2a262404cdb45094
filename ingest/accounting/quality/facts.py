"""Reads what a unit's month is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from energy.errors import RejectedError
from energy.periods import FIRST_DAY, day_start, local_day, statistics_days
from energy.queries import load_queries
from energy.storage import Connection, translating
from energy.working_days import DayClass, day_kind
from ingest.accounting.quality.evaluation import PointFacts, Replacement, Statement, UnitMonth
from ingest.accounting.quality.rules import QualityRules

_SQL = load_queries("ingest.accounting.quality", "quality.sql")
_DAY = timedelta(days=1)
_WORKED = frozenset({DayClass.WORKING, DayClass.MADE_UP})
_LOOK = timedelta(days=62)
"""How far from a month's border the nearest reading is looked for, and how far back the last one."""


@dataclass(frozen=True, slots=True)
class JudgedUnit:
    """A unit whose data is judged; its days are those of `zone` (IANA), statistics months begin on `statistics_day`."""

    unit_id: int
    code: str
    name_zh: str
    name_en: str
    district: str
    zone: str
    statistics_day: int


async def units(connection: Connection, codes: Sequence[str] | None = None, district: str = "") -> list[JudgedUnit]:
    """The units with these `codes` (None: all) whose district begins with `district`, by code."""
    with translating():
        rows = await connection.fetch(_SQL.units, list(codes) if codes is not None else None, district)
    return [JudgedUnit(*row) for row in rows]


async def read_month(  # noqa: PLR0913 - which month, of whom, seen when and by which rules
    connection: Connection,
    unit: JudgedUnit,
    month: date,
    now: datetime,
    rules: QualityRules,
    *,
    statistics: bool = False,
) -> UnitMonth:
    """What is known of `unit` in the month that the day `month`, a first one, names; an open one is judged up to `now`.

    Args:
        connection: to the database.
        unit: whose data it is.
        month: the calendar month's first day.
        now: data time.
        rules: how close readings must stand to borders.
        statistics: the unit's statistics month of that name instead of the calendar's.

    Raises:
        RejectedError: the month has not begun.
        StorageError and its like: as `energy.storage.translating` says.
    """
    first, following = statistics_days(month, unit.statistics_day if statistics else FIRST_DAY)
    start, end = day_start(first, unit.zone), day_start(following, unit.zone)
    if now <= start:
        raise RejectedError(f"{month:%Y-%m} has not begun: its first day is {first}")
    since, until = start, min(end, now)
    last_day = following - _DAY
    borders = [day_start(day, unit.zone) for day in _days(first + _DAY, following)]
    due_borders = [border for border in borders if border + timedelta(seconds=rules.day_border_s) <= now]
    month_borders = [border for border in (since, end) if border <= now]
    with translating():
        rows = await connection.fetch(_SQL.points, unit.unit_id, since, until)
        near = timedelta(seconds=rules.day_border_s)
        close = await connection.fetch(_SQL.day_borders, unit.unit_id, due_borders, near)
        nearest = await connection.fetch(_SQL.month_borders, unit.unit_id, month_borders, _LOOK)
        silences = await connection.fetch(_SQL.silences, unit.unit_id, since, until, until - _LOOK)
        stated = await connection.fetch(_SQL.statements, unit.unit_id, first, last_day)
        replaced = await connection.fetch(_SQL.replacements, unit.unit_id, since, until)
    in_time: dict[str, int] = {row["point"]: row["in_time"] for row in close}
    # Nothing near a border that was reached is as far away as was looked: it fails, and is not left out.
    away: dict[str, float] = {row["point"]: _beyond(row["away"]) for row in nearest}
    silent: dict[str, int] = {}
    for point, began, ended in silences:
        silent[point] = max(silent.get(point, 0), working_days_within(began, ended, unit.zone))
    return UnitMonth(
        unit.code,
        f"{month:%Y-%m}",
        tuple(
            PointFacts(
                point=row["point"],
                carrier=row["carrier"],
                gate=row["gate"],
                due_s=round((until - since).total_seconds()),
                measured_s=row["measured_s"],
                trusted_s=row["trusted_s"],
                days=len(due_borders) if row["gate"] else 0,
                days_in_time=in_time.get(row["point"], 0),
                month_border_s=away.get(row["point"]),
                silent_working_days=silent.get(row["point"]),
            )
            for row in rows
        ),
        tuple(Statement(row["carrier"], row["stated"], row["days"], row["unit"]) for row in stated),
        tuple(
            Replacement(row["point"], working_days_within(row["happened"], row["recorded"], unit.zone))
            for row in replaced
        ),
    )


def _beyond(away: float | None) -> float:
    return _LOOK.total_seconds() if away is None else away


def working_days_within(since: datetime, until: datetime, zone: str) -> int:
    """How many working days of `zone` lie whole between two instants."""
    first = local_day(since, zone)
    first = first if day_start(first, zone) >= since else first + _DAY
    return sum(day_kind(day, zone).class_ in _WORKED for day in _days(first, local_day(until, zone) - _DAY))


def _days(first: date, last: date) -> list[date]:
    return [first + n * _DAY for n in range((last - first).days + 1)]
