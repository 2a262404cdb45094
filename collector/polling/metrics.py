"""What polls count; one of the collector's modules that import prometheus_client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import prometheus_client

from energy.metrics import TallyHistogram
from energy.readings import Quality, Reading

_READINGS = prometheus_client.Counter(
    "quotawatt_collector_readings_total", "Readings taken from meters, by quality.", ["gateway", "quality"]
)
_FAILED_READS = prometheus_client.Counter(
    "quotawatt_collector_failed_reads_total", "Reads that gave no value, by what went wrong.", ["gateway", "reason"]
)
_RESTING = prometheus_client.Counter(
    "quotawatt_collector_resting_reads_total", "Polls left out because the meter or line is backing off.", ["gateway"]
)
_SKIPPED_POLLS = prometheus_client.Counter(
    "quotawatt_collector_skipped_polls_total", "Polls left out because the one before took too long.", ["gateway"]
)
_LATENESS = TallyHistogram(
    "quotawatt_collector_poll_lateness_seconds",
    "Data time from a poll's tick to its start.",
    "gateway",
    (0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60),
)
_DURATION = TallyHistogram(
    "quotawatt_collector_poll_seconds",
    "Real time that a poll of one meter took.",
    "gateway",
    (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)

_DISCARDED = prometheus_client.Counter(
    "quotawatt_collector_discarded_bytes_total", "Bytes that came on a line while nothing was asked.", ["gateway"]
)
_REFUSED = prometheus_client.Gauge(
    "quotawatt_collector_refused_values", "Values to be sent that devices refuse to give.", ["gateway"]
)


class PollFigures:
    """The figures of one gateway's polls; the label is looked up once, not at every poll."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._refused: dict[str, int] = {}
        self._lateness = _LATENESS.of(gateway)
        self._duration = _DURATION.of(gateway)
        self._measured = _READINGS.labels(gateway, str(int(Quality.MEASURED)))
        self._resting = _RESTING.labels(gateway)
        self._skipped = _SKIPPED_POLLS.labels(gateway)

    def polled(self, readings: Sequence[Reading], *, late_s: float, took_s: float) -> None:
        """A meter was polled: its readings, how late it was by data time, and how long it took by real time."""
        self._lateness.observe(late_s)
        self._duration.observe(took_s)
        others = [reading.quality for reading in readings if reading.quality]
        self._measured.inc(len(readings) - len(others))
        if others:
            self._others(others)

    def _others(self, qualities: Sequence[int]) -> None:
        for quality, count in Counter(qualities).items():
            _READINGS.labels(self._gateway, str(int(quality))).inc(count)

    def failed(self, reason: str) -> None:
        """A read, or a value in its answer, gave nothing; `reason` is the name of the error's class."""
        _FAILED_READS.labels(self._gateway, reason).inc()

    def rested(self, count: int) -> None:
        """Polls were left out to give a silent meter or a lost line time."""
        if count:
            self._resting.inc(count)

    def refused(self, meter: str, count: int) -> None:
        """So many values of a meter are refused by it at present."""
        if (before := self._refused.get(meter, 0)) != count:
            _REFUSED.labels(self._gateway).inc(count - before)
            self._refused[meter] = count

    def end(self) -> None:
        """The line is polled no more."""
        for meter in list(self._refused):
            self.refused(meter, 0)

    def discarded(self, count: int) -> None:
        """Bytes came on a line while nothing was asked, and were thrown away."""
        if count:
            _DISCARDED.labels(self._gateway).inc(count)

    def skipped(self, count: int) -> None:
        """Ticks passed while a meter waited for its turn or was being polled."""
        if count:
            self._skipped.inc(count)
