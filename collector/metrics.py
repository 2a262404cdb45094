"""What the collector counts, and says once per transition; the only module here that imports prometheus_client."""

from __future__ import annotations

from collections.abc import Iterable

import prometheus_client
import structlog

from collector.uplink.refusals import Began, Ended
from energy.wire import Refusal

_log = structlog.get_logger("collector")

_MOST_DETAIL = 160
"""Characters that the contract allows for a refusal's detail."""

_READINGS = prometheus_client.Counter(
    "quotawatt_collector_readings_total", "Readings taken from meters, by quality.", ["gateway", "quality"]
)
_FAILED_READS = prometheus_client.Counter(
    "quotawatt_collector_failed_reads_total", "Reads that gave no value, by what went wrong.", ["gateway", "reason"]
)
_RESTING = prometheus_client.Counter(
    "quotawatt_collector_resting_reads_total", "Reads left out because the meter or line is backing off.", ["gateway"]
)
_SKIPPED_POLLS = prometheus_client.Counter(
    "quotawatt_collector_skipped_polls_total", "Polls left out because the one before took too long.", ["gateway"]
)
_UNSPOOLED = prometheus_client.Counter(
    "quotawatt_collector_unspooled_readings_total", "Readings lost because the disk refused them.", ["gateway"]
)
_SENT = prometheus_client.Counter(
    "quotawatt_collector_envelopes_sent_total", "Envelopes handed to the broker.", ["gateway", "attempt"]
)
_CONFIRMED = prometheus_client.Counter(
    "quotawatt_collector_envelopes_confirmed_total", "Envelopes that ingest confirmed.", ["gateway"]
)
_REFUSED = prometheus_client.Counter(
    "quotawatt_collector_refusals_total", "What ingest refused, by reason.", ["gateway", "code"]
)
_UNREADABLE = prometheus_client.Counter(
    "quotawatt_collector_unreadable_messages_total", "Messages to us that break the contract.", ["gateway", "kind"]
)
_ONLINE = prometheus_client.Gauge("quotawatt_collector_online", "1 while the broker is connected.", ["gateway"])


def reading_taken(gateway: str, quality: int) -> None:
    """A meter gave a reading, with or without a value."""
    _READINGS.labels(gateway, str(int(quality))).inc()


def read_failed(gateway: str, reason: str) -> None:
    """A read gave nothing; `reason` is the name of the error's class."""
    _FAILED_READS.labels(gateway, reason).inc()


def read_rested(gateway: str, count: int = 1) -> None:
    """Reads were left out to give a silent meter or a lost line time."""
    _RESTING.labels(gateway).inc(count)


def polls_skipped(gateway: str, count: int) -> None:
    """Ticks passed while a poll was still running."""
    _SKIPPED_POLLS.labels(gateway).inc(count)
    _log.warning("polls_skipped", gateway=gateway, count=count)


def readings_unspooled(gateway: str, count: int) -> None:
    """The disk refused for so long that readings had to go."""
    _UNSPOOLED.labels(gateway).inc(count)
    _log.error("readings_unspooled", gateway=gateway, count=count)


def envelope_sent(gateway: str, attempts_before: int) -> None:
    """An envelope was handed to the broker, for the first time or again."""
    _SENT.labels(gateway, "again" if attempts_before else "first").inc()


def envelopes_confirmed(gateway: str, count: int) -> None:
    """Ingest is done with envelopes."""
    _CONFIRMED.labels(gateway).inc(count)


def refused(gateway: str, refusals: Iterable[Refusal]) -> None:
    """Ingest refused readings or envelopes; the log tells of it by `refusals_changed`."""
    for refusal in refusals:
        _REFUSED.labels(gateway, refusal.code).inc()


def refusals_changed(gateway: str, changes: Iterable[Began | Ended]) -> None:
    """Refusals of a point (or, where it is empty, of whole envelopes) begin or end: one line each."""
    for change in changes:
        if isinstance(change, Began):
            fields = {"point": change.point, "seq": change.seq, "detail": change.detail[:_MOST_DETAIL]}
            _log.warning("refusal_began", gateway=gateway, code=change.code, **fields)
        else:
            ended = {"point": change.point, "count": change.count, "lasted_seconds": round(change.seconds, 3)}
            _log.info("refusal_ended", gateway=gateway, code=change.code, **ended)


def message_unreadable(gateway: str, kind: str, error: Exception) -> None:
    """A message to us breaks the contract and is ignored."""
    _UNREADABLE.labels(gateway, kind).inc()
    _log.warning("message_unreadable", gateway=gateway, kind=kind, error=str(error))


def online(gateway: str, *, connected: bool) -> None:
    """The broker was reached or lost."""
    _ONLINE.labels(gateway).set(connected)
