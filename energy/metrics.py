"""Counters of this package and the one place that renders all metrics of a process.

Every package has a `metrics.py` like this one: functions named for what happened, which count it and, where a person
should know, log it too. Names are `quotawatt_<package>_<what>_<unit>`; labels come from closed sets.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Protocol

import prometheus_client
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

_log = structlog.get_logger("energy")

_SERVICE_UP = prometheus_client.Gauge("quotawatt_energy_service_up", "1 while the service serves.", ["service"])
_SERVICE_FAILURES = prometheus_client.Counter(
    "quotawatt_energy_service_failures_total", "Services that failed or ended by themselves.", ["service"]
)
_SERVICES_OVERDUE = prometheus_client.Counter(
    "quotawatt_energy_services_overdue_total", "Services cut off because they did not drain in time.", ["service"]
)
_DEPENDENCY_UP = prometheus_client.Gauge(
    "quotawatt_energy_dependency_up", "1 when the dependency answered its last readiness check.", ["dependency"]
)
_HANDLED_ERRORS = prometheus_client.Counter(
    "quotawatt_energy_unforeseen_errors_total", "Unforeseen errors that a loop survived.", ["loop"]
)


def service_ready(service: str) -> None:
    """A service serves."""
    _SERVICE_UP.labels(service).set(1)
    _log.info("service_ready", service=service)


def service_ended(service: str) -> None:
    """A service drained and returned as it was told to."""
    _SERVICE_UP.labels(service).set(0)
    _log.info("service_ended", service=service)


def service_failed(service: str, error: Exception) -> None:
    """A service failed, which stops its process."""
    _SERVICE_UP.labels(service).set(0)
    _SERVICE_FAILURES.labels(service).inc()
    _log.error("service_failed", service=service, error=str(error), kind=type(error).__name__)


def service_overdue(service: str, grace: float) -> None:
    """A service had not drained when the `grace` seconds of the stop were over."""
    _SERVICES_OVERDUE.labels(service).inc()
    _log.error("service_overdue", service=service, grace_seconds=grace)


def unforeseen_error(loop: str) -> None:
    """A loop caught at its outer edge what nobody foresaw, and goes on; call it in the `except`."""
    _HANDLED_ERRORS.labels(loop).inc()
    _log.exception("unforeseen_error", loop=loop)


def dependency_checked(dependency: str, *, answered: bool) -> None:
    """A readiness check asked a dependency."""
    _DEPENDENCY_UP.labels(dependency).set(answered)


class Tally:
    """What one thread observed of one thing: as `prometheus_client` has it, but a tenth of the cost.

    Args:
        bounds: upper bounds of the buckets, ascending; beyond the last is one without a bound.
    """

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value in its bucket."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def told(self) -> tuple[list[tuple[str, float]], float]:
        """For each bound, as text, how many values were at most as large; and the sum of all."""
        bounds = map(prometheus_client.utils.floatToGoString, (*self._bounds, math.inf))
        return list(zip(bounds, accumulate(self._counts), strict=True)), self._sum


class TallyHistogram(Collector):
    """A histogram for what happens thousands of times a second, such as a poll: one tally a label value.

    Args:
        name: as Prometheus sees it.
        documentation: what is observed, and its unit of measure.
        label: name of its one label.
        bounds: upper bounds of the buckets, ascending.
    """

    def __init__(self, name: str, documentation: str, label: str, bounds: Sequence[float]) -> None:
        self._told = name, documentation
        self._label = label
        self._bounds = tuple(bounds)
        self._tallies: dict[str, Tally] = {}
        prometheus_client.REGISTRY.register(self)

    def of(self, value: str) -> Tally:
        """The tally of a label's value."""
        return self._tallies.setdefault(value, Tally(self._bounds))

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """All of it, when somebody scrapes."""
        family = HistogramMetricFamily(*self._told, labels=[self._label])
        for value, tally in self._tallies.items():
            family.add_metric([value], *tally.told())
        yield family


class Queue(Protocol):
    """What `watch_queue` reads; `energy.channel.Channel` has it."""

    @property
    def pushed(self) -> int:
        """Items put since the start."""

    @property
    def popped(self) -> int:
        """Items taken since the start."""

    @property
    def capacity(self) -> int:
        """Most items that it holds."""


class _Queues(Collector):
    """Reads the queues when somebody scrapes: counting costs the pipeline nothing."""

    def __init__(self) -> None:
        self._queues: dict[str, Queue] = {}

    def watch(self, name: str, queue: Queue) -> None:
        self._queues[name] = queue

    def collect(self) -> Iterator[Any]:
        pushed = CounterMetricFamily("quotawatt_energy_queue_pushed", "Items put into the queue.", labels=["queue"])
        popped = CounterMetricFamily("quotawatt_energy_queue_popped", "Items taken from the queue.", labels=["queue"])
        capacity = GaugeMetricFamily("quotawatt_energy_queue_capacity", "Most items that it holds.", labels=["queue"])
        for name, queue in self._queues.items():
            pushed.add_metric([name], queue.pushed)
            popped.add_metric([name], queue.popped)
            capacity.add_metric([name], queue.capacity)
        yield from (pushed, popped, capacity)


_QUEUES = _Queues()
prometheus_client.REGISTRY.register(_QUEUES)


def watch_queue(name: str, queue: Queue) -> None:
    """Export the counters of a queue; its length is pushed less popped. A later queue of that name replaces it."""
    _QUEUES.watch(name, queue)


def exposition() -> tuple[bytes, str]:
    """All metrics of this process in Prometheus' text format, and the content type to send with it."""
    return prometheus_client.generate_latest(), prometheus_client.CONTENT_TYPE_LATEST
