"""Whatever an edge node sends: readings or faults, never another error."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from collector.drivers.sparkplug.mapping import MetricMapping
from collector.drivers.sparkplug.settings import MetricSettings, SparkplugListenerSettings
from energy.readings import Quality
from energy.sparkplug.edge_nodes import EdgeNode
from energy.sparkplug.payload import Metric, Payload, decode, encode
from energy.sparkplug.topics import Kind, NodeId

NODE = NodeId("G", "E")
MAPPING = MetricMapping(
    SparkplugListenerSettings(
        group="G",
        metrics=tuple(
            MetricSettings(edge_node="E", device=device, metric=name, point=f"P-{device}-{name}", scale=1e300)
            for device in (None, "D")
            for name in ("a", "b")
        ),
    )
)

u64 = st.one_of(st.integers(0, 3), st.integers(0, (1 << 64) - 1))
numbers = st.one_of(st.integers(0, (1 << 32) - 1), st.floats(width=32), st.booleans(), st.text(max_size=3))
metrics = st.builds(
    Metric,
    name=st.sampled_from([None, "a", "b", "bdSeq"]),
    alias=st.one_of(st.none(), u64),
    timestamp=st.one_of(st.none(), u64),
    datatype=st.one_of(st.none(), st.integers(0, 40)),
    is_historical=st.booleans(),
    is_null=st.booleans(),
    value=st.one_of(st.none(), numbers),
)
payloads = st.builds(
    Payload,
    timestamp=st.one_of(st.none(), u64),
    seq=st.one_of(st.none(), u64),
    metrics=st.lists(metrics, max_size=4).map(tuple),
)


@given(st.lists(st.tuples(st.sampled_from(list(Kind)), payloads), max_size=12))
def test_any_payloads_give_readings_or_faults(messages: list[tuple[Kind, Payload]]) -> None:
    """Births with holes, aliases that stand for nothing, any numbers: what comes out can be sent."""
    node = EdgeNode()
    for now, (kind, payload) in enumerate(messages):
        device = "" if kind.is_of_node else "D"
        taken = MAPPING.take(NODE, node.take(kind, device, decode(encode(payload)), float(now)))
        node.rebirth_due(float(now))
        for value in taken.values:
            named = value.reading.point.removeprefix("P-").split("-")[0]
            assert named == (device or "None")
            if value.reading.value is None:
                assert value.reading.quality == Quality.NOT_AVAILABLE
            else:
                assert math.isfinite(value.reading.value)
