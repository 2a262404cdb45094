"""The registered points, read from the database and kept up to date."""

from __future__ import annotations

import asyncio

from energy.registry.store import load_points
from energy.services import Control
from energy.storage import Connection, Notifications, StorageSettings, check_schema
from ingest import metrics
from ingest.checking.points import PointTable, ReloadLimit
from ingest.database import KeptConnection
from ingest.stopping import until_stopping

REFRESH_S = 60.0
"""Real seconds after which the registry is read again although nobody said that it changed."""


class Directory:
    """Holds the present `PointTable`; a service that reads it anew when the registry changes.

    Args:
        database: where the registry is.
        limit: how often unknown codes may cause a reload.
    """

    name = "points"

    def __init__(self, database: StorageSettings, limit: ReloadLimit) -> None:
        self.table = PointTable.of(())
        self._database = database
        self._connection = KeptConnection(database, metrics.database_failed)
        self._limit = limit
        self._one_at_a_time = asyncio.Lock()

    async def run(self, control: Control) -> None:
        """Check the schema, load, then follow the registry until the stop.

        Raises:
            FatalError: the database does not exist, refuses us, or has another schema.
        """
        try:
            await until_stopping(control, self._follow(control))
        finally:
            await self._connection.close()

    async def refresh(self) -> bool:
        """Read the registry again because of an unknown code, if that is allowed now; true when it was read."""
        if not self._limit.allows():
            return False
        await self._load()
        return True

    async def _follow(self, control: Control) -> None:
        await self._connection.until_done(check_schema)
        async with Notifications(self._database, "registry") as changes:
            while True:
                await self._load()
                control.ready()
                await changes.wait(REFRESH_S)

    async def _load(self) -> None:
        async with self._one_at_a_time:
            self.table = await self._connection.until_done(_read)
            self._limit.reloaded()
            metrics.points_loaded(len(self.table))


async def _read(connection: Connection) -> PointTable:
    points = await load_points(connection)
    return PointTable.of((code, key.point_id, key.gateway) for code, key in points.items())
