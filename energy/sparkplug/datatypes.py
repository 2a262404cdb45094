"""The datatypes of metrics that hold one number, and what was transferred as such a number. Pure.

Integers go over the wire unsigned: negative ones as two's complement (Sparkplug 3.0, section 6.4.16).
"""

from __future__ import annotations

import math
from enum import IntEnum

from energy.errors import MessageError

_FIELD_BITS = (32, 64)
"""Widths of `int_value` and `long_value`, to which encoders extend the sign."""


class DataType(IntEnum):
    """Numbers of the datatypes that are a single number, and of the boolean that a command carries."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11


_SIGNED: dict[int, int] = {DataType.INT8: 8, DataType.INT16: 16, DataType.INT32: 32, DataType.INT64: 64}
_UNSIGNED: dict[int, int] = {DataType.UINT8: 8, DataType.UINT16: 16, DataType.UINT32: 32, DataType.UINT64: 64}
_REAL = (DataType.FLOAT, DataType.DOUBLE)


def number_of(datatype: int, transferred: object) -> float | None:
    """The number that a metric shows; None for NaN and infinity.

    Raises:
        MessageError: the datatype is no single number, or what was transferred does not fit it.
    """
    # A boolean is an int to Python.
    if isinstance(transferred, int) and not isinstance(transferred, bool):
        if (bits := _SIGNED.get(datatype)) is not None:
            return _signed(transferred, bits)
        if (bits := _UNSIGNED.get(datatype)) is not None and transferred < 1 << bits:
            return transferred
    if isinstance(transferred, float) and datatype in _REAL:
        return transferred if math.isfinite(transferred) else None
    raise MessageError("type", f"{transferred!r} is no number of datatype {datatype}")


def _signed(transferred: int, bits: int) -> int:
    half = 1 << (bits - 1)
    if transferred < half:
        return transferred
    # The sign may be extended to the width of the field: -1 of 8 bits is FF or FFFF FFFF.
    for width in (bits, *(field for field in _FIELD_BITS if field > bits)):
        if (1 << width) - half <= transferred < 1 << width:
            return transferred - (1 << width)
    raise MessageError("type", f"{transferred} does not fit {bits} bits")
