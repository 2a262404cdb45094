"""The shape of each unit's days, kept in `unit_load_day`: maximum demand, use by kind of hour, night and day.

Demand here is the greatest mean power over the quarter hours of the clock, over all gate meters of purchased
electricity together. Suppliers bill the greatest mean over 15 minutes that slide (滑差), which no sum of quarter hours
can say: it is at least this figure, and at most what two quarter hours that follow each other make together. A quarter
hour counts when all of these meters are measured or estimated in it; what is suspect, substituted or missing says
nothing of demand, but all known energy counts in sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from alerts.time_of_use.model import days_of
from energy.storage import Connection, load_queries

_SQL = load_queries("alerts.series", "loads.sql")
_OFFSET = timedelta(hours=15)
"""No zone is further from UTC."""
_BLOCK = 2_000
"""Days that are computed in one statement, about 200 000 quarter hours: nobody waits for more."""

_KEEP = f"""
insert into unit_load_day as old {_SQL.computed}
on conflict (unit_id, day) do update set
    (day_class, table_id, basis, until, latest_kw, demand_kw, demand_at, due, known, sound, kwh, night_kw, work_kw,
     sharp_peak_kwh, peak_kwh, flat_kwh, valley_kwh, deep_valley_kwh, forbidden_kwh)
    = (excluded.day_class, excluded.table_id, excluded.basis, excluded.until, excluded.latest_kw, excluded.demand_kw,
       excluded.demand_at, excluded.due, excluded.known, excluded.sound, excluded.kwh, excluded.night_kw,
       excluded.work_kw, excluded.sharp_peak_kwh, excluded.peak_kwh, excluded.flat_kwh, excluded.valley_kwh,
       excluded.deep_valley_kwh, excluded.forbidden_kwh)
where old.* is distinct from excluded.*
"""
_LOADS = f"""
with at_once as ({_SQL.computed}),
loads as (
    select * from unit_load_day where day between $9 and $10 and (until is null or until <= $6)
    union all
    select * from at_once
),
"""  # noqa: S608 - queries of ours
"""`loads`: the rows of unit_load_day from $9 to $10 as they were at $6; those that know more come out of `Keys`."""
DEMAND, HOURS, MONTH_HOURS, BASE, MAXIMA = (
    f"{_LOADS}{_SQL.dated}\n{query}" for query in (_SQL.demand, _SQL.hours, _SQL.month_hours, _SQL.base, _SQL.maxima)
)
"""Figures of units $11 (null: all) at $6; the other arguments are those of `known_at`."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Days of units that are to be computed, as arrays of the same length, and the time that they all lie in."""

    units: list[int]
    days: list[date]
    classes: list[str]
    tables: list[int]
    bases: list[int]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> Keys:
        """Of rows with unit_id, day, zone, table_id and basis."""
        return cls(
            [row["unit_id"] for row in rows],
            [row["day"] for row in rows],
            [days_of(row["day"], row["zone"]) for row in rows],
            [row["table_id"] for row in rows],
            [row["basis"] for row in rows],
        )

    def arguments(self, now: datetime) -> tuple[object, ...]:
        """What `computed` takes."""
        first, last = min(self.days, default=date.min), max(self.days, default=date.min)
        since = datetime.combine(first, time(), UTC) - _OFFSET if self.days else now
        until = datetime.combine(last, time(), UTC) + timedelta(days=1) + _OFFSET if self.days else now
        return (self.units, self.days, self.classes, self.tables, self.bases, now, since, until)


async def refresh(
    connection: Connection,
    now: datetime,
    since: date,
    *,
    units: Sequence[int] | None = None,
    touched: Mapping[int, date] | None = None,
) -> int:
    """Make `unit_load_day` say what stands; the number of days that were computed.

    A day is computed again when its total, the unit's zone or time-of-use table differ from what it was computed by; a
    day that is still open, when another quarter hour has ended. So late data, edits and new tables find their days by
    themselves, whoever was away meanwhile. Meant to run beside evaluations, each minute or so, with `since` two days
    back, and 35 days back at the start and now and then: what has been computed already costs one look.

    Args:
        connection: outside of a transaction, so that each block of days is kept as soon as it is done.
        now: data time; nothing later is looked at.
        since: the first day.
        units: ids; None for all.
        touched: units with a day: from that day on they are computed again in any case, as where readings within a
            quarter hour's border changed its course and no total.
    """
    last = (now + _OFFSET).date()
    given = None if units is None else list(units)
    forced = touched or {}
    await connection.execute(_SQL.forget, since, last, given)
    found = await connection.fetch(_SQL.stale, since, last, given, now, list(forced), list(forced.values()))
    rows = [dict(row) for row in found]
    for begin in range(0, len(rows), _BLOCK):
        await connection.execute(_KEEP, *Keys.of(rows[begin : begin + _BLOCK]).arguments(now))
    return len(rows)


async def known_at(
    connection: Connection, now: datetime, units: Sequence[int] | None, first: date, last: date
) -> tuple[object, ...]:
    """The arguments $1 to $10 of a query that begins with `_LOADS`.

    In a live system no row knows more than `now`, and nothing is computed; to a back-test the days that were open
    then are computed as they were.
    """
    rows = await connection.fetch(_SQL.open_at, now, None if units is None else list(units))
    return (*Keys.of([dict(row) for row in rows]).arguments(now), first, last)
