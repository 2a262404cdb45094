"""What was transferred as a number of a datatype is that number, or is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import MessageError
from energy.sparkplug.datatypes import DataType, number_of
from energy.sparkplug.payload import Metric, Payload, decode, encode

SIGNED = {DataType.INT8: 8, DataType.INT16: 16, DataType.INT32: 32, DataType.INT64: 64}
UNSIGNED = {DataType.UINT8: 8, DataType.UINT16: 16, DataType.UINT32: 32, DataType.UINT64: 64}


@given(st.sampled_from(list(SIGNED)), st.data())
def test_signed_integers_come_as_twos_complement(datatype: DataType, data: st.DataObject) -> None:
    """Of their own width, or extended to that of either field."""
    bits = SIGNED[datatype]
    number = data.draw(st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1))
    for width in {bits, max(bits, 32), 64}:
        assert number_of(datatype, number % (1 << width)) == number


@given(st.sampled_from([*SIGNED, *UNSIGNED]), st.integers(0, (1 << 64) - 1))
def test_what_does_not_fit_is_refused(datatype: DataType, transferred: int) -> None:
    """A number is never cut: it is what some encoder means by it, or nothing."""
    if (bits := SIGNED.get(datatype)) is not None:
        low, high, widths = -(1 << (bits - 1)), (1 << (bits - 1)) - 1, {bits, max(bits, 32), 64}
    else:
        low, high, widths = 0, (1 << UNSIGNED[datatype]) - 1, set[int]()
    negative = {number for width in widths if low <= (number := transferred - (1 << width)) < 0}
    fitting = negative | ({transferred} if transferred <= high else set())
    assert len(fitting) <= 1
    if fitting:
        assert number_of(datatype, transferred) == fitting.pop()
    else:
        with pytest.raises(MessageError):
            number_of(datatype, transferred)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_is_none(value: float) -> None:
    """It becomes quality, not a value."""
    assert number_of(DataType.DOUBLE, value) is None


@pytest.mark.parametrize(
    ("datatype", "transferred"),
    [
        (DataType.INT8, 300),
        (DataType.UINT8, 256),
        (DataType.DOUBLE, 1),
        (DataType.INT32, 1.0),
        (DataType.INT32, True),
        (DataType.BOOLEAN, True),
        (12, "12.5"),
        (13, 1_700_000_000_000),
        (0, 1),
        (DataType.INT32, None),
    ],
)
def test_other_kinds_are_refused(datatype: int, transferred: object) -> None:
    """Texts, booleans, times and sets are no meter readings."""
    with pytest.raises(MessageError, match=r"is no number of datatype|does not fit"):
        number_of(datatype, transferred)


u64 = st.integers(0, (1 << 64) - 1)
metrics = st.builds(
    Metric,
    name=st.one_of(st.none(), st.text(min_size=1, max_size=20)),
    alias=st.one_of(st.none(), u64),
    timestamp=st.one_of(st.none(), u64),
    datatype=st.one_of(st.none(), st.integers(0, 40)),
    is_historical=st.booleans(),
    is_null=st.booleans(),
    value=st.one_of(
        st.none(),
        st.integers(0, (1 << 32) - 1),
        st.floats(width=32, allow_nan=False),
        st.booleans(),
        st.text(max_size=9),
    ),
)


@given(st.builds(Payload, timestamp=st.one_of(st.none(), u64), seq=u64, metrics=st.lists(metrics).map(tuple)))
def test_a_payload_comes_back(payload: Payload) -> None:
    """Presence of each field included: a missing alias is not alias 0."""
    assert decode(encode(payload)) == payload


@given(st.binary(max_size=200))
def test_any_bytes_are_a_payload_or_are_refused(body: bytes) -> None:
    """Nothing else comes out of the library."""
    try:
        payload = decode(body)
    except MessageError as error:
        refused = error.reason
    else:
        refused = ""
        assert all(metric.name is None or isinstance(metric.name, str) for metric in payload.metrics)
    assert refused in ("", "payload")


def test_a_name_that_is_no_text_is_refused() -> None:
    """The library hands it out as bytes."""
    with pytest.raises(MessageError, match="not UTF-8"):
        decode(b"\x12\x03\x0a\x01\xff")
