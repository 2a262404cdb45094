"""A writer on a real database, apart from everything that receives: for tests of what the database does to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from energy.channel import Channel
from energy.errors import StorageError
from energy.readings import Reading
from energy.storage import StorageSettings
from ingest.checking.batch import Batch
from ingest.database import KeptConnection
from ingest.writing.store import Outcome, Store
from ingest.writing.writer import Writer
from tests.support.ingest_world import START_MS, batch_of, message

START = datetime.fromtimestamp(START_MS / 1000, UTC)
STORE = Store("worker-1", lambda: datetime(2026, 3, 1, tzinfo=UTC))


class WritingWorld:
    """A writer with one connection.

    Attributes:
        settings: its database.
        failures: what it waited out.
    """

    def __init__(self, settings: StorageSettings) -> None:
        self.settings = settings
        self.failures: list[StorageError] = []
        self.connection = KeptConnection(settings, self.failures.append)
        self._writer = Writer([self.connection], STORE, Channel(1), Channel(1))

    @property
    def states(self) -> list[str]:
        """The SQLSTATEs of what it waited out, where the server gave one."""
        return [found for failure in self.failures for found in re.findall(r"SQLSTATE (\w{5})", str(failure))]

    async def write(self, batch: Batch) -> Outcome:
        """Commit a batch, however long that takes; its counts."""
        return (await self._writer.write(self.connection, batch))[1]


def batch_at(*at: int, value: float = 1.0) -> Batch:
    """A batch of one message with readings of point 11, so many ms after the start."""
    return of([Reading("A-1", START_MS + one, value) for one in at])


def of(readings: Sequence[Reading]) -> Batch:
    """A batch of one message."""
    return batch_of(message(readings))
