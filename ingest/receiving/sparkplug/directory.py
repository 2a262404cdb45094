"""The mapping of metrics to points, read from the database and kept up to date."""

from __future__ import annotations

from collections import defaultdict

from energy.queries import load_queries
from energy.services import Control
from energy.sparkplug.topics import NodeId
from energy.storage import Connection, Notifications, StorageSettings, translating
from energy.wire import Address
from ingest import metrics as ingest_metrics
from ingest.database import KeptConnection
from ingest.receiving.sparkplug import metrics
from ingest.receiving.sparkplug.mapping import Mapped, MappedNode, Target
from ingest.receiving.sparkplug.network import Network
from ingest.stopping import until_stopping

REFRESH_S = 60.0
"""Real seconds after which the mapping is read again although nobody said that it changed."""

_SQL = load_queries("ingest.receiving.sparkplug", "sparkplug.sql")


class MappingDirectory:
    """A service that tells the network which edge nodes and metrics are registered.

    Args:
        database: where the mapping is.
        network: is told.
    """

    name = "sparkplug mapping"

    def __init__(self, database: StorageSettings, network: Network) -> None:
        self._database = database
        self._network = network
        self._connection = KeptConnection(database, ingest_metrics.database_failed)

    async def run(self, control: Control) -> None:
        """Load, then follow the registry until the stop."""
        try:
            await until_stopping(control, self._follow(control))
        finally:
            await self._connection.close()

    async def _follow(self, control: Control) -> None:
        async with Notifications(self._database, "registry") as changes:
            while True:
                mapped = await self._connection.until_done(load_mapping)
                self._network.remap(mapped)
                metrics.mapping_loaded(len(mapped), sum(len(one.targets) for one in mapped.values()))
                control.ready()
                await changes.wait(REFRESH_S)


async def load_mapping(connection: Connection) -> Mapped:
    """All registered edge nodes with their metrics; raises as `energy.storage.translating` says."""
    with translating():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            nodes = await connection.fetch(_SQL.nodes)
            rows = await connection.fetch(_SQL.metrics)
    targets: defaultdict[NodeId, dict[tuple[str, str], Target]] = defaultdict(dict)
    for row in rows:
        node = NodeId(row["group_id"], row["edge_node"])
        targets[node][row["device"], row["metric"]] = Target(row["point"], row["scale"])
    mapped: dict[NodeId, MappedNode] = {}
    for row in nodes:
        node = NodeId(row["group_id"], row["edge_node"])
        own = targets.get(node, {})
        devices = frozenset(device for device, _ in own if device)
        mapped[node] = MappedNode(Address(row["region"], row["gateway"]), own, devices)
    return mapped
