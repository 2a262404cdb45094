"""Payloads made by an encoder that is not ours say the same to us."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from energy.sparkplug.datatypes import DataType, number_of
from energy.sparkplug.payload import Payload, decode
from tests.support.sparkplug_encoder import DATA, VERSION, encode_elsewhere

STORED = json.loads((DATA / "payloads.json").read_text(encoding="utf-8"))
PAYLOADS: list[dict[str, Any]] = [one["payload"] for one in STORED["payloads"]]
STORED_BYTES = [base64.b64decode(one["bytes"]) for one in STORED["payloads"]]

NUMBERS = {
    "Int8": DataType.INT8,
    "Int16": DataType.INT16,
    "Int32": DataType.INT32,
    "Int64": DataType.INT64,
    "UInt8": DataType.UINT8,
    "UInt16": DataType.UINT16,
    "UInt32": DataType.UINT32,
    "UInt64": DataType.UINT64,
    "Float": DataType.FLOAT,
    "Double": DataType.DOUBLE,
}


def check(given: dict[str, Any], decoded: Payload) -> None:
    """Everything of a payload as it was given."""
    assert (decoded.timestamp, decoded.seq) == (given["timestamp"], given.get("seq"))
    assert len(decoded.metrics) == len(given["metrics"])
    for one, metric in zip(given["metrics"], decoded.metrics, strict=True):
        assert (metric.name, metric.alias) == (one.get("name"), one.get("alias"))
        assert metric.timestamp == one.get("timestamp")
        assert metric.is_historical is one.get("isHistorical", False)
        assert metric.is_null is one.get("isNull", False)
        assert metric.quality == one.get("properties", {}).get("Quality", {}).get("value")
        if (datatype := NUMBERS.get(one["type"])) is not None and not metric.is_null:
            assert metric.datatype == datatype
            due = float(one["value"]) if datatype in (DataType.FLOAT, DataType.DOUBLE) else int(one["value"])
            assert number_of(datatype, metric.value) == due
        elif one["type"] in ("Boolean", "String"):
            assert metric.value == one["value"]


@pytest.mark.parametrize(("given", "body"), list(zip(PAYLOADS, STORED_BYTES, strict=True)))
def test_stored_payloads_of_another_encoder_are_read(given: dict[str, Any], body: bytes) -> None:
    """All datatypes at their bounds, births, data by alias, historical values and null."""
    check(given, decode(body))


@pytest.mark.long
def test_another_encoder_says_the_same_today() -> None:
    """The stored bytes are what the package makes."""
    assert STORED["made_by"].startswith(f"sparkplug-payload {VERSION} ")
    assert encode_elsewhere(PAYLOADS) == STORED_BYTES
