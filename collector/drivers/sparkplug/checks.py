"""Faults of a listener's table that no single value shows, each with its place. Pure; looks at the raw document."""

from __future__ import annotations

from collector.drivers.mqtt.checks import measure_fault
from energy.config import dotted
from energy.toml_lines import Path as Place
from energy.toml_tables import Found, Table, tables, text_of


def faults(place: Place, table: Table) -> Found:
    """Every fault of a table `[[gateways.listeners]]` of kind "sparkplug", as (place, message)."""
    seen: dict[str, Place] = {}
    for at, metric in tables(place, table, "metrics"):
        yield from measure_fault(at, metric)
        if (name := text_of(metric, "metric")) is None or text_of(metric, "edge_node") is None:
            continue
        whose = [metric.get(key) for key in ("edge_node", "device")]
        first = seen.setdefault(str([metric.get("group", table.get("group")), *whose, name]), at)
        if first != at:
            yield (*at, "metric"), f"{name} stands here a second time (first: {dotted(first)})"


def points(place: Place, table: Table) -> Found:
    """The points of a table of kind "sparkplug", as (place, code): each may stand once in a file."""
    for at, metric in tables(place, table, "metrics"):
        if (point := text_of(metric, "point")) is not None:
            yield (*at, "point"), point
