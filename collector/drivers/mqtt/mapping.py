"""From a message of a plant's broker to what its values say. Pure: the time of arrival is an argument.

mapping = TopicMapping(settings.topics)
taken = mapping.take(topic, payload, retained=False, arrived_ms=clock.now_ms())
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from collector.drivers.mqtt.json_path import JsonPath
from collector.drivers.mqtt.quantities import conversion_of, convert, number_of
from collector.drivers.mqtt.settings import TimeStampSettings, TopicSettings, ValueSettings
from collector.drivers.mqtt.time_stamps import Parse, time_parser
from collector.drivers.mqtt.topics import PointTemplate, TopicPattern
from collector.errors import MappingError
from energy.errors import MessageError
from energy.readings import Quality, Reading

MOST_BYTES = 262_144
"""A longer message is not looked into: no meter has so much to say."""


class Value(NamedTuple):
    """What a message says of one point, not yet checked against the clock.

    Attributes:
        reading: with the sender's time, or that of the arrival.
        stamped: whether the time is the sender's.
        live: whether it has just been sent; what the broker kept from earlier does not show that the sender lives.
        stale_after_s: real seconds after which the point is stale; None for never.
    """

    reading: Reading
    stamped: bool
    live: bool
    stale_after_s: float | None


class Taken(NamedTuple):
    """What a message gave: values, and what of it made no sense. One bad value costs no other.

    Attributes:
        source: the pattern, or the device, that it came under.
        values: likewise.
        faults: likewise.
    """

    source: str
    values: list[Value]
    faults: list[MessageError]


class TopicMapping:
    """All topics of one listener.

    Args:
        topics: their tables; raises RejectedError where one cannot work (`checks.faults` names each).
        stale_after_s: where a topic has none of its own.
    """

    def __init__(self, topics: Sequence[TopicSettings], stale_after_s: float | None = None) -> None:
        self._topics = [_Topic(one, one.stale_after_s or stale_after_s) for one in topics]
        self._exact = {one.pattern.text: one for one in self._topics if one.pattern.is_exact}
        self._patterns = [one for one in self._topics if not one.pattern.is_exact]

    @property
    def subscriptions(self) -> list[tuple[str, int]]:
        """Filters with the quality of service to ask for.

        Where messages have no time stamp of their own that is 0: one that waited at the broker would be taken for new.
        """
        return [(one.pattern.filter, 1 if one.stamped else 0) for one in self._topics]

    @property
    def expected(self) -> dict[str, float]:
        """Points that are known before a message came, and after how many real seconds they are stale."""
        return {
            point: topic.stale_after_s
            for topic in self._topics
            if topic.stale_after_s is not None
            for point in topic.fixed_points
        }

    def take(self, topic: str, payload: bytes, *, retained: bool, arrived_ms: int) -> Taken:
        """What a message says.

        Args:
            topic: where it was published.
            payload: as it was published.
            retained: whether the broker had kept it from earlier.
            arrived_ms: data time of its arrival, ms UTC.
        """
        found = self._find(topic)
        if found is None:
            return Taken(topic, [], [MessageError("topic", f"topic {topic!r} is not mapped to a point")])
        mapped, levels = found
        faults: list[MessageError] = []
        try:
            values = mapped.values(payload, levels, retained, arrived_ms, faults.append)
        except MessageError as error:
            return Taken(mapped.pattern.text, [], [error])
        return Taken(mapped.pattern.text, values, faults)

    def _find(self, topic: str) -> tuple[_Topic, dict[str, str]] | None:
        if (exact := self._exact.get(topic)) is not None:
            return exact, {}
        for one in self._patterns:
            if (levels := one.pattern.match(topic)) is not None:
                return one, levels
        return None


class _Topic:
    """One table of topics, compiled."""

    def __init__(self, settings: TopicSettings, stale_after_s: float | None) -> None:
        self.pattern = TopicPattern(settings.topic)
        self.stale_after_s = stale_after_s
        self._is_json = settings.format == "json"
        self._takes_retained = settings.takes_retained
        self._at = _Time(settings.at) if settings.at else None
        self._values = [_Value(one, self.pattern.names) for one in settings.values]

    @property
    def stamped(self) -> bool:
        return self._at is not None

    @property
    def fixed_points(self) -> list[str]:
        return [one.template.fill({}) for one in self._values if one.template.is_fixed]

    def values(
        self,
        payload: bytes,
        levels: dict[str, str],
        retained: bool,  # noqa: FBT001 - as the broker says
        arrived_ms: int,
        report: Callable[[MessageError], None],
    ) -> list[Value]:
        if retained and not self._takes_retained:
            raise MessageError("retained", "kept by the broker from earlier")
        document = _document(payload, is_json=self._is_json)
        at, doubtful = self._at.of(document, arrived_ms) if self._at else (arrived_ms, False)
        quality = Quality.UNCERTAIN if doubtful else Quality.MEASURED
        found: list[Value] = []
        absent = 0
        for one in self._values:
            try:
                reading = one.reading(document, levels, at, quality)
            except MessageError as error:
                report(error)
                continue
            if reading is None:
                absent += 1
            else:
                found.append(Value(reading, self.stamped, not retained, self.stale_after_s))
        if absent == len(self._values):
            raise MessageError("absent", "none of the values is in the message")
        return found


class _Time:
    """Where a message has its time stamp."""

    def __init__(self, settings: TimeStampSettings) -> None:
        self._path = JsonPath(settings.path)
        self._parse: Parse = time_parser(settings)

    def of(self, document: Any, arrived_ms: int) -> tuple[int, bool]:
        return self._parse(self._path.find(document), arrived_ms)


class _Value:
    """One table of values, compiled."""

    def __init__(self, settings: ValueSettings, names: frozenset[str]) -> None:
        self.template = PointTemplate(settings.point, names)
        self._path = JsonPath(settings.path) if settings.path else None
        self._conversion = conversion_of(settings.unit, settings.carrier, settings.scale)
        self._not_available = settings.not_available

    def reading(self, document: Any, levels: dict[str, str], at: int, quality: Quality) -> Reading | None:
        """None where the message does not speak of this value."""
        shown = self._path.find(document) if self._path else document
        if shown is None:
            return None
        number = number_of(shown)
        try:
            point = self.template.fill(levels)
        except MappingError as error:
            raise MessageError("point", str(error)) from error
        if number is None or number in self._not_available:
            return Reading(point, at, None, Quality.NOT_AVAILABLE)
        return Reading(point, at, convert(number, self._conversion), quality)


def _document(payload: bytes, *, is_json: bool) -> Any:
    if len(payload) > MOST_BYTES:
        raise MessageError("size", f"{len(payload)} bytes, more than {MOST_BYTES}")
    if is_json:
        # A message may nest as deeply as it likes; that is no reason to end.
        with contextlib.suppress(msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return msgspec.json.decode(payload)
        raise MessageError("json", f"no JSON: {payload[:60]!r}")
    try:
        return payload.decode("ascii")
    except UnicodeDecodeError as error:
        raise MessageError("number", f"no number: {payload[:60]!r}") from error
