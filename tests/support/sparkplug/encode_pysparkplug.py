"""Encodes payloads with the package pysparkplug: JSON lines with payloads in, base64 lines out.

Runs in an environment of its own, since the package wants another paho than we do; see `make_sessions.py`.
"""

from __future__ import annotations

import base64
import json
import sys
from datetime import UTC, datetime
from typing import Any

import pysparkplug as sp  # type: ignore[import-not-found]  # is installed where this runs, and nowhere else

_MAKERS = {"NBIRTH": sp.NBirth, "DBIRTH": sp.DBirth, "NDATA": sp.NData, "DDATA": sp.DData}
_TYPES = {
    **{name: sp.DataType[name.upper()] for name in ("Int8", "Int16", "Int32", "Int64", "Float", "Double", "Boolean")},
    **{name: sp.DataType[name.upper()] for name in ("UInt8", "UInt16", "UInt32", "UInt64", "String", "Text", "UUID")},
    **{f"{name}Array": sp.DataType[f"{name.upper()}_ARRAY"] for name in ("Int8", "Int16", "Int32", "Int64", "Boolean")},
    **{f"{name}Array": sp.DataType[f"{name.upper()}_ARRAY"] for name in ("UInt8", "UInt16", "UInt32", "UInt64")},
    **{f"{name}Array": sp.DataType[f"{name.upper()}_ARRAY"] for name in ("Float", "Double", "String", "DateTime")},
    "DateTime": sp.DataType.DATETIME,
    "Bytes": sp.DataType.BYTES,
}


def encoded(message: dict[str, Any]) -> bytes:
    """One message of a session."""
    payload, kind = message["payload"], message["kind"]
    metrics = tuple(metric(one) for one in payload["metrics"])
    body: bytes
    if kind == "NDEATH":
        body = sp.NDeath(timestamp=payload["timestamp"], bd_seq_metric=metrics[0]).encode(include_dtypes=True)
    elif kind == "DDEATH":
        body = sp.DDeath(timestamp=payload["timestamp"], seq=payload["seq"]).encode()
    else:
        made = _MAKERS[kind](timestamp=payload["timestamp"], seq=payload["seq"], metrics=metrics)
        body = made.encode(include_dtypes=kind.endswith("BIRTH"))
    return body


def metric(one: dict[str, Any]) -> sp.Metric:
    """One metric; it knows no properties."""
    datatype, value = _TYPES[one["type"]], one.get("value")
    if value is not None:
        if one["type"] in ("Int64", "UInt64"):
            value = int(value)
        elif one["type"] == "DateTime":
            value = datetime.fromtimestamp(int(value) / 1000, UTC)
        elif one["type"] == "DateTimeArray":
            value = [datetime.fromtimestamp(each / 1000, UTC) for each in value]
        elif one["type"] == "Bytes":
            value = bytes(value)
    return sp.Metric(
        timestamp=one.get("timestamp"),
        name=one.get("name"),
        datatype=datatype,
        value=value,
        alias=one.get("alias"),
        is_historical=one.get("isHistorical", False),
        is_null=one.get("isNull", False),
    )


for line in sys.stdin:
    print(base64.b64encode(encoded(json.loads(line))).decode())  # noqa: T201 - its purpose
