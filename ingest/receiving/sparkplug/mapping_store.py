"""The mapping of metrics to points in the database: written from a file, read back as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from energy.config import Document, FaultCollector
from energy.queries import load_queries
from energy.storage import Connection, translating
from ingest.receiving.sparkplug.mapping_file import (
    Known,
    MappingFile,
    MetricEntry,
    NodeEntry,
    contradictions,
    repetitions,
)  # fmt: skip

_SQL = load_queries("ingest.receiving.sparkplug", "mapping.sql")
_READ = load_queries("ingest.receiving.sparkplug", "sparkplug.sql")


async def store_mapping(connection: Connection, document: Document, *, replacing: bool) -> MappingFile:
    """Write what `document` says: the metrics of its edge nodes are then those of the document, and no other.

    One transaction, notified on the channel `registry`. With `replacing`, edge nodes that it does not name go.

    Raises:
        ConfigError: with every fault of the document, each with its line; nothing is written.
        StorageError and its like: as `energy.storage.translating` says.
    """
    file = document.decode(MappingFile, across=repetitions(document.content))
    with translating():
        async with connection.transaction():
            await connection.execute(_SQL.lock_mapping)
            faults = FaultCollector(document)
            for place, message in contradictions(file, await _known(connection, file), replacing=replacing):
                faults.add(place, message)
            faults.raise_faults(
                "Register gateways and points first; `quotawatt sparkplug export` shows what is mapped."
            )
            await _write(connection, file, replacing=replacing)
    return file


async def stored_mapping(connection: Connection) -> MappingFile:
    """All that is mapped; raises as `energy.storage.translating` says."""
    with translating():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            nodes = await connection.fetch(_READ.nodes)
            rows = await connection.fetch(_READ.metrics)
    metrics: defaultdict[tuple[str, str], list[MetricEntry]] = defaultdict(list)
    for row in rows:
        entry = MetricEntry(
            device=row["device"] or None, metric=row["metric"], point=row["point"], scale=row["scale"]
        )  # fmt: skip
        metrics[row["group_id"], row["edge_node"]].append(entry)
    return MappingFile(
        tuple(
            NodeEntry(
                group=row["group_id"],
                edge_node=row["edge_node"],
                gateway=row["gateway"],
                metrics=tuple(metrics[row["group_id"], row["edge_node"]]),
            )
            for row in nodes
        )
    )


class DeviceState(NamedTuple):
    """An edge node (`device` empty) or device: since when it is online or offline; None where nothing was heard yet."""

    group: str
    edge_node: str
    device: str
    gateway: str
    metrics: int
    is_online: bool | None
    changed_at: datetime | None


async def stored_states(connection: Connection) -> list[DeviceState]:
    """All registered edge nodes and their devices with mapped metrics; raises as `energy.storage.translating` says."""
    with translating():
        return [DeviceState(*row) for row in await connection.fetch(_SQL.states)]


async def _known(connection: Connection, file: MappingFile) -> Known:
    codes = [metric.point for node in file.nodes for metric in node.metrics]
    gateways = await connection.fetch(_SQL.known_gateways, [node.gateway for node in file.nodes])
    points = await connection.fetch(_SQL.known_points, codes)
    return Known(
        gateways=frozenset(row["code"] for row in gateways),
        owners={row["code"]: row["gateway"] for row in points},
        mapped={row["code"]: (row["group_id"], row["edge_node"]) for row in points if row["group_id"] is not None},
    )


async def _write(connection: Connection, file: MappingFile, *, replacing: bool) -> None:
    nodes = [(node.group, node.edge_node, node.gateway) for node in file.nodes]
    metrics = [
        (node.group, node.edge_node, metric.device or "", metric.metric, metric.point, metric.scale)
        for node in file.nodes
        for metric in node.metrics
    ]
    await connection.execute(_SQL.drop_metrics, *_columns(nodes, 3)[:2], replacing)
    if replacing:
        await connection.execute(_SQL.drop_nodes, *_columns(nodes, 3)[:2])
    await connection.execute(_SQL.write_nodes, *_columns(nodes, 3))
    await connection.execute(_SQL.write_metrics, *_columns(metrics, 6))
    await connection.execute(_SQL.drop_states)
    await connection.execute(_SQL.tell_registry)


def _columns(rows: Sequence[tuple[object, ...]], count: int) -> list[list[object]]:
    return [[row[column] for row in rows] for column in range(count)]
