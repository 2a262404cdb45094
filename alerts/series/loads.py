"""The shape of each unit's days, kept in `unit_load_day`: maximum demand, use by kind of hour, night and day.

Demand here is the greatest mean power over the quarter hours of the clock, over all gate meters of purchased
electricity together. Suppliers bill the greatest mean over 15 minutes that slide (滑差), which no sum of quarter hours
can say: it is at least this figure, and at most what two quarter hours that follow each other make together. A quarter
hour counts when all of these meters are measured or estimated in it; what is suspect, substituted or missing says
nothing of demand, but all known energy counts in sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from alerts.time_of_use.model import days_of
from energy.storage import Connection, load_queries, plan_anew

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
DEMAND, HOURS, MONTH_HOURS, BASE = (
    f"{_SQL.dated}\n{query}" for query in (_SQL.demand, _SQL.hours, _SQL.month_hours, _SQL.base)
)
"""Figures of units $2 (null: all) at $1, out of rows of days from $3 to $4."""


async def refresh(connection: Connection, now: datetime, since: date, until: date = date.max) -> int:
    """Make `unit_load_day` say what stands; the number of days that were computed.

    A day is computed again when its total, the unit's zone or time-of-use table differ from what it was computed by, or
    when readings within it were derived anew; a day that is still open, when another quarter hour has ended. So late
    data, edits and new tables find their days by themselves, whoever was away meanwhile, and what has been computed
    already costs one look. The newest days come first.

    Args:
        connection: outside of a transaction, so that each block of days is kept as soon as it is done.
        now: data time; nothing later is looked at.
        since: the first day.
        until: the last day.
    """
    last = min(until, (now + _OFFSET).date())
    await connection.execute(_SQL.void)
    await connection.execute(_SQL.forget, since, last)
    async with connection.transaction():
        await plan_anew(connection)
        rows = [dict(row) for row in await connection.fetch(_SQL.stale, since, last, now)]
    for begin in range(0, len(rows), _BLOCK):
        async with connection.transaction():
            await plan_anew(connection)
            await connection.execute(_KEEP, *_arguments(rows[begin : begin + _BLOCK], now))
    return len(rows)


def _arguments(rows: Sequence[Mapping[str, Any]], now: datetime) -> tuple[object, ...]:
    """What `computed` takes of days that `stale` named."""
    first, last = min(row["day"] for row in rows), max(row["day"] for row in rows)
    return (
        [row["unit_id"] for row in rows],
        [row["day"] for row in rows],
        [days_of(row["day"], row["zone"]) for row in rows],
        [row["table_id"] for row in rows],
        [row["basis"] for row in rows],
        now,
        datetime.combine(first, time(), UTC) - _OFFSET,
        datetime.combine(last, time(), UTC) + timedelta(days=1) + _OFFSET,
    )
