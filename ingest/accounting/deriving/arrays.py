"""Rows that hold arrays, out of PostgreSQL's binary COPY.

Source of the format: PostgreSQL documentation, COPY, "Binary Format", and the send function of arrays: five words
(dimensions, nulls, type, length, lower bound), then the elements, each after its length.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from energy.storage.binary import native, wire_type
from ingest.accounting.algebra.columns import Ints

_BEGIN = 19
_ARRAY_WORDS = struct.Struct(">iiIii")


def fields_of(copied: bytes) -> Iterator[list[bytes | None]]:
    """Row for row the fields of a COPY, for rows that hold arrays."""
    place = _BEGIN
    while (count := int.from_bytes(copied[place : place + 2], "big", signed=True)) >= 0:
        place += 2
        row: list[bytes | None] = []
        for _ in range(count):
            length = int.from_bytes(copied[place : place + 4], "big", signed=True)
            place += 4
            row.append(copied[place : place + length] if length >= 0 else None)
            place += max(length, 0)
        yield row


def elements(content: bytes, kind: str) -> Ints:
    """The elements of a one-dimensional array without nulls, of int4, int8 or time (ms since 1970 UTC)."""
    if len(content) < _ARRAY_WORDS.size:  # an empty array has no dimension, and says no more
        return np.empty(0, np.int64)
    whole = np.frombuffer(content, [("length", ">i4"), ("element", wire_type(kind))], offset=_ARRAY_WORDS.size)
    return native(whole["element"], kind)
