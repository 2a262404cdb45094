"""Sparkplug B payloads as values; the only module that knows `google.protobuf`.

The schema is built here, from the numbers of the fields (Sparkplug 3.0, section 6.4); what it does not name is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from energy.errors import MessageError

_Field = descriptor_pb2.FieldDescriptorProto
_PAYLOAD_FIELDS = (
    ("timestamp", 1, _Field.TYPE_UINT64),
    ("seq", 3, _Field.TYPE_UINT64),
)
_METRIC_FIELDS = (
    ("name", 1, _Field.TYPE_STRING),
    ("alias", 2, _Field.TYPE_UINT64),
    ("timestamp", 3, _Field.TYPE_UINT64),
    ("datatype", 4, _Field.TYPE_UINT32),
    ("is_historical", 5, _Field.TYPE_BOOL),
    ("is_null", 7, _Field.TYPE_BOOL),
)
_VALUE_FIELDS = (
    ("int_value", 10, _Field.TYPE_UINT32),
    ("long_value", 11, _Field.TYPE_UINT64),
    ("float_value", 12, _Field.TYPE_FLOAT),
    ("double_value", 13, _Field.TYPE_DOUBLE),
    ("boolean_value", 14, _Field.TYPE_BOOL),
    ("string_value", 15, _Field.TYPE_STRING),
)
_PROPERTY_SET_FIELDS = (("keys", 1, _Field.TYPE_STRING),)
_PROPERTY_FIELDS = (("int_value", 3, _Field.TYPE_UINT32),)
_QUALITY = "Quality"

MOST_BYTES = 262_144
"""Most bytes of a payload that are looked at."""
MOST_METRICS = 10_000
"""Most metrics of a payload: an empty one has two bytes, and takes thousands of times as long as they do."""


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of a payload.

    Attributes:
        name: in births always, later perhaps.
        alias: a number that stands for the name.
        timestamp: ms UTC.
        datatype: see `datatypes`; in births always.
        is_historical: whether it was kept by the edge node, and is not the present value.
        is_null: whether it says that there is no value.
        value: as it was transferred, integers unsigned; None where there is none, or one that is no single value.
        quality: its property `Quality`: 0 bad, 192 good, 500 stale (section 6.4.7); None where it has none.
    """

    name: str | None = None
    alias: int | None = None
    timestamp: int | None = None
    datatype: int | None = None
    is_historical: bool = False
    is_null: bool = False
    value: int | float | bool | str | None = None
    quality: int | None = None


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """What one message says.

    Attributes:
        timestamp: when it was sent, ms UTC.
        seq: its number, 0 to 255.
        metrics: in their order.
    """

    timestamp: int | None = None
    seq: int | None = None
    metrics: tuple[Metric, ...] = ()


def decode(body: bytes) -> Payload:
    """Take a payload apart; raises MessageError where it is none."""
    if len(body) > MOST_BYTES:
        raise MessageError("size", f"{len(body)} bytes, more than {MOST_BYTES}")
    message = _MESSAGE()
    try:
        message.ParseFromString(body)
        if len(message.metrics) > MOST_METRICS:
            raise MessageError("size", f"{len(message.metrics)} metrics, more than {MOST_METRICS}")
        return Payload(
            timestamp=_given(message, "timestamp"),
            seq=_given(message, "seq"),
            metrics=tuple(_metric(one) for one in message.metrics),
        )
    except DecodeError as error:
        raise MessageError("payload", f"no Sparkplug B payload: {error}") from error


def encode(payload: Payload) -> bytes:
    """The bytes of a payload; a whole number is written as `long_value`, or `int_value` where its datatype is that."""
    message = _MESSAGE()
    _set(message, "timestamp", payload.timestamp)
    _set(message, "seq", payload.seq)
    for metric in payload.metrics:
        one = message.metrics.add()
        for name in ("name", "alias", "timestamp", "datatype"):
            _set(one, name, getattr(metric, name))
        for name in ("is_historical", "is_null"):
            _set(one, name, getattr(metric, name) or None)
        if metric.value is not None:
            setattr(one, _value_field(metric), metric.value)
    body: bytes = message.SerializeToString()
    return body


def _metric(message: Any) -> Metric:
    has = message.HasField
    which = message.WhichOneof("value")
    name = message.name or None
    # The library hands out what is not UTF-8 as bytes.
    if isinstance(name, bytes):
        raise MessageError("payload", f"the name {name!r} of a metric is not UTF-8")
    return Metric(
        name=name,
        alias=message.alias if has("alias") else None,
        timestamp=message.timestamp if has("timestamp") else None,
        datatype=message.datatype if has("datatype") else None,
        is_historical=message.is_historical,
        is_null=message.is_null,
        value=getattr(message, which) if which else None,
        quality=_quality(message.properties) if has("properties") else None,
    )


def _quality(properties: Any) -> int | None:
    for key, value in zip(properties.keys, properties.values, strict=False):  # who sends fewer values means fewer
        if key == _QUALITY and value.HasField("int_value"):
            return int(value.int_value)
    return None


def _given(message: Any, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None


def _set(message: Any, name: str, value: object) -> None:
    if value is not None:
        setattr(message, name, value)


def _value_field(metric: Metric) -> str:
    # A boolean is an int to Python.
    if isinstance(metric.value, bool):
        return "boolean_value"
    if isinstance(metric.value, int):
        return "int_value" if metric.datatype in _INT_TYPES else "long_value"
    if isinstance(metric.value, str):
        return "string_value"
    return "float_value" if metric.datatype == _FLOAT else "double_value"


_INT_TYPES = (1, 2, 3, 5, 6, 7)
"""Int8 to Int32 and UInt8 to UInt32 (section 6.4.16)."""
_FLOAT = 9


def _message_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug_b.proto", package="sparkplug", syntax="proto2")
    _add_fields(file.message_type.add(name="Property"), _PROPERTY_FIELDS)
    properties = file.message_type.add(name="PropertySet")
    _add_fields(properties, _PROPERTY_SET_FIELDS, label=_Field.LABEL_REPEATED)
    _add_message(properties, "values", 2, "Property", label=_Field.LABEL_REPEATED)
    metric = file.message_type.add(name="Metric")
    _add_fields(metric, _METRIC_FIELDS)
    _add_message(metric, "properties", 9, "PropertySet")
    _add_fields(metric, _VALUE_FIELDS, choice=0)
    metric.oneof_decl.add(name="value")
    payload = file.message_type.add(name="Payload")
    _add_fields(payload, _PAYLOAD_FIELDS)
    _add_message(payload, "metrics", 2, "Metric", label=_Field.LABEL_REPEATED)
    # A pool of our own: another library in the process may have a schema of the same name.
    pool = DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("sparkplug.Payload"))


def _add_fields(
    message: Any,
    fields: Iterable[tuple[str, int, Any]],
    *,
    label: Any = _Field.LABEL_OPTIONAL,
    choice: int | None = None,
) -> None:
    for name, number, kind in fields:
        message.field.add(name=name, number=number, type=kind, label=label, oneof_index=choice)


def _add_message(message: Any, name: str, number: int, of: str, label: Any = _Field.LABEL_OPTIONAL) -> None:
    kind = f".sparkplug.{of}"
    message.field.add(name=name, number=number, type=_Field.TYPE_MESSAGE, type_name=kind, label=label)


_MESSAGE = _message_class()
