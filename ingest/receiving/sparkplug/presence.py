"""Which edge nodes and devices are online, kept in the database at a bounded rate.

Metrics of an edge node or device that is offline are stale: view `sparkplug_point_state`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from energy.errors import StorageError
from energy.queries import load_queries
from energy.services import Control
from energy.sparkplug.edge_nodes import NODE
from energy.sparkplug.topics import NodeId
from energy.storage import Connection, StorageSettings, translating
from energy.waiting import set_within
from energy.wire.messages import LATEST_MS
from ingest import metrics
from ingest.database import KeptConnection

_SQL = load_queries("ingest.receiving.sparkplug", "sparkplug.sql")

WRITE_EVERY_S = 0.5
"""Real seconds between two writes: an edge node that comes and goes costs no more than two rows a second."""


class _State(NamedTuple):
    is_online: bool
    at_ms: int


class Presence:
    """Remembers births and deaths and writes them down now and then; a service.

    Args:
        database: where to.
    """

    name = "sparkplug presence"

    def __init__(self, database: StorageSettings) -> None:
        self._connection = KeptConnection(database, metrics.database_failed)
        self._pending: dict[tuple[NodeId, str], _State] = {}
        self._dead: dict[NodeId, int] = {}

    def note(self, node: NodeId, device: str, *, is_online: bool, at_ms: int) -> None:
        """Remember a birth or death at data time `at_ms`; the death of an edge node (`NODE`) is that of its devices."""
        state = _State(is_online, min(at_ms, LATEST_MS))
        if device == NODE and not is_online:
            self._dead[node] = state.at_ms
            for known in [key for key in self._pending if key[0] == node]:
                del self._pending[known]
        self._pending[node, device] = state

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
        dead, self._dead = self._dead, {}
        if not pending:
            return
        try:
            await self._connection.once(lambda connection: _write(connection, dead, pending))
        except StorageError as error:
            metrics.database_failed(error)
            self._pending = {key: state for key, state in pending.items() if key[0] not in self._dead} | self._pending
            self._dead = dead | self._dead


async def _write(
    connection: Connection, dead: dict[NodeId, int], pending: dict[tuple[NodeId, str], _State]
) -> None:  # fmt: skip
    """First the deaths of whole edge nodes, then what each said since."""
    with translating():
        async with connection.transaction():
            for node, at_ms in sorted(dead.items()):
                await connection.execute(_SQL.devices_died, *node, _time(at_ms))
            rows = [(*node, device, state.is_online, _time(state.at_ms)) for (node, device), state in pending.items()]
            await connection.executemany(_SQL.follow_state, sorted(rows))


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
