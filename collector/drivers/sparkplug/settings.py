"""What a listener in a Sparkplug B network is told: the table `[[gateways.listeners]]` with `kind = "sparkplug"`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from collector.drivers.mqtt.settings import ListenerBase
from collector.drivers.settings import PointCode
from collector.profiles.value import Factor
from energy.config import Positive

Name = Annotated[str, msgspec.Meta(pattern=r"^[^/+#]+\Z", description="a name without / + and #")]
"""The id of a group, an edge node or a device: one level of a topic."""


class MetricSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What one metric becomes: a reading of a point.

    Attributes:
        group: of the edge node, where not the listener's.
        edge_node: whose metric it is.
        device: of the edge node; absent for its own metrics.
        metric: its name in the births.
        point: code under which it is sent.
        unit: unit of measure of the number after `scale`; with a carrier, and only then.
        carrier: what it measures; it is converted to the carrier's base unit. Without one it is sent as it is.
        scale: number times this is the value in `unit`.
        not_available: numbers that mean "no value", beside null and NaN.
        stale_after_s: real seconds, where not the listener's.
    """

    group: Name | None = None
    edge_node: Name
    device: Name | None = None
    metric: str
    point: PointCode
    unit: str = ""
    carrier: str = ""
    scale: Factor = 1.0
    not_available: tuple[float, ...] = ()
    stale_after_s: Positive | None = None


class SparkplugListenerSettings(ListenerBase, frozen=True, kw_only=True, tag="sparkplug"):
    """One plant broker with a Sparkplug B network.

    Attributes:
        group: of all edge nodes that name none.
        rebirth_interval_s: real seconds between two requests for births to one edge node; it grows up to ten minutes
            as long as they do not help.
        metrics: those that are sent; all others are passed over.
    """

    group: Name
    rebirth_interval_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 10.0
    metrics: Annotated[tuple[MetricSettings, ...], msgspec.Meta(min_length=1)]
