"""What is done beside the evaluations of quotas, which must not wait for it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import ClassVar

import structlog

from alerts import metrics
from alerts.settings import AlertsSettings
from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import StorageError
from energy.logs import Availability
from energy.services import Control
from energy.storage import Connection, check_schema, connect, load_queries, translating
from energy.waiting import set_within

_SQL = load_queries("alerts.evaluation", "evaluation.sql")


class BesideService(ABC):
    """Leads or stands by, on a connection of its own, which holds its lock; a step each minute or so.

    Args:
        settings: of the alerts service.
        clock: data time.

    Attributes:
        name: of the service.
        lock: the advisory lock of the one instance that does it.
    """

    name: ClassVar[str]
    lock: ClassVar[int]

    def __init__(self, settings: AlertsSettings, clock: DataClock) -> None:
        self._settings = settings
        self._clock = clock
        self._stopping = asyncio.Event()
        self._database = Availability(structlog.get_logger("alerts"), "database")
        self._backoff = Backoff(first=0.2, most=10)

    @abstractmethod
    def begin(self) -> None:
        """Another instance may have done it until now: nothing that is remembered holds."""

    @abstractmethod
    async def step(self, connection: Connection) -> int:
        """One step; how much was done. A connection outside of a transaction is needed.

        Raises as `energy.storage.translating` says; what was done before the error is kept.
        """

    async def run(self, control: Control) -> None:
        """Serve until told to stop; a database that is away is waited for."""
        self._stopping = control.stopping
        control.ready()
        while not self._stopping.is_set():
            try:
                async with connect(self._settings.database) as connection:
                    await check_schema(connection)
                    self._database.back()
                    self._backoff.reset()
                    await self._keep(connection)
            except StorageError as error:
                metrics.database_failed()
                self._database.lost(error)
                await set_within(self._stopping, self._backoff.next())

    async def _keep(self, connection: Connection) -> None:
        leads = False
        self.begin()
        while not self._stopping.is_set():
            with translating():
                leads = leads or bool(await connection.fetchval(_SQL.lead, self.lock))
            if leads:
                await self.step(connection)
            await set_within(self._stopping, self._settings.full_interval_s if leads else self._settings.standby_s)
