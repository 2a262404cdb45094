"""Readings out of PostgreSQL's binary COPY, straight into numpy columns: no Python object per reading.

Source of the format: PostgreSQL documentation, COPY, "Binary Format". Big-endian; each field after its length; time
stamps are microseconds since 2000-01-01 UTC.
"""

from __future__ import annotations

import numpy as np

from ingest.accounting.algebra.counters import Readings

_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("series_length", ">i4"),
        ("series", ">i4"),
        ("ts_length", ">i4"),
        ("ts", ">i8"),
        ("value_length", ">i4"),
        ("value", ">f8"),
        ("quality_length", ">i4"),
        ("quality", ">i2"),
    ]
)
_HEADER, _TRAILER = 19, 2
_EPOCH_MS = 946_684_800_000  # 2000-01-01T00:00:00Z


def decode_readings(copied: bytes) -> Readings:
    """The readings of a COPY of (series int4, ts timestamptz, value float8, quality int2), none of them null."""
    rows = np.frombuffer(copied, _ROW, offset=_HEADER, count=(len(copied) - _HEADER - _TRAILER) // _ROW.itemsize)
    return Readings(
        series=rows["series"].astype(np.int64),
        at=rows["ts"].astype(np.int64) // 1000 + _EPOCH_MS,
        value=rows["value"].astype(np.float64),
        quality=rows["quality"].astype(np.int64),
    )
