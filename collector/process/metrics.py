"""What the process as a whole counts; one of the collector's modules that import prometheus_client."""

from __future__ import annotations

import prometheus_client

_RELOADS = prometheus_client.Counter(
    "quotawatt_collector_reloads_total", "Changes of the file that were taken over, or refused.", ["outcome"]
)


def reloaded(*, whole: bool) -> None:
    """A changed file was taken over, wholly or but for parts that could not be made."""
    _RELOADS.labels("taken" if whole else "incomplete").inc()


def reload_refused() -> None:
    """A changed file has faults; what ran goes on."""
    _RELOADS.labels("refused").inc()
