"""What listeners at plant brokers count, and say once per transition; `kind` is mqtt or sparkplug."""

from __future__ import annotations

from collections.abc import Collection

import prometheus_client
import structlog

from collector.drivers.mqtt.complaints import Ended

_log = structlog.get_logger("collector")

_MOST_NAMED = 20
"""Points that one line of the log names."""

_MESSAGES = prometheus_client.Counter(
    "quotawatt_collector_heard_messages_total", "Messages taken from plant brokers.", ["gateway", "kind"]
)
_READINGS = prometheus_client.Counter(
    "quotawatt_collector_heard_readings_total", "Readings in them, by quality.", ["gateway", "kind", "quality"]
)
_REPEATS = prometheus_client.Counter(
    "quotawatt_collector_heard_repeats_total", "Readings that came again, left out.", ["gateway", "kind"]
)
_REFUSED = prometheus_client.Counter(
    "quotawatt_collector_heard_refusals_total", "Messages and values refused.", ["gateway", "kind", "reason"]
)
_DISCARDED = prometheus_client.Counter(
    "quotawatt_collector_heard_discarded_total", "Messages of QoS 0 that came too fast.", ["gateway", "kind"]
)
_STALE = prometheus_client.Gauge(
    "quotawatt_collector_stale_points", "Points that were silent for too long or are dead.", ["gateway", "kind"]
)
_CONNECTED = prometheus_client.Gauge(
    "quotawatt_collector_listener_connected", "1 while the plant's broker is connected.", ["gateway", "broker"]
)
_REBIRTHS = prometheus_client.Counter(
    "quotawatt_collector_sparkplug_rebirths_total", "Births that Sparkplug edge nodes were asked for.", ["gateway"]
)


def message_taken(gateway: str, kind: str) -> None:
    """A message came in."""
    _MESSAGES.labels(gateway, kind).inc()


def reading_taken(gateway: str, kind: str, quality: int) -> None:
    """It held a reading that is new."""
    _READINGS.labels(gateway, kind, str(int(quality))).inc()


def repeated(gateway: str, kind: str) -> None:
    """It held a reading that came before."""
    _REPEATS.labels(gateway, kind).inc()


def refused(gateway: str, kind: str, reason: str) -> None:
    """A message or a value in it was refused; the log tells when that begins and ends."""
    _REFUSED.labels(gateway, kind, reason).inc()


def complaint_began(gateway: str, source: str, error: Exception, reason: str) -> None:
    """Refusals of a source begin."""
    _log.warning("messages_refused", gateway=gateway, source=source, reason=reason, detail=str(error))


def complaint_ended(gateway: str, ended: Ended) -> None:
    """Refusals of a source are over."""
    fields = {"count": ended.count, "lasted_seconds": round(ended.seconds, 3)}
    _log.info("messages_refused_no_more", gateway=gateway, source=ended.source, reason=ended.reason, **fields)


def discarded(gateway: str, kind: str, count: int = 1) -> None:
    """Messages of QoS 0 came faster than the disk takes them."""
    _DISCARDED.labels(gateway, kind).inc(count)


def points_stale(gateway: str, kind: str, points: Collection[str], reason: str) -> None:
    """Points have become stale."""
    _STALE.labels(gateway, kind).inc(len(points))
    _log.warning("points_stale", gateway=gateway, reason=reason, count=len(points), points=_named(points))


def points_fresh(gateway: str, kind: str, points: Collection[str]) -> None:
    """Points that were stale gave a reading."""
    _STALE.labels(gateway, kind).dec(len(points))
    _log.info("points_fresh", gateway=gateway, count=len(points), points=_named(points))


def points_forgotten(gateway: str, kind: str, count: int) -> None:
    """A listener ends; its stale points are nobody's any more."""
    _STALE.labels(gateway, kind).dec(count)


def connected(gateway: str, broker: str, *, is_up: bool) -> None:
    """The plant's broker was reached or lost."""
    _CONNECTED.labels(gateway, broker).set(is_up)


def rebirth_asked(gateway: str) -> None:
    """An edge node was asked for its births."""
    _REBIRTHS.labels(gateway).inc()


def _named(points: Collection[str]) -> list[str]:
    return sorted(points)[:_MOST_NAMED]
