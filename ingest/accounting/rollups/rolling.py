"""Rolls up marked days of a block of points: hours from quarter hours, days from hours, months from days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from energy.periods import PeriodKind
from energy.storage import Connection, load_queries
from ingest.accounting.rollups.calendars import Month, Run, hours, months, quarter_hours, runs
from ingest.accounting.rollups.marks import BLOCK
from ingest.accounting.rollups.periods import Groups, Periods
from ingest.accounting.rollups.rows import DAYS, HOURS, QUARTER_HOURS, Table, judged, months_of, read, write
from ingest.accounting.rollups.sums import Sums, difference, joined, summed

_SQL = load_queries("ingest.accounting.rollups", "rolling.sql")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Block:
    """The points of a block, and their units' calendars.

    Attributes:
        points: the first id, and the one beyond the last.
        zones: names of the zones.
        by_zone: each point's zone.
        by_month: each point's statistics month, by the day on which it begins; none where that is the calendar's.
    """

    points: tuple[int, int]
    zones: list[str]
    by_zone: Groups
    by_month: Groups


async def roll(connection: Connection, block: int, changed: Iterable[date]) -> int:
    """Roll up the UTC days `changed` of `block`, and all days and months that they are part of.

    One transaction, given, which holds the lock of the block. What it writes follows from `consumption_15min` and the
    registry alone. Returns how many rows that changed. Raises as `energy.storage.translating` says.
    """
    found = await _block(connection, (block * BLOCK, (block + 1) * BLOCK))
    if not found.zones:
        return 0
    return sum([await _roll_run(connection, found, run) for run in runs(changed)])


async def _block(connection: Connection, points: tuple[int, int]) -> _Block:
    rows = await connection.fetch(_SQL.calendars, *points)
    zones = sorted({row["zone"] for row in rows})
    point, zone, begins = (
        np.array(column, np.int64)
        for column in (
            [row["point_id"] for row in rows],
            [zones.index(row["zone"]) for row in rows],
            [row["statistics_day"] for row in rows],
        )
    )
    return _Block(points, zones, Groups(point, zone), Groups(point, np.where(begins > 1, begins, -1)))


async def _roll_run(connection: Connection, block: _Block, run: Run) -> int:
    of_hours = Periods([[(_number(q), _number(h)) for q, h in quarter_hours(run, zone)] for zone in block.zones])
    members = [list(hours(run, zone)) for zone in block.zones]
    of_days = Periods([[(_number(hour), _day(day)) for hour, day in pairs] for pairs in members])
    parts = await _read(connection, QUARTER_HOURS, block, of_hours)
    parts = await judged(connection, parts, block.points, _span(of_hours))
    before = await _read(connection, HOURS, block, of_days)
    changed, parts = await _replace(connection, HOURS, (block.by_zone, of_hours), parts, before)
    spans = months({day for pairs in members for _, day in pairs}, set(block.by_month.number.tolist()) - {-1})
    bounds = min(one.since for one in spans), max(one.until for one in spans)
    before = await read(connection, DAYS, block.points, *bounds)
    more, parts = await _replace(connection, DAYS, (block.by_zone, of_days), parts, before)
    return changed + more + await _roll_months(connection, block, spans, parts)


async def _roll_months(connection: Connection, block: _Block, spans: Sequence[Month], parts: Sums) -> int:
    changed = 0
    everyone = Groups(block.by_month.point, np.zeros(len(block.by_month.point), np.int64))
    for kind, groups in ((PeriodKind.MONTH, everyone), (PeriodKind.STATISTICS_MONTH, block.by_month)):
        own = [one for one in spans if one.kind is kind]
        if not own:
            continue
        members: list[list[tuple[int, int]]] = [[] for _ in range(max(one.begins for one in own) + 1)]
        for one in own:
            members[one.begins] += [(day, _day(one.name)) for day in range(_day(one.since), _day(one.until))]
        table = months_of(kind)
        names = min(one.name for one in own), max(one.name for one in own) + timedelta(days=1)
        before = await read(connection, table, block.points, *names)
        changed += (await _replace(connection, table, (groups, Periods(members)), parts, before))[0]
    return changed


async def _read(connection: Connection, table: Table, block: _Block, periods: Periods) -> Sums:
    """The rows that are members of `periods`, and others in between."""
    return await read(connection, table, block.points, *_span(periods))


def _span(periods: Periods) -> tuple[datetime, datetime]:
    return _EPOCH + _SECOND * periods.since, _EPOCH + _SECOND * periods.beyond


async def _replace(
    connection: Connection, table: Table, calendar: tuple[Groups, Periods], parts: Sums, before: Sums
) -> tuple[int, Sums]:
    """Write the sums of `parts` by period in place of those of `before` that are such periods.

    Returns how many rows that changed, and `before` as it is then.
    """
    groups, periods = calendar
    within, period = periods.of(groups, parts)
    after = summed(parts.chosen(within), period)
    replaced = periods.hold(groups, before)
    found = difference(before.chosen(replaced), after)
    await write(connection, table, found)
    return len(found), joined([before.chosen(~replaced), after])


def _number(at: datetime) -> int:
    return (at - _EPOCH) // _SECOND


def _day(day: date) -> int:
    return day.toordinal() - _EPOCH.toordinal()
