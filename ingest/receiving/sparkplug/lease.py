"""Who of several workers is the host: the one that holds an advisory lock in the database.

The lock belongs to a connection, so that a killed worker loses it at once. While the database cannot be asked, the
last answer stands: the broker lets only one client of the host's name be connected, so that two hosts at once cannot
be even then.
"""

from __future__ import annotations

import asyncio

from energy.errors import StorageError
from energy.queries import load_queries
from energy.storage import Connection, StorageSettings, translating
from ingest.database import KeptConnection
from ingest.receiving.sparkplug import metrics

ASK_EVERY_S = 1.0
"""Real seconds between two attempts: so long after a host's death another one takes its place."""

_SQL = load_queries("ingest.receiving.sparkplug", "sparkplug.sql")


class Lease:
    """The right to be the host.

    Args:
        database: where the lock is.
        host_id: of the host.
    """

    def __init__(self, database: StorageSettings, host_id: str) -> None:
        self._connection = KeptConnection(database, metrics.lease_unknown)
        self._host_id = host_id
        self._locked: Connection | None = None
        self._held = asyncio.Event()
        self._lost = asyncio.Event()
        self._lost.set()

    async def held(self) -> None:
        """Wait until this worker may be the host."""
        await self._held.wait()

    async def lost(self) -> None:
        """Wait until another worker is the host."""
        await self._lost.wait()

    async def keep(self) -> None:
        """Ask again and again; give the right back at the end.

        Raises:
            FatalError: as `energy.storage.translating` says.
        """
        try:
            while True:
                try:
                    self._note(is_ours=await self._connection.once(self._ask))
                except StorageError as error:
                    metrics.lease_unknown(error)
                await asyncio.sleep(ASK_EVERY_S)
        finally:
            await self._connection.close()

    async def _ask(self, connection: Connection) -> bool:
        """On the connection that holds the lock a sign of life is enough; the lock is taken once."""
        with translating():
            if self._locked is connection:
                await connection.execute("select 1")
                return True
            is_ours = bool(await connection.fetchval(_SQL.try_lease, self._host_id))
        self._locked = connection if is_ours else None
        return is_ours

    def _note(self, *, is_ours: bool) -> None:
        reached, left = (self._held, self._lost) if is_ours else (self._lost, self._held)
        left.clear()
        reached.set()
