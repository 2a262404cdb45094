"""Which metrics of which edge nodes are which points, and what they show as readings. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from energy.errors import MessageError
from energy.readings import Quality, Reading
from energy.sparkplug.datatypes import number_of
from energy.sparkplug.edge_nodes import Heard, Shown
from energy.sparkplug.topics import NodeId
from energy.wire import Address


class Target(NamedTuple):
    """A point; the metric's number times `scale` is in its unit."""

    point: str
    scale: float


class MappedNode(NamedTuple):
    """A registered edge node.

    Attributes:
        address: the gateway as which it writes.
        targets: the points, by device (empty for its own metrics) and name of the metric.
        devices: those with mapped metrics.
    """

    address: Address
    targets: Mapping[tuple[str, str], Target]
    devices: frozenset[str]


Mapped = Mapping[NodeId, MappedNode]
"""All registered edge nodes."""


class Understood(NamedTuple):
    """What a message says of points.

    Attributes:
        readings: of mapped metrics.
        faults: why a mapped metric gave none.
        unmapped: how many metrics are nobody's points.
    """

    readings: list[Reading]
    faults: list[MessageError]
    unmapped: int


def understand(mapped: MappedNode, heard: Heard) -> Understood:
    """The readings in what a message told."""
    readings: list[Reading] = []
    faults: list[MessageError] = []
    for shown in heard.shown:
        target = mapped.targets.get((shown.device, shown.name))
        if target is None:
            continue
        try:
            readings.append(_reading(shown, target))
        except MessageError as error:
            faults.append(error)
    return Understood(readings, faults, len(heard.shown) - len(readings) - len(faults))


def _reading(shown: Shown, target: Target) -> Reading:
    """Null and bad values are not available; a stale one is the last that there was, and so in doubt."""
    has_value = shown.value is not None and (shown.is_stale or not shown.is_null)
    number = number_of(shown.datatype, shown.value) if has_value else None
    if number is None:
        return Reading(target.point, shown.at, None, Quality.NOT_AVAILABLE)
    value = number * target.scale
    if not math.isfinite(value):
        raise MessageError("range", f"{shown.name}: {number:g} times {target.scale:g} is beyond all numbers")
    return Reading(target.point, shown.at, value, Quality.UNCERTAIN if shown.is_stale else Quality.MEASURED)
