"""Modbus requests and answers without their framing: function code and body. Pure.

Written for the simulators alone, so that the collector's library is tested against an implementation that is not its
own; docs/adr/0003-own-modbus-server-in-the-simulators.md has the reasons.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

READ_COILS = 1
READ_DISCRETE_INPUTS = 2
READ_HOLDING_REGISTERS = 3
READ_INPUT_REGISTERS = 4
ERROR_BIT = 0x80
"""Added to the function code of an answer that refuses."""

_SPAN = struct.Struct(">HH")
_BITS_A_BYTE = 8


class ExceptionCode(IntEnum):
    """Why a server refuses, Modbus Application Protocol V1.1b3, section 7."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4
    ACKNOWLEDGE = 5
    DEVICE_BUSY = 6
    GATEWAY_PATH_UNAVAILABLE = 0x0A
    GATEWAY_TARGET_FAILED = 0x0B


class Request(NamedTuple):
    """One request; `body` is what follows the function code. Serial framings have no transaction: it is 0."""

    transaction: int
    unit: int
    function: int
    body: bytes

    def span(self) -> tuple[int, int] | None:
        """First address and number of registers or bits of a read; None where the body is not that of a read."""
        if len(self.body) != _SPAN.size:
            return None
        address, count = _SPAN.unpack(self.body)
        return address, count


def registers_pdu(function: int, words: Sequence[int]) -> bytes:
    """The answer that gives a read its registers."""
    return struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)


def bits_pdu(function: int, bits: Sequence[int]) -> bytes:
    """The answer that gives a read its coils or discrete inputs: eight to a byte, the lowest bit first."""
    size = -(-len(bits) // _BITS_A_BYTE)
    number = sum(bit << at for at, bit in enumerate(bits))
    return bytes((function, size)) + number.to_bytes(size, "little")


def exception_pdu(function: int, code: int) -> bytes:
    """The answer that refuses a request; `code` is an `ExceptionCode` or any byte that a fault script wants."""
    return bytes((function | ERROR_BIT, code))
