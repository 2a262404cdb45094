"""Unit totals after something changed; every call is part of the transaction that changed it, or that takes its mark.

What is written depends on consumption, registry, entries and factors as they stand, never on what stood in totals
before: in whatever order changes come, the same rows result. Rows that stay the same are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from energy.storage import Connection, load_queries

_SQL = load_queries("ingest.accounting.totals", "totals.sql")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_OFFSET = timedelta(hours=15)
"""No zone is further from UTC: bounds of days in UTC are widened by it."""

Key = tuple[int, str, date]
"""Unit, carrier and day."""


@dataclass(frozen=True, slots=True)
class UnitMarks:
    """Days of units that were marked without consumption having changed.

    Attributes:
        units: ids; a unit may stand there more than once.
        since, until: first and last day; `date.min` and `date.max` for no bound.
        registry: ids of units whose points or calendar changed: all of theirs is computed again, hours too.
    """

    units: list[int]
    since: list[date]
    until: list[date]
    registry: list[int]


async def refresh(
    connection: Connection, points: Sequence[int], since: Sequence[datetime], until: Sequence[datetime]
) -> None:
    """Compute again what the consumption of `points`, each in its [since, until), has a part in.

    Points that count in no balance are passed over. Their units must be locked against other refreshes.
    """
    if points:
        await _write_hours(connection, points, since, until)
        touched = await _keys(connection, _SQL.touched_days, points, since, until, min(until))
        kept = await _kept_days(connection)
        await _write(connection, touched, lambda day: day > kept)


async def take_unit_marks(connection: Connection, units: Sequence[int]) -> UnitMarks:
    """Take the marks of `units` away; what they say is to be refreshed in the same transaction."""
    rows = await connection.fetch(_SQL.take_marks, units)
    days = [row for row in rows if not row["hours"]]
    return UnitMarks(
        units=[row["unit_id"] for row in days],
        since=[row["since"] for row in days],
        until=[row["until"] for row in days],
        registry=sorted({row["unit_id"] for row in rows if row["hours"]}),
    )


async def refresh_marked(connection: Connection, marks: UnitMarks) -> None:
    """Compute again what `marks` say."""
    if marks.registry:
        await _refresh_units(connection, marks.registry)
    await refresh_days(connection, marks.units, marks.since, marks.until)


async def refresh_days(
    connection: Connection, units: Sequence[int], since_days: Sequence[date], until_days: Sequence[date]
) -> None:
    """Compute again the days of `units` from `since_days` to `until_days`, both included; hours stay as they are.

    Where a day lies between two stock takings all days between them follow, after the last one all that come.
    """
    if units:
        marked = await _keys(connection, _SQL.marked_days, units, since_days, until_days)
        await _write(connection, marked, lambda _: False)


async def _refresh_units(connection: Connection, units: Sequence[int]) -> None:
    """Compute everything of `units` again, as far back as quarter hours are kept; before, what was metered stays."""
    await connection.execute(_SQL.drop_hours, units, await _dropped(connection, "consumption_15min"))
    await connection.execute(_SQL.drop_months, units)
    stretches = await connection.fetch(_SQL.metered_stretches, units)
    if stretches:
        points, since, until = ([row[name] for row in stretches] for name in ("point_id", "since", "until"))
        await _write_hours(connection, points, since, until)
    metered = await _keys(connection, _SQL.metered_days, units)
    always = [[day] * len(units) for day in (date.min, date.max)]
    standing = await _keys(connection, _SQL.marked_days, units, *always)
    kept = await _kept_days(connection)
    await _write(connection, sorted({*metered, *standing}), lambda day: day > kept)


async def _write_hours(
    connection: Connection, points: Sequence[int], since: Sequence[datetime], until: Sequence[datetime]
) -> None:
    dropped = await _dropped(connection, "consumption_15min")
    await connection.execute(_SQL.write_hours, points, since, until, min(since) - _HOUR, max(until) + _HOUR, dropped)


async def _kept_days(connection: Connection) -> date:
    """The last day of which hours may have been dropped: what was metered until then stays as it stands."""
    dropped = await _dropped(connection, "unit_hour")
    return date.min if dropped is None else (dropped + _OFFSET).date()


async def _dropped(connection: Connection, relation: str) -> datetime | None:
    found: datetime | None = await connection.fetchval(_SQL.dropped_until, relation)
    return found


async def _write(connection: Connection, keys: Sequence[Key], metered: Callable[[date], bool]) -> None:
    """Write the days of `keys` and the months that they lie in; what was metered is summed anew where `metered`."""
    if not keys:
        return
    units, carriers, days = map(list, zip(*keys, strict=True))
    first, last = (datetime.combine(day, time(), UTC) for day in (min(days), max(days)))
    bounds = (first - _OFFSET, last + _DAY + _OFFSET)
    await connection.execute(_SQL.write_days, units, carriers, days, list(map(metered, days)), *bounds)
    await connection.execute(_SQL.write_months, units, carriers, days)


async def _keys(connection: Connection, query: str, *parameters: object) -> list[Key]:
    return [(row["unit_id"], row["carrier"], row["day"]) for row in await connection.fetch(query, *parameters)]
