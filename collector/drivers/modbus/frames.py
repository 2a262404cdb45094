"""Modbus frames as the asking side sees them: requests into bytes, and what of an answer can be trusted. Pure.

An answer is judged as soon as its bytes come, however few: what cannot become the right answer any more is a mismatch
at once. Layouts are those of the Modbus Application Protocol V1.1b3, the messaging guide for TCP V1.0b and the serial
line guide V1.02.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Protocol

from collector.errors import MismatchError, RefusedReadError
from collector.planning.planner import Read

_ERROR_BIT = 0x80
_LAST_TRANSACTION = 0xFFFF

_TCP_REQUEST = struct.Struct(">HHHBBHH")
_TCP_START = struct.Struct(">HHHBBB")
_RTU_REQUEST = struct.Struct(">BBHH")
_FUNCTION_AT = 7
"""Where the function stands in a TCP frame."""
_PDU_START = 3
"""Unit, function and byte count; of a refusal unit, function and exception code."""
_CRC = 2


_Fields = Sequence[tuple[str, int, int]]
"""Name, first byte and end of the parts of a frame's start, in the order in which they are compared."""

_TCP_FIELDS = (("transaction", 0, 2), ("protocol", 2, 4), ("unit", 6, 7), ("function", 7, 8))
# The length is the function's: a refusal is shorter.
_TCP_FIELDS_WITH_FUNCTION = (*_TCP_FIELDS, ("length", 4, 6), ("byte count", 8, 9))
_RTU_FIELDS = (("unit", 0, 1), ("function", 1, 2), ("byte count", 2, 3))

_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target failed to respond",
}
"""What exception codes mean (Application Protocol V1.1b3, section 7)."""


class Asked(Protocol):
    """A request that is on the way, and how to judge what comes."""

    @property
    def frame(self) -> bytes:
        """The request's bytes."""

    @property
    def answer_size(self) -> int:
        """Bytes of the answer that brings the values."""

    def judge(self, received: bytes) -> bytes | None:
        """The data of the answer; None while more has to come.

        Raises:
            MismatchError: what came cannot become the answer.
            RefusedReadError: the device answered with an exception.
        """


class TcpAsked:
    """A request in Modbus TCP and its answer; a transaction number tells answers apart.

    Args:
        transaction: number of the request, 0 to 65 535.
        unit: unit id.
        request: the read.
    """

    __slots__ = ("_function", "_start", "_transaction", "_unit", "answer_size", "frame")

    def __init__(self, transaction: int, unit: int, request: Read) -> None:
        function = request.function_code
        size = request.data_bytes
        self.frame = _TCP_REQUEST.pack(transaction, 0, 6, unit, function, request.address, request.count)
        self._start = _TCP_START.pack(transaction, 0, _PDU_START + size, unit, function, size)
        self._transaction, self._unit, self._function = transaction, unit, function
        self.answer_size = _TCP_START.size + size

    def judge(self, received: bytes) -> bytes | None:
        """See `Asked.judge`."""
        if len(received) == self.answer_size and received.startswith(self._start):
            return received[_TCP_START.size :]
        function_came = len(received) > _FUNCTION_AT
        refused = function_came and received[_FUNCTION_AT] == self._function | _ERROR_BIT
        _compare(
            received,
            self._refusal() if refused else self._start,
            _TCP_FIELDS_WITH_FUNCTION if function_came else _TCP_FIELDS,
        )
        size = _TCP_START.size if refused else self.answer_size
        _compare_end(received, size)
        if refused and len(received) == size:
            raise _refusal(received[-1])
        return None

    def _refusal(self) -> bytes:
        function = self._function | _ERROR_BIT
        return _TCP_START.pack(self._transaction, 0, _PDU_START, self._unit, function, 0)[:-1]


class RtuAsked:
    """A request on a serial line and its answer; only unit, function and length tell answers apart, and a CRC.

    Args:
        unit: unit id.
        request: the read.
    """

    __slots__ = ("_start", "answer_size", "frame")

    def __init__(self, unit: int, request: Read) -> None:
        function = request.function_code
        size = request.data_bytes
        body = _RTU_REQUEST.pack(unit, function, request.address, request.count)
        self.frame = body + crc(body)
        self._start = bytes((unit, function, size))
        self.answer_size = _PDU_START + size + _CRC

    def judge(self, received: bytes) -> bytes | None:
        """See `Asked.judge`."""
        due = self._start
        refused = len(received) > 1 and received[1] == due[1] | _ERROR_BIT
        _compare(received, bytes((due[0], received[1])) if refused else due, _RTU_FIELDS)
        size = _PDU_START + _CRC if refused else self.answer_size
        if len(received) < size:
            return None
        if received[size - _CRC : size] != crc(received[: size - _CRC]):
            raise MismatchError("CRC error")
        _compare_end(received, size)
        if refused:
            raise _refusal(received[_PDU_START - 1])
        return received[_PDU_START:-_CRC]


def next_transaction(transaction: int) -> int:
    """The number after `transaction`; 0 is left out, since some devices give it to answers of their own."""
    return transaction + 1 if transaction < _LAST_TRANSACTION else 1


def crc(data: bytes) -> bytes:
    """The checksum of a frame as it stands on the wire, low byte first: CRC-16 with the polynomial 8005H, reflected."""
    register = 0xFFFF
    for byte in data:
        register = register >> 8 ^ _CRC_TABLE[(register ^ byte) & 0xFF]
    return register.to_bytes(_CRC, "little")


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        register = byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
        table.append(register)
    return tuple(table)


_CRC_TABLE = _crc_table()


def _compare(received: bytes, due: bytes, fields: _Fields) -> None:
    """Compare what came with the start that is due, as far as both go."""
    if received.startswith(due):
        return
    for name, first, end in fields:
        got, wanted = received[first:end], due[first:end]
        if got[: len(wanted)] != wanted[: len(got)]:
            shown = int.from_bytes(got + wanted[len(got) :], "big")
            raise MismatchError(f"{name} {shown} instead of {int.from_bytes(wanted, 'big')}")


def _compare_end(received: bytes, size: int) -> None:
    if len(received) > size:
        raise MismatchError(f"{len(received) - size} bytes after the end")


def _refusal(code: int) -> RefusedReadError:
    meaning = f" ({_EXCEPTIONS[code]})" if code in _EXCEPTIONS else ""
    return RefusedReadError(code, f"exception {code}{meaning}")
