"""Whatever a plant's broker delivers: readings or faults, never another error."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.drivers.mqtt.mapping import Taken, TopicMapping
from collector.drivers.mqtt.settings import TimeStampSettings, TopicSettings, ValueSettings
from energy.readings import Quality

NOW = 1_771_898_400_000
VALUES = (
    ValueSettings(point="P-{meter}", path="e", unit="Wh", carrier="electricity", not_available=(1.0,)),
    ValueSettings(point="Q", path="sum([f][])"),
    ValueSettings(point="R", path="g", unit="MWh", carrier="electricity"),
)
FORMS = [("iso8601", "Europe/Berlin"), ("iso8601", ""), ("unix_s", ""), ("unix_ms", "")]
MAPPINGS = [
    TopicMapping(
        [
            TopicSettings(
                topic="j/{meter}",
                values=VALUES,
                at=TimeStampSettings(path="t", form=form, zone=zone),  # type: ignore[arg-type]  # a literal by its place
            ),
            TopicSettings(topic="n", format="number", values=(ValueSettings(point="N"),)),
        ]
    )
    for form, zone in FORMS
]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from([10**320, -(10**320), 1.7e308, "1e308", "2026-02-24T09:59:59", "2026-03-29T02:30:00"]),
    st.datetimes().map(str),
)
documents = st.dictionaries(
    st.sampled_from("efgt"),
    st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner), max_leaves=5
    ),
)


def check(taken: Taken) -> None:
    """What came out can be sent: points with codes, finite values where there is one."""
    for value in taken.values:
        reading = value.reading
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", reading.point)
        assert isinstance(reading.at, int)
        if reading.value is None:
            assert reading.quality == Quality.NOT_AVAILABLE
        else:
            assert math.isfinite(reading.value)


@pytest.mark.parametrize("mapping", MAPPINGS)
@given(documents, st.text(max_size=5), st.booleans())
def test_any_document_gives_readings_or_faults(
    mapping: TopicMapping,
    document: dict[str, Any],
    level: str,
    retained: bool,  # noqa: FBT001 - drawn
) -> None:
    """Numbers beyond all floats, times of all years, nested and missing values, any level."""
    taken = mapping.take(f"j/{level}", json.dumps(document).encode(), retained=retained, arrived_ms=NOW)
    check(taken)
    assert taken.values or taken.faults


@given(st.binary(max_size=60), st.sampled_from(["j/1", "n", "other", ""]))
def test_any_bytes_give_readings_or_faults(payload: bytes, topic: str) -> None:
    """On every topic."""
    taken = MAPPINGS[0].take(topic, payload, retained=False, arrived_ms=NOW)
    check(taken)
    assert taken.values or taken.faults
