"""What a listener at a plant's MQTT broker is told: the table `[[gateways.listeners]]` with `kind = "mqtt"`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from collector.profiles.value import Factor
from energy.config import Positive
from energy.transport.mqtt_settings import MqttSettings


class ListenerBase(MqttSettings, frozen=True, kw_only=True, tag_field="kind"):
    """What listeners have in common beside where the broker is and who we are there.

    Attributes:
        protocol: "5", or "3.1.1" for brokers that are older.
        max_ahead_s: how much later than now (data time) a sender's time stamp may be; beyond it the value is refused.
        max_age_days: how much earlier it may be, data time; likewise.
        stale_after_s: real seconds without a reading after which a point is reported stale; absent for never.
    """

    protocol: Literal["5", "3.1.1"] = "5"
    max_ahead_s: Positive = 60.0
    max_age_days: Positive = 31.0
    stale_after_s: Positive | None = None


class ValueSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What one number becomes: a reading of a point.

    Attributes:
        point: code under which it is sent; in `{}` it may hold names of levels of the topic.
        path: JMESPath to the number in a JSON message; none for a plain number.
        unit: unit of measure of the number after `scale`; with a carrier, and only then.
        carrier: what it measures; it is converted to the carrier's base unit. Without one it is sent as it is.
        scale: number times this is the value in `unit`.
        not_available: numbers that mean "no value".
    """

    point: str
    path: str = ""
    unit: str = ""
    carrier: str = ""
    scale: Factor = 1.0
    not_available: tuple[float, ...] = ()


class TimeStampSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message says when its values were read.

    Attributes:
        path: JMESPath to it.
        form: "iso8601", "unix_s" or "unix_ms" (since 1970-01-01 UTC).
        zone: for local time that names no zone itself, e.g. "Asia/Shanghai"; only with iso8601.
    """

    path: str
    form: Literal["iso8601", "unix_s", "unix_ms"] = "iso8601"
    zone: str = ""


class TopicSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the messages of some topics mean.

    Attributes:
        topic: a topic, or a pattern: `+` any one level, `{name}` one whose text a point's code may use, `#` the rest.
        format: "json", or "number" for a plain number as text.
        values: the numbers in a message.
        at: where it says when they were read; without it that is when the message came.
        retained: "take" what the broker had kept from earlier, or "ignore" it; by default taken where messages have
            a time stamp of their own, since an old value with a new time would be a lie.
        stale_after_s: real seconds, where not the listener's.
    """

    topic: str
    format: Literal["json", "number"] = "json"
    values: Annotated[tuple[ValueSettings, ...], msgspec.Meta(min_length=1)]
    at: TimeStampSettings | None = None
    retained: Literal["take", "ignore"] | None = None
    stale_after_s: Positive | None = None

    @property
    def takes_retained(self) -> bool:
        """Whether messages are taken that the broker had kept."""
        return self.at is not None if self.retained is None else self.retained == "take"


class MqttListenerSettings(ListenerBase, frozen=True, kw_only=True, tag="mqtt"):
    """One plant broker whose topics are mapped to points.

    Attributes:
        session_expiry_s: how long the broker keeps our session, and with it the messages of QoS 1 that come in while
            we are away; seconds.
        topics: no two of them match the same topic.
    """

    session_expiry_s: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFE)] = 86_400
    topics: Annotated[tuple[TopicSettings, ...], msgspec.Meta(min_length=1)]
