"""What the polls count, and say once per transition."""

from __future__ import annotations

import prometheus_client
import structlog

_log = structlog.get_logger("collector")

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
