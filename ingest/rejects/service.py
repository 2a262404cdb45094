"""The loop that keeps the bounds of `rejects`."""

from __future__ import annotations

from energy.clocks import DataClock
from energy.errors import QuotawattError
from energy.services import Control
from energy.storage import Connection, StorageSettings
from energy.waiting import set_within
from ingest import metrics as ingest_metrics
from ingest.database import KeptConnection
from ingest.rejects import metrics
from ingest.rejects.bounds import Removed, Remover
from ingest.rejects.settings import RejectSettings
from ingest.stopping import until_stopping

EVERY_S = 10.0
"""Real seconds between two looks. What a flood adds in that time is how far the bound of size may be overrun: at 40 000
refused readings a second 200 MB, and about as much again until what was removed is vacuumed."""


class RejectBounds:
    """A service. Each worker has one, and one at a time works.

    Args:
        database: where the rejects are.
        clock: data time.
        settings: the bounds.
    """

    name = "rejects"

    def __init__(self, database: StorageSettings, clock: DataClock, settings: RejectSettings) -> None:
        self._connection = KeptConnection(database, ingest_metrics.database_failed)
        self._clock = clock
        self._remover = Remover(settings)

    async def run(self, control: Control) -> None:
        """Keep the bounds until the stop; a database that is away is waited for."""
        control.ready()
        try:
            await until_stopping(control, self._keep(control))
        finally:
            await self._connection.close()

    async def _keep(self, control: Control) -> None:
        while not control.stopping.is_set():
            await set_within(control.stopping, EVERY_S)
            try:
                removed, on_disk = await self._connection.once(self._round)
            except QuotawattError as error:  # rights that are missing must not stop ingest either
                metrics.round_failed(error)
            else:
                metrics.round_done(removed, on_disk)

    async def _round(self, connection: Connection) -> tuple[Removed, int]:
        return await self._remover.enforce(connection, self._clock.now())
