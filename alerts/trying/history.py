"""The database as it stood at a moment, for the live engine's own queries.

    history = await History.open(connection)
    await history.move(moment)
    …  # whatever reads `unit_day`, `consumption_15min` … on this connection sees what was known at `moment`

Temporary views take the names of the tables, and PostgreSQL looks there first: no query is written twice, so that a
back-test cannot judge otherwise than the engine does. What an evaluation writes goes into temporary tables likewise:
the real ones are not touched, and all of it is gone with the connection.

What is supposed: that readings came when they were made, and entries and edits when their days were over. What came
late, or was mended, is in the figures from the beginning. Factors and quotas are those that stand today for those days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from energy.storage import Connection, load_queries, translating

_SQL = load_queries("alerts.trying", "history.sql")
_OF_UNITS = (_SQL.unit_since, _SQL.hours, _SQL.days, _SQL.months, _SQL.carriers)
_OF_POINTS = (_SQL.point_hours, _SQL.point_days, _SQL.point_months)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Quotas and units by their ids."""

    quotas: tuple[int, ...]
    units: tuple[int, ...]

    @classmethod
    async def of_quotas(cls, connection: Connection, quotas: Sequence[int]) -> Chosen:
        """These quotas, and all units that count for them."""
        with translating():
            rows = await connection.fetch(_SQL.units_of_quotas, list(quotas))
        return cls(tuple(quotas), tuple(row["unit_id"] for row in rows))

    @classmethod
    async def of_units(cls, connection: Connection, units: Sequence[int]) -> Chosen:
        """These units, and their own quotas."""
        with translating():
            rows = await connection.fetch(_SQL.quotas_of_units, list(units))
        return cls(tuple(row["quota_id"] for row in rows), tuple(units))


class History:
    """A connection on which time can be moved; made by `open`."""

    def __init__(self, connection: Connection, *, points: bool) -> None:
        self._connection = connection
        self._points = points

    @classmethod
    async def open(cls, connection: Connection, chosen: Chosen | None = None, *, points: bool = True) -> History:
        """Shadow the tables on a connection that serves nothing else.

        Args:
            connection: of its own, not of a pool: what is temporary lasts as long as it does.
            chosen: only these quotas and units are there; None for all.
            points: hours, days and months of every point too, which rules about meters read.

        Raises:
            StorageError, …: as `energy.storage.translating` says; a read-only standby takes no temporary tables.
        """
        with translating():
            views = await connection.fetch(_SQL.views)
            for row in await connection.fetch(_SQL.stores):
                await connection.execute(_copy(row["name"]))
            if chosen is not None:
                await connection.execute(_copy("unit"))
                await connection.execute(_SQL.chosen_units, list(chosen.units))
                await connection.execute(_copy("quota"))
                await connection.execute(_SQL.chosen_quotas, list(chosen.quotas))
            await connection.execute(_SQL.shadows)
            for row in views:
                await connection.execute(f'create temp view "{row["name"]}" as {row["text"]}')
            await connection.execute(_SQL.after_views)
        return cls(connection, points=points)

    async def move(self, moment: datetime) -> None:
        """Show what was known at `moment`.

        Raises:
            StorageError, …: likewise.
        """
        with translating():
            async with self._connection.transaction():
                await self._connection.execute(_SQL.set_as_of, moment)
                await self._connection.execute(_SQL.forget)
                await self._connection.execute(_SQL.point_since, self._points)
                for query in (*_OF_UNITS, *(_OF_POINTS if self._points else ())):
                    await self._connection.execute(query)


def _copy(table: str) -> str:
    """An empty temporary table like a real one."""
    return f'create temp table "{table}" (like public."{table}" including all)'
