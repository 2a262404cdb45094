"""The page on telemetry lists every metric that a process can export, with its labels and kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from prometheus_client import Metric
from prometheus_client.metrics import MetricWrapperBase

import alerts.delivery.metrics
import alerts.metrics
import collector.drivers.mqtt.metrics
import collector.polling.metrics
import collector.process.metrics
import collector.spool.metrics
import collector.uplink.metrics
import energy.metrics
import ingest.accounting.estimation.metrics
import ingest.accounting.metrics
import ingest.accounting.rollups.metrics
import ingest.following.metrics
import ingest.metrics
import ingest.receiving.csv.metrics
import ingest.receiving.entries.metrics
import ingest.receiving.http.metrics
import ingest.receiving.sparkplug.metrics
import ingest.rejects.metrics
import ingest.upkeep.metrics
import simulators.metrics

PAGE = (Path(__file__).parents[2] / "docs" / "telemetry.md").read_text(encoding="utf-8")
CHAPTERS: dict[str, ModuleType] = {
    "Every process": energy.metrics,
    "Collector": collector.process.metrics,
    "Polls": collector.polling.metrics,
    "Listeners": collector.drivers.mqtt.metrics,
    "Spool": collector.spool.metrics,
    "Uplink": collector.uplink.metrics,
    "Ingest": ingest.metrics,
    "HTTP push": ingest.receiving.http.metrics,
    "CSV upload": ingest.receiving.csv.metrics,
    "Entries": ingest.receiving.entries.metrics,
    "Following": ingest.following.metrics,
    "Rejects": ingest.rejects.metrics,
    "Upkeep": ingest.upkeep.metrics,
    "Sparkplug": ingest.receiving.sparkplug.metrics,
    "Accounting": ingest.accounting.metrics,
    "Estimation": ingest.accounting.estimation.metrics,
    "Rollups": ingest.accounting.rollups.metrics,
    "Alerts": alerts.metrics,
    "Delivery": alerts.delivery.metrics,
    "Simulated meters": simulators.metrics,
}

Row = tuple[str, str, str]
"""Name, labels, kind: what the page must say; the meaning is prose."""


def registered(module: ModuleType) -> Iterator[Row]:
    """The metrics that a module makes."""
    for made in vars(module).values():
        if isinstance(made, MetricWrapperBase):
            yield from (row(metric, made._labelnames) for metric in made.describe())
        elif made is energy.metrics._QUEUES or isinstance(made, energy.metrics.TallyHistogram):
            yield from (row(metric, metric._labelnames) for metric in made.collect())


def row(metric: Metric, labels: tuple[str, ...]) -> Row:
    """A metric as the page names it: counters with the ending that Prometheus sees."""
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    return name, ", ".join(f"`{label}`" for label in labels) or "–", metric.type


def listed(chapter: str) -> list[Row]:
    """The rows of a chapter of the page."""
    text = PAGE.split(f"\n## {chapter}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `(\w+)` \| ([^|]+) \| (\w+) \| [^|]{3,} \|$", text, re.MULTILINE)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_lists_what_its_package_exports(chapter: str) -> None:
    """Every metric with its labels and kind, and no other."""
    assert listed(chapter) == list(registered(CHAPTERS[chapter]))


def test_the_page_has_no_other_metrics() -> None:
    """A metric in a chapter of its own would be checked by nobody."""
    assert len(re.findall(r"^\| `quotawatt_", PAGE, re.MULTILINE)) == sum(len(listed(chapter)) for chapter in CHAPTERS)
