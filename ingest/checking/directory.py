"""The registered points, read from the database and kept up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from itertools import islice

from energy.registry.store import PointKey, find_points, registry_version
from energy.services import Control
from energy.storage import Notifications, StorageSettings, check_schema
from ingest import metrics
from ingest.checking.code_index import UNKNOWN
from ingest.checking.loading import load_table
from ingest.checking.look_limit import LookLimit
from ingest.checking.points import PointTable
from ingest.database import KeptConnection
from ingest.stopping import until_stopping

REFRESH_S = 60.0
"""Real seconds after which the registry's version is asked for although nobody said that it changed."""
REST = 4.0
"""After reading it, so many times as long passes until it is read again: whoever registers a million points one by one
does not keep a worker from its work. New points need not wait for that, see `Directory.look_up`."""
MOST_LOOKED_UP = 10_000
"""Most unknown codes that one look asks for."""


class Directory:
    """Holds the present `PointTable`; a service that reads the registry anew when its version grew.

    Args:
        database: where the registry is.
        limit: how often unknown codes may cause a look.
    """

    name = "points"

    def __init__(self, database: StorageSettings, limit: LookLimit) -> None:
        self.table = PointTable.of(())
        self._database = database
        self._reading = KeptConnection(database, metrics.database_failed)
        self._looking = KeptConnection(database, metrics.database_failed)
        self._limit = limit
        self._one_look = asyncio.Lock()

    async def run(self, control: Control) -> None:
        """Check the schema, load, then follow the registry until the stop.

        Raises:
            FatalError: the database does not exist, refuses us, or has another schema.
        """
        try:
            await until_stopping(control, self._follow(control))
        finally:
            await self.close()

    async def look_up(self, codes: Collection[str]) -> bool:
        """Ask for these unknown codes, if that is allowed now; true when there is another table since.

        However large the registry, this is one look into an index: what was just registered need not wait until all is
        read again, and a sender of nonsense costs no more than that.
        """
        before = self.table
        async with self._one_look:  # the connection takes one at a time, and an upload may ask beside the cutter
            if self._limit.allows():
                self._limit.looked()
                asked = list(islice(codes, MOST_LOOKED_UP))
                found = await self._looking.until_done(lambda own: find_points(own, asked))
                self._take(_with(self.table, found))
        return self.table is not before

    async def load(self) -> None:
        """Read the registry again if it changed."""
        before = self.table
        if before.version == await self._reading.until_done(registry_version):
            return
        before.lineups.forget()  # for the memory that two tables need; positions will be others anyway
        table = await self._reading.until_done(load_table)
        since = self.table.found_late(self.table.late.keys() - before.late.keys())
        self._take(_with(table, since))  # what was found while `table` was read is perhaps not in it

    async def close(self) -> None:
        """Drop the connections; the next look makes new ones."""
        await self._reading.close()
        await self._looking.close()

    async def _follow(self, control: Control) -> None:
        await self._reading.until_done(check_schema)
        async with Notifications(self._database, "registry") as changes:
            clock = asyncio.get_running_loop().time
            while True:
                start = clock()
                await self.load()
                control.ready()
                await asyncio.sleep(min(REST * (clock() - start), REFRESH_S))
                await changes.wait(REFRESH_S)

    def _take(self, table: PointTable) -> None:
        if table is not self.table:
            self.table = table
            metrics.points_loaded(len(table))


def _with(table: PointTable, points: Mapping[str, PointKey]) -> PointTable:
    """The table with those of `points` that it does not have."""
    known = table.find(list(points)) != UNKNOWN
    new = {code: key for (code, key), old in zip(points.items(), known.tolist(), strict=True) if not old}
    return table.having(new) if new else table
