"""Sessions of an edge node, made by encoders that are not ours, say the same to us."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from energy.sparkplug.datatypes import number_of
from energy.sparkplug.payload import decode
from tests.support.sparkplug import make_sessions
from tests.support.sparkplug_world import SESSIONS

MESSAGES = [
    pytest.param(one, id=f"{encoder}-{number}-{one['kind']}")
    for encoder, session in SESSIONS.items()
    for number, one in enumerate(session["messages"])
]
NUMBERS = {name: number for number, (name, _) in enumerate(make_sessions.NUMBERS, 1)}
"""The datatypes that are numbers, with theirs."""


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_says_what_was_given(message: dict[str, Any]) -> None:
    """All that a reading is made of; templates, data sets and arrays are passed over, and spoil nothing beside them."""
    given, payload = message["payload"], decode(base64.b64decode(message["bytes"]))
    assert (payload.timestamp, payload.seq) == (given["timestamp"], given.get("seq"))
    assert len(payload.metrics) == len(given["metrics"])
    for one, metric in zip(given["metrics"], payload.metrics, strict=True):
        assert (metric.name, metric.alias, metric.timestamp) == (
            one.get("name"),
            one.get("alias"),
            one.get("timestamp"),
        )
        assert metric.is_historical is one.get("isHistorical", False)
        assert metric.is_null is one.get("isNull", False)
        assert metric.quality == one.get("properties", {}).get("Quality", {}).get("value")
        if (datatype := NUMBERS.get(one["type"])) is not None and not metric.is_null:
            assert number_of(metric.datatype or datatype, metric.value) == float(one["value"])
            assert metric.datatype in (datatype, None)
        elif one["type"] in ("Boolean", "String", "Text", "UUID"):
            assert metric.value == one["value"]


@pytest.mark.long
def test_the_encoders_say_the_same_today() -> None:
    """The stored bytes are what the packages make."""
    assert make_sessions.by_npm() == SESSIONS["npm"]
    assert make_sessions.by_pysparkplug() == SESSIONS["pysparkplug"]
