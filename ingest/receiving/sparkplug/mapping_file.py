"""The mapping of metrics to points as a file: what it may say, and what in it cannot be. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from energy.config import dotted
from energy.registry.model import Code, GatewayCode
from energy.toml_lines import Path as Place
from energy.toml_tables import Found, Table, tables, text_of
from ingest.receiving.sparkplug.settings import Name


class MetricEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A metric that is a point.

    Attributes:
        device: of the edge node; absent for its own metrics.
        metric: its name in the births.
        point: code of the point.
        scale: the metric's number times this is in the point's unit.
    """

    device: Name | None = None
    metric: Annotated[str, msgspec.Meta(min_length=1)]
    point: Code
    scale: float = 1.0

    def __post_init__(self) -> None:
        """A scale of 0 would make every value 0."""
        if self.scale == 0 or self.scale != self.scale or abs(self.scale) == float("inf"):
            raise ValueError(f"scale is {self.scale}, expected a finite number other than 0")


class NodeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An edge node, with all its metrics that are points; `gateway` is the one as which it writes."""

    group: Name
    edge_node: Name
    gateway: GatewayCode
    metrics: tuple[MetricEntry, ...] = ()


class MappingFile(msgspec.Struct, frozen=True):
    """A mapping, or a part of one."""

    nodes: tuple[NodeEntry, ...] = ()


def repetitions(document: Table) -> Found:
    """What stands twice in a raw document and may not, as (place, message)."""
    nodes: dict[str, Place] = {}
    points: dict[str, Place] = {}
    for at, node in tables((), document, "nodes"):
        group, edge_node = text_of(node, "group"), text_of(node, "edge_node")
        if group is not None and edge_node is not None:
            yield from _second(nodes, f"{group}/{edge_node}", (*at, "edge_node"))
        metrics: dict[str, Place] = {}
        for place, metric in tables(at, node, "metrics"):
            if (name := text_of(metric, "metric")) is not None:
                yield from _second(metrics, f"{text_of(metric, 'device') or ''}/{name}", (*place, "metric"))
            if point := text_of(metric, "point"):
                yield from _second(points, point, (*place, "point"))


class Known(msgspec.Struct, frozen=True):
    """What the registry knows of what a file names.

    Attributes:
        gateways: the registered ones.
        owners: registered points, with their gateways.
        mapped: points that are mapped already, with group and edge node.
    """

    gateways: frozenset[str]
    owners: Mapping[str, str]
    mapped: Mapping[str, tuple[str, str]]


def contradictions(file: MappingFile, known: Known, *, replacing: bool) -> Iterator[tuple[Place, str]]:
    """Where a file does not fit the registry, as (place, message); `replacing`: edge nodes that it leaves out go."""
    own = {(node.group, node.edge_node) for node in file.nodes}
    for number, node in enumerate(file.nodes):
        if node.gateway not in known.gateways:
            yield ("nodes", number, "gateway"), f"{node.gateway!r} is not registered"
        for index, metric in enumerate(node.metrics):
            place: Place = ("nodes", number, "metrics", index, "point")
            owner, mapped = known.owners.get(metric.point), known.mapped.get(metric.point)
            if owner is None:
                yield place, f"{metric.point!r} is not registered"
            elif owner != node.gateway:
                yield place, f"{metric.point!r} belongs to gateway {owner}, not {node.gateway}"
            if mapped is not None and mapped not in own and not replacing:
                yield place, f"{metric.point!r} is a metric of {'/'.join(mapped)} already"


def written(file: MappingFile) -> str:
    """A file that says the same."""
    lines: list[str] = []
    for node in file.nodes:
        lines += ["[[nodes]]", *_pairs(node, ("group", "edge_node", "gateway")), ""]
        for metric in node.metrics:
            lines += ["[[nodes.metrics]]", *_pairs(metric, ("device", "metric", "point"))]
            lines += [*([f"scale = {metric.scale!r}"] if metric.scale != 1 else ()), ""]
    return "\n".join(lines)


def _pairs(struct: msgspec.Struct, keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        if (text := getattr(struct, key)) is not None:
            # A text of JSON is one of TOML, but for this one character.
            yield f"{key} = {json.dumps(text, ensure_ascii=False)}".replace("\x7f", "\\u007f")


def _second(seen: dict[str, Place], key: str, place: Place) -> Iterator[tuple[Place, str]]:
    first = seen.setdefault(key, place)
    if first != place:
        yield place, f"{key.removeprefix('/')} stands here a second time (first: {dotted(first)})"
