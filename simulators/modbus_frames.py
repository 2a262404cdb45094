"""Modbus TCP frames as a server sees them: requests out of a byte stream, answers into bytes. Pure.

Written for the simulators alone, so that the collector's library is tested against an implementation that is not its
own; docs/adr/0003-own-modbus-server-in-the-simulators.md has the reasons.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from energy.errors import RejectedError

READ_HOLDING_REGISTERS = 3
READ_INPUT_REGISTERS = 4
MOST_REGISTERS = 125

_HEADER = struct.Struct(">HHHBB")
_BEFORE_LENGTH = 6
_ERROR_BIT = 0x80
_LONGEST = 254
"""Unit id and PDU: 1 + 253 bytes."""


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


class FrameError(RejectedError):
    """The bytes are not Modbus TCP: nothing after them on this connection can be trusted."""


class Request(NamedTuple):
    """One request; `body` is what follows the function code."""

    transaction: int
    unit: int
    function: int
    body: bytes

    def span(self) -> tuple[int, int] | None:
        """First address and number of registers of a read; None where the body is not that of a read."""
        if len(self.body) != struct.calcsize(">HH"):
            return None
        address, count = struct.unpack(">HH", self.body)
        return address, count


class FrameReader:
    """Cuts a byte stream into requests; keeps less than one frame between calls."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Request]:
        """The requests that `data` completes; raises FrameError at the first byte that cannot be Modbus."""
        self._rest += data
        while len(self._rest) >= _HEADER.size:
            transaction, protocol, length, unit, function = _HEADER.unpack_from(self._rest)
            if protocol != 0 or not _HEADER.size - _BEFORE_LENGTH <= length <= _LONGEST:
                raise FrameError(f"no Modbus TCP frame: protocol {protocol}, length {length}")
            end = _BEFORE_LENGTH + length
            if len(self._rest) < end:
                return
            body, self._rest = self._rest[_HEADER.size : end], self._rest[end:]
            yield Request(transaction, unit, function, body)


def registers_answer(request: Request, words: Sequence[int]) -> bytes:
    """The frame that gives a read its registers."""
    body = struct.pack(f">B{len(words)}H", 2 * len(words), *words)
    return _frame(request, request.function, body)


def exception_answer(request: Request, code: int) -> bytes:
    """The frame that refuses a request; `code` is an `ExceptionCode` or any byte that a fault script wants."""
    return _frame(request, request.function | _ERROR_BIT, bytes([code]))


def _frame(request: Request, function: int, body: bytes) -> bytes:
    length = _HEADER.size - _BEFORE_LENGTH + len(body)
    return _HEADER.pack(request.transaction, 0, length, request.unit, function) + body
