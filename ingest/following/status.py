"""What the gateways say of themselves, kept in the database at a bounded rate."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from energy.clocks import DataClock
from energy.errors import StorageError, WireError
from energy.queries import load_queries
from energy.services import Control
from energy.storage import Connection, StorageSettings, translating
from energy.waiting import set_within
from energy.wire import Address, Status, decode_status, parse_topic
from ingest import metrics
from ingest.database import KeptConnection

_SQL = load_queries("ingest.following", "following.sql")

WRITE_EVERY_S = 1.0
"""Real seconds between two writes: a gateway that comes and goes costs no more than one row a second."""


class StatusFollower:
    """Remembers the last status of each gateway and writes it down now and then; a service.

    Args:
        database: where to.
        clock: data time, for a last will, which cannot know when it will be sent.
    """

    name = "statuses"

    def __init__(self, database: StorageSettings, clock: DataClock) -> None:
        self._connection = KeptConnection(database, metrics.database_failed)
        self._clock = clock
        self._pending: dict[Address, tuple[Status, int]] = {}

    def note(self, topic: str, payload: bytes) -> None:
        """Remember a status message; one that cannot be read is counted and forgotten."""
        try:
            address, _ = parse_topic(topic)
            status = decode_status(payload)
        except WireError as error:
            metrics.status_unreadable(topic, error)
            return
        metrics.status_received()
        self._pending[address] = (status, self._clock.now_ms())

    async def run(self, control: Control) -> None:
        """Write at a steady pace until the stop, and once more then."""
        control.ready()
        try:
            while not control.stopping.is_set():
                await set_within(control.stopping, WRITE_EVERY_S)
                await self._write_pending()
        finally:
            await self._connection.close()

    async def _write_pending(self) -> None:
        """Write what is new; what cannot be written now stays pending unless something newer came."""
        pending, self._pending = self._pending, {}
        if not pending:
            return
        rows = [_row(address, status, now_ms) for address, (status, now_ms) in sorted(pending.items())]
        try:
            await self._connection.once(lambda connection: _write(connection, rows))
        except StorageError as error:
            metrics.database_failed(error)
            self._pending = pending | self._pending


async def _write(connection: Connection, rows: list[tuple[object, ...]]) -> None:
    """In the order of the gateways, so that two workers take their locks in one order."""
    with translating():
        await connection.executemany(_SQL.follow_status, rows)


def _row(address: Address, status: Status, now_ms: int) -> tuple[object, ...]:
    at = now_ms if status.at is None else status.at
    return (
        address.gateway,
        address.region,
        status.online,
        status.stream,
        status.kept_from,
        status.last_seq,
        msgspec.json.encode(status.dropped).decode(),
        datetime.fromtimestamp(at / 1000, UTC),
    )
