"""The histogram for what happens thousands of times a second says what `prometheus_client`'s own would say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import prometheus_client
import pytest
from prometheus_client import REGISTRY, CollectorRegistry

from energy.metrics import TallyHistogram

BOUNDS = (0.005, 1, 2.5)
VALUES = (-1.0, 0.0, 0.005, 0.0051, 1.0, 2.4, 2.5, 2.6, 1e9)


@pytest.fixture
def tallied() -> Iterator[TallyHistogram]:
    """A histogram in the registry of this process, and out of it again."""
    histogram = TallyHistogram("quotawatt_test_tally_seconds", "Just a test.", "gateway", BOUNDS)
    yield histogram
    REGISTRY.unregister(histogram)


def samples(registry: Any) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """All that is told, without when a counter began."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name.startswith("quotawatt_test_tally") and not sample.name.endswith("_created")
    }


def test_a_tally_tells_what_the_library_would_tell(tallied: TallyHistogram) -> None:
    """Buckets with values on and between their bounds, count and sum, for each label's value."""
    registry = CollectorRegistry()
    library = prometheus_client.Histogram(
        "quotawatt_test_tally_seconds", "Just a test.", ["gateway"], buckets=BOUNDS, registry=registry
    )
    for gateway, values in (("gw-1", VALUES), ("gw-2", VALUES[:1]), ("gw-3", ())):
        library.labels(gateway)
        for value in values:
            library.labels(gateway).observe(value)
            tallied.of(gateway).observe(value)
        tallied.of(gateway)
    assert samples(REGISTRY) == samples(registry)
    assert len(samples(registry)) == 3 * (len(BOUNDS) + 3)
