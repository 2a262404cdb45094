"""Which edge nodes and devices are online, kept in the database at a bounded rate.

Metrics of an edge node or device that is offline are stale: view `sparkplug_point_state`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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


@dataclass
class _Noted:
    """What is to be written, in this order: that all is forgotten, edge nodes that died, what each said since."""

    forgotten_ms: int | None = None
    dead: dict[NodeId, int] = field(default_factory=dict)
    said: dict[NodeId, dict[str, _State]] = field(default_factory=dict)

    def followed_by(self, later: _Noted) -> _Noted:
        """This and what was noted later, as one."""
        if later.forgotten_ms is not None:
            return later
        said = self.said | {
            node: states if node in later.dead else self.said.get(node, {}) | states
            for node, states in later.said.items()
        }
        return _Noted(self.forgotten_ms, self.dead | later.dead, said)


class Presence:
    """Remembers births and deaths and writes them down now and then; a service.

    Args:
        database: where to.
    """

    name = "sparkplug presence"

    def __init__(self, database: StorageSettings) -> None:
        self._connection = KeptConnection(database, metrics.database_failed)
        self._noted = _Noted()

    def forget(self, at_ms: int) -> None:
        """From data time `at_ms` on nobody is known to be online: deaths may have been missed."""
        self._noted = _Noted(at_ms)

    def note(self, node: NodeId, device: str, *, is_online: bool, at_ms: int) -> None:
        """Remember a birth or death at data time `at_ms`; the death of an edge node (`NODE`) is that of its devices."""
        state = _State(is_online, min(at_ms, LATEST_MS))
        if device == NODE and not is_online:
            self._noted.dead[node] = state.at_ms
            self._noted.said[node] = {}
        self._noted.said.setdefault(node, {})[device] = state

    async def run(self, control: Control) -> None:
        """Write at a steady pace until the stop, and once more then."""
        control.ready()
        try:
            while not control.stopping.is_set():
                await set_within(control.stopping, WRITE_EVERY_S)
                await self._write_noted()
        finally:
            await self._connection.close()

    async def _write_noted(self) -> None:
        """Write what is new; what cannot be written now stays unless something newer came."""
        noted, self._noted = self._noted, _Noted()
        if not noted.said and noted.forgotten_ms is None:
            return
        try:
            await self._connection.once(lambda connection: _write(connection, noted))
        except StorageError as error:
            metrics.database_failed(error)
            self._noted = noted.followed_by(self._noted)


async def _write(connection: Connection, noted: _Noted) -> None:
    with translating():
        async with connection.transaction():
            if noted.forgotten_ms is not None:
                await connection.execute(_SQL.forget_states, _time(noted.forgotten_ms))
            for node, at_ms in sorted(noted.dead.items()):
                await connection.execute(_SQL.devices_died, *node, _time(at_ms))
            rows = [
                (*node, device, state.is_online, _time(state.at_ms))
                for node, states in sorted(noted.said.items())
                for device, state in sorted(states.items())
            ]
            await connection.executemany(_SQL.follow_state, rows)


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
