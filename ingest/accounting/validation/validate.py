"""Points x local days: read, judged, written. Findings are a function of what is read, so twice is the same as once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import numpy as np

from energy.periods import PeriodKind, day_start, period_of
from energy.storage import Connection, load_queries, translating
from ingest.accounting.validation.checks.standstill import zero_runs
from ingest.accounting.validation.checks.usage import Unusual, Usage, high_or_low
from ingest.accounting.validation.day import Finding
from ingest.accounting.validation.judge import judge
from ingest.accounting.validation.loading import Checks
from ingest.accounting.validation.parameters import Severity
from ingest.accounting.validation.reading import read_before, read_children, read_day
from ingest.accounting.validation.registry import Judged, judged_points
from ingest.accounting.validation.writing import Written, write

_SQL = load_queries("ingest.accounting.validation", "reading.sql")

PORTION = 3000
"""Most points that are asked for at once: bounds memory."""
_WHOLE_DAY_S = 77_760
"""Seconds of a day that count as all of it: 90 %, the completeness that the national rules ask for."""


@dataclass(frozen=True, slots=True)
class Validated:
    """What was judged, and how many findings stand or changed."""

    point_days: int = 0
    standing: int = 0
    changed: int = 0

    def __add__(self, other: Validated) -> Validated:
        """Both together."""
        return Validated(
            self.point_days + other.point_days, self.standing + other.standing, self.changed + other.changed
        )


async def validate(connection: Connection, points: Sequence[int], days: Collection[date], checks: Checks) -> Validated:
    """Find anew what the checks say of `points` on the local `days` of their units, and of the months of these days.

    Other points of the same meters, and of the meters above, are judged with them: what is read of one bears on all.
    Intervals are never altered. Belongs into a transaction. Raises as `energy.storage.translating` says.
    """
    done = Validated()
    with translating():
        for portion in _portions(points):
            for judged in await judged_points(connection, portion, checks):
                for day in sorted(days):
                    done += await _judge_day(connection, judged, day)
                for month in sorted({day.replace(day=1) for day in days}):
                    done += _counted(await _judge_month(connection, judged, month), 0)
    return done


async def _judge_day(connection: Connection, judged: Judged, date_: date) -> Validated:
    day = await read_day(connection, judged, date_)
    if not day.own(day.present).any() and not day.present[:, : day.context].any():
        return _counted(await write(connection, judged.points, date_, ()), 0)
    zeros = zero_runs(day)
    before = await read_before(connection, judged, day, zeros)
    children = await read_children(connection, judged, day)
    written = await write(connection, judged.points, date_, judge(day, zeros, before, children))
    return _counted(written, len(judged.points))


async def _judge_month(connection: Connection, judged: Judged, month: date) -> Written:
    """High and low use of the month so far; its findings belong to the month's first day."""
    starts = [month, _earlier(month, 1), _earlier(month, 12)]
    beyond = [_later(start) for start in starts]
    rows = await connection.fetch(_SQL.usage, judged.points.id.tolist(), starts, beyond, _WHOLE_DAY_S)
    usage = Usage(np.zeros((3, len(judged.points)), np.int64), np.zeros((3, len(judged.points))))
    last: dict[int, date] = {}
    for row in rows:
        at = (row["period"] - 1, row["number"])
        usage.days[at] = row["days"]
        usage.amount[at] = row["quanta"] * judged.points.quantum[row["number"]]
        if row["period"] == 1:
            last[row["number"]] = row["last"]
    since = _ms(day_start(month, judged.zone))
    found = (
        _finding(one, usage, since, _ms(day_start(last[one.point] + timedelta(days=1), judged.zone)))
        for one in high_or_low(judged.points, usage)
    )
    return await write(connection, judged.points, month, found, of_month=True)


def _finding(one: Unusual, usage: Usage, since: int, until: int) -> Finding:
    detail = {
        "average": float(f"{one.average:.9g}"),
        "usual": float(f"{one.usual:.9g}"),
        "against": one.against,
        "days": int(usage.days[0][one.point]),
    }
    return Finding(one.point, "high_low", since, until, Severity.WARNING, detail)


def _portions(points: Sequence[int]) -> Iterator[list[int]]:
    rest = iter(points)
    while portion := list(islice(rest, PORTION)):
        yield portion


def _counted(written: Written, point_days: int) -> Validated:
    return Validated(point_days, written.standing, written.changed)


def _earlier(month: date, months: int) -> date:
    year, number = divmod(month.year * 12 + month.month - 1 - months, 12)
    return date(year, number + 1, 1)


def _later(month: date) -> date:
    noon = datetime(month.year, month.month, 1, 12, tzinfo=UTC)
    return period_of(period_of(noon, PeriodKind.MONTH, "UTC").end, PeriodKind.MONTH, "UTC").first_day


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
