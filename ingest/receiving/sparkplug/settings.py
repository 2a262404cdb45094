"""The `[sparkplug]` table: a host application beside the subscription to envelopes."""

from __future__ import annotations

from typing import Annotated

import msgspec

from energy.config import NotNegative
from energy.transport.mqtt import MqttSettings

Name = Annotated[str, msgspec.Meta(pattern=r"^[^/+#\0]+\Z", description="a name without / + and #")]
"""The id of a host, a group, an edge node or a device: one level of a topic."""


class SparkplugSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The `[sparkplug]` table. Of all workers with one `host_id` only one is the host at a time.

    Attributes:
        host_id: by which edge nodes know this host application; unique among all hosts at the broker.
        groups: the groups that are subscribed to; empty for all.
        mqtt: the broker, where it is not that of the file's `[mqtt]`; `client_id` is not used.
        reorder_timeout_s: real seconds for which a message that came too early waits for those before it.
        rebirth_interval_s: real seconds between two requests for births to one edge node; it grows up to ten minutes
            as long as they do not help.
        window: readings taken in and not committed yet, above which the host goes offline until a quarter is left.
    """

    host_id: Name
    groups: tuple[Name, ...] = ()
    mqtt: MqttSettings | None = None
    reorder_timeout_s: NotNegative = 2.0
    rebirth_interval_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 10.0
    window: Annotated[int, msgspec.Meta(ge=100, le=10_000_000)] = 200_000
