"""The loop of upkeep in an ingest worker: a round now and then."""

from __future__ import annotations

import asyncio

from energy.clocks import ClockSettings, DataClock
from energy.errors import QuotawattError, StorageError
from energy.services import Control
from energy.storage import Connection, StorageSettings, check_schema, connect
from energy.waiting import set_within
from ingest import metrics as ingest_metrics
from ingest.database import KeptConnection
from ingest.stopping import until_stopping
from ingest.upkeep import metrics
from ingest.upkeep.edition import read_edition
from ingest.upkeep.settings import UpkeepSettings
from ingest.upkeep.steps import Round, run_round

_RETRY_S = 60.0
_ROUND_S = 1_800.0
"""Real seconds after which a round is given up: its transactions are short, so a line must have died."""


class Upkeep:
    """A service. Each worker has one, and one at a time works; a round that fails stops nobody.

    Args:
        database: what to keep up.
        clock: data time, from its settings.
        settings: how long things are kept.
    """

    name = "upkeep"

    def __init__(self, database: StorageSettings, clock: ClockSettings, settings: UpkeepSettings) -> None:
        self._database = database
        self._clock = DataClock(clock)
        self._real_time = clock.origin is None
        self._settings = settings

    async def run(self, control: Control) -> None:
        """Look at the database, then keep it up until the stop.

        Raises:
            FatalError: it does not exist, refuses us, or has another schema.
        """
        await until_stopping(control, self._keep_up(control))

    async def _keep_up(self, control: Control) -> None:
        connection = KeptConnection(self._database, ingest_metrics.database_failed)
        try:
            await connection.until_done(_look_at)
        finally:
            await connection.close()
        control.ready()
        while not control.stopping.is_set():
            whole = await self._round()
            await set_within(control.stopping, self._settings.every_s if whole else _RETRY_S)

    async def _round(self) -> bool:
        """Whether a round went to its end; rights or locks that are missing must not stop ingest."""
        try:
            metrics.round_done(await self._work())
        except QuotawattError as error:
            metrics.round_failed(error)
            return False
        return True

    async def _work(self) -> Round:
        """One round on a connection of its own: it may take longer than an answer may that ingest waits for."""
        try:
            async with asyncio.timeout(_ROUND_S), connect(self._database) as connection:
                return await run_round(connection, self._clock.now(), self._settings, real_time=self._real_time)
        except TimeoutError as error:
            raise StorageError(f"a round of upkeep was given up after {_ROUND_S:g} s") from error


async def _look_at(connection: Connection) -> None:
    await check_schema(connection)
    metrics.edition_found(await read_edition(connection))
