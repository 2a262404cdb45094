"""PostgreSQL's binary COPY format, written by numpy a batch at a time.

Source: PostgreSQL documentation, COPY, "Binary Format", and the send functions of the types: big-endian; times
are microseconds since 2000-01-01; an array is its dimensions followed by its elements, each with its length.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from ingest.checking.rows import Rows, Touched

READINGS_COLUMNS = ("ts", "point_id", "value", "quality", "batch")
"""Columns of `encode_readings`, in the order in which they are encoded."""
STAGING_COLUMNS = (*READINGS_COLUMNS, "row")
"""Columns of `encode_staging`."""
DIRTY_COLUMNS = ("batch", "points", "since", "until")
"""Columns of `encode_dirty`."""

_HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
_TRAILER = struct.pack(">h", -1)
_EPOCH_MS = 946_684_800_000  # 2000-01-01T00:00:00Z
_INT4_OID = 23
_TIMESTAMPTZ_OID = 1184

_FIELDS = [
    ("fields", ">i2"),
    ("ts_length", ">i4"),
    ("ts", ">i8"),
    ("point_length", ">i4"),
    ("point", ">i4"),
    ("value_length", ">i4"),
    ("value", ">f8"),
    ("quality_length", ">i4"),
    ("quality", ">i2"),
    ("batch_length", ">i4"),
    ("batch", ">i8"),
]
_READING = np.dtype(_FIELDS)
_STAGED = np.dtype([*_FIELDS, ("row_length", ">i4"), ("row", ">i4")])


def encode_readings(rows: Rows, batch: int) -> bytes:
    """The rows for `readings`, all of them of `batch`."""
    return _framed(_records(rows, batch, _READING))


def encode_staging(rows: Rows, batch: int) -> bytes:
    """The rows for the staging table, each with its index, by which it is named."""
    records = _records(rows, batch, _STAGED)
    records["row_length"] = 4
    records["row"] = np.arange(len(rows))
    return _framed(records)


def encode_dirty(marks: Touched, batch: int) -> bytes:
    """The one row of `derivation_dirty` that names everything `batch` touched."""
    columns = (
        struct.pack(">iq", 8, batch),
        _array(marks.point, ">i4", _INT4_OID),
        _array(_pg_time(marks.since), ">i8", _TIMESTAMPTZ_OID),
        _array(_pg_time(marks.until), ">i8", _TIMESTAMPTZ_OID),
    )
    return b"".join((_HEADER, struct.pack(">h", len(columns)), *columns, _TRAILER))


def _records(rows: Rows, batch: int, layout: np.dtype[np.void]) -> NDArray[np.void]:
    records = np.empty(len(rows), layout)
    records["fields"] = sum(name.endswith("_length") for name in layout.names or ())
    for column, content in (("ts", _pg_time(rows.at)), ("point", rows.point), ("value", rows.value)):
        records[f"{column}_length"] = records[column].itemsize
        records[column] = content
    records["quality_length"] = 2
    records["quality"] = rows.quality
    records["batch_length"] = 8
    records["batch"] = batch
    return records


def _framed(records: NDArray[np.void]) -> bytes:
    return b"".join((_HEADER, records.tobytes(), _TRAILER))


def _array(content: NDArray[np.generic], kind: str, oid: int) -> bytes:
    """One field that holds a one-dimensional array without nulls."""
    elements = np.empty(len(content), [("length", ">i4"), ("element", kind)])
    elements["length"] = elements["element"].itemsize
    elements["element"] = content
    body = struct.pack(">iiIii", 1, 0, oid, len(content), 1) + elements.tobytes()
    return struct.pack(">i", len(body)) + body


def _pg_time(at: NDArray[np.int64]) -> NDArray[np.int64]:
    return (at - _EPOCH_MS) * 1_000
