"""Metrics as readings of points, and the faults of a table."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import pytest

from collector.drivers.mqtt.mapping import Taken
from collector.drivers.sparkplug.checks import faults, points
from collector.drivers.sparkplug.mapping import MetricMapping
from collector.drivers.sparkplug.settings import MetricSettings, SparkplugListenerSettings
from energy.readings import Quality, Reading
from energy.sparkplug.datatypes import DataType
from energy.sparkplug.edge_nodes import Heard, Shown
from energy.sparkplug.topics import NodeId

AT = 1_771_898_400_000
NODE = NodeId("G", "E")


def mapping(**keys: Any) -> MetricMapping:
    """One metric of a device, in Wh."""
    values = {"edge_node": "E", "device": "D", "metric": "m", "point": "P", "unit": "Wh", "carrier": "electricity"}
    return MetricMapping(SparkplugListenerSettings(group="G", metrics=(MetricSettings(**values | keys),)))


def take(one: MetricMapping, value: object, *, datatype: int = DataType.INT64, is_null: bool = False) -> Taken:
    """What one shown metric becomes."""
    return one.take(NODE, Heard([Shown("D", "m", datatype, AT, is_null, value, True)], [], []))


def test_a_metric_is_a_reading_in_the_base_unit() -> None:
    """At its own time."""
    (value,) = take(mapping(), 1_500).values
    assert value.reading == Reading("P", AT, 1.5, Quality.MEASURED)
    assert value.stamped
    assert value.live


@pytest.mark.parametrize(
    ("value", "datatype", "is_null"),
    [(None, DataType.INT64, True), (7, DataType.INT64, True), (math.nan, DataType.DOUBLE, False), (65_535, 6, False)],
)
def test_no_value_is_quality(value: object, datatype: int, is_null: bool) -> None:  # noqa: FBT001 - a case
    """Null, NaN and the marker of the device."""
    (found,) = take(mapping(not_available=(65_535.0,)), value, datatype=datatype, is_null=is_null).values
    assert found.reading == Reading("P", AT, None, Quality.NOT_AVAILABLE)


@pytest.mark.parametrize(("value", "datatype"), [(None, 16), ("1.5", 12), (True, 11), (None, DataType.INT64), (1, 13)])
def test_what_is_no_number_is_refused(value: object, datatype: int) -> None:
    """Sets, texts, booleans, times, and a number that is missing without being null."""
    taken = take(mapping(), value, datatype=datatype)
    assert ([fault.reason for fault in taken.faults], taken.values) == (["type"], [])


def test_other_metrics_are_passed_over() -> None:
    """Whatever they hold: of the same name at another device, and of another name."""
    one = mapping(device=None)
    assert take(one, "text") == Taken("G/E", [], [])


def test_points_of_a_device_and_of_an_edge_node() -> None:
    """The death of an edge node is that of all its devices."""
    metrics = (
        MetricSettings(edge_node="E", metric="m", point="P-E"),
        MetricSettings(edge_node="E", device="D", metric="m", point="P-D", stale_after_s=5.0),
        MetricSettings(group="H", edge_node="E", metric="m", point="P-H"),
    )
    several = MetricMapping(SparkplugListenerSettings(group="G", metrics=metrics, stale_after_s=9.0))
    assert several.nodes == [NODE, NodeId("H", "E")]
    assert list(several.points(NODE, "D")) == ["P-D"]
    assert list(several.points(NODE, "")) == ["P-E", "P-D"]
    assert several.expected == {"P-E": 9.0, "P-D": 5.0, "P-H": 9.0}


GOOD = """
kind = "sparkplug"
group = "G"
[[metrics]]
edge_node = "E"
metric = "energy"
point = "P-1"
unit = "kWh"
carrier = "electricity"
[[metrics]]
edge_node = "E"
device = "D"
metric = "energy"
point = "P-2"
"""


def test_a_table_is_checked() -> None:
    """Units of measure, and metrics that stand twice, whether or not they repeat the group."""
    assert list(faults((), tomllib.loads(GOOD))) == []
    assert [point for _, point in points((), tomllib.loads(GOOD))] == ["P-1", "P-2"]
    ((place, message),) = faults((), tomllib.loads(GOOD.replace('"kWh"', '"m3"')))
    assert (place, "no conversion" in message) == (("metrics", 0, "unit"), True)
    ((place, message),) = faults((), tomllib.loads(GOOD.replace('device = "D"', 'group = "G"')))
    assert (place, message) == (("metrics", 1, "metric"), "energy stands here a second time (first: metrics[0])")
