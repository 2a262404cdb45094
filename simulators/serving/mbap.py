"""Modbus TCP framing: a header with transaction, length and unit. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from simulators.serving.framing import Frame, FrameError
from simulators.serving.pdu import Request

_HEADER = struct.Struct(">HHHBB")
_BEFORE_LENGTH = 6
_LONGEST = 254
"""Unit id and PDU: 1 + 253 bytes."""


class MbapReader:
    """Cuts a byte stream into requests."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Request]:
        """The requests that `data` completes; raises FrameError at the first byte that cannot be Modbus TCP."""
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

    def forget(self) -> None:
        """Drop what is left of an unfinished frame."""
        self._rest = b""


class MbapFraming:
    """Modbus TCP."""

    serial = False

    def reader(self) -> MbapReader:
        """A reader for one connection."""
        return MbapReader()

    def encode(self, frame: Frame) -> bytes:
        """Header and PDU."""
        return struct.pack(">HHHB", frame.transaction, 0, 1 + len(frame.pdu), frame.unit) + frame.pdu
