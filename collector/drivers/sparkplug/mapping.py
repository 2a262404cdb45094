"""From what metrics show to what is said of points. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from collector.drivers.mqtt.mapping import Taken, Value
from collector.drivers.mqtt.quantities import conversion_of, convert
from collector.drivers.sparkplug.settings import SparkplugListenerSettings
from collector.profiles.conversion import Conversion
from energy.errors import MessageError
from energy.readings import Quality, Reading
from energy.sparkplug.datatypes import number_of
from energy.sparkplug.edge_nodes import NODE, Heard, Shown
from energy.sparkplug.topics import NodeId


class _Target(NamedTuple):
    point: str
    conversion: Conversion
    not_available: tuple[float, ...]
    stale_after_s: float | None


class MetricMapping:
    """All metrics of one listener.

    Args:
        settings: the tables; raises RejectedError where one cannot work (`checks.faults` names each).

    Attributes:
        nodes: the edge nodes that they belong to.
    """

    def __init__(self, settings: SparkplugListenerSettings) -> None:
        self._targets: dict[tuple[NodeId, str, str], _Target] = {}
        for one in settings.metrics:
            node = NodeId(one.group or settings.group, one.edge_node)
            conversion = conversion_of(one.unit, one.carrier, one.scale)
            stale_after_s = one.stale_after_s or settings.stale_after_s
            target = _Target(one.point, conversion, one.not_available, stale_after_s)
            self._targets[node, one.device or NODE, one.metric] = target
        self.nodes = list(dict.fromkeys(node for node, _, _ in self._targets))

    @property
    def expected(self) -> dict[str, float]:
        """The points that can be stale, and after how many real seconds they are."""
        return {one.point: one.stale_after_s for one in self._targets.values() if one.stale_after_s is not None}

    def points(self, node: NodeId, device: str) -> Iterator[str]:
        """The points of a device, or of an edge node with all its devices where that is `NODE`."""
        for (whose, of, _), target in self._targets.items():
            if whose == node and device in (NODE, of):
                yield target.point

    def take(self, node: NodeId, heard: Heard) -> Taken:
        """What a message says of points."""
        values: list[Value] = []
        faults = list(heard.faults)
        for shown in heard.shown:
            target = self._targets.get((node, shown.device, shown.name))
            if target is None:
                continue
            try:
                values.append(Value(_reading(shown, target), True, shown.live, target.stale_after_s))
            except MessageError as error:
                faults.append(error)
        return Taken(str(node), values, faults)


def _reading(shown: Shown, target: _Target) -> Reading:
    number = None if shown.is_null else number_of(shown.datatype, shown.value)
    if number is None or number in target.not_available:
        return Reading(target.point, shown.at, None, Quality.NOT_AVAILABLE)
    return Reading(target.point, shown.at, convert(number, target.conversion))
