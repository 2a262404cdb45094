"""Modbus RTU framing: unit, PDU and CRC-16, on a serial line or through a TCP connection. Pure.

A serial device finds the border of frames by silence. Here a request's length follows from its function code, and
where the CRC does not fit the reader moves on by one byte until it does: neither a TCP stream nor a pseudo-terminal
keeps the pauses. Silence still ends a frame that was never finished (`RtuReader.forget`).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulators.serving.framing import Frame
from simulators.serving.pdu import Request

CRC_BYTES = 2

_POLYNOMIAL = 0xA001
"""x^16 + x^15 + x^2 + 1, lowest bit first; Modbus over Serial Line V1.02, section 6.2.2."""
_FIXED = dict.fromkeys((1, 2, 3, 4, 5, 6, 8), 8) | dict.fromkeys((7, 11, 12, 17), 4) | {22: 10, 24: 6, 43: 7}
"""Bytes of a request with its unit and CRC, by function code."""
_COUNTED = {15: (6, 9), 16: (6, 9), 20: (2, 5), 21: (2, 5), 23: (10, 13)}
"""Where a request says how many bytes follow, and the bytes that it has besides."""


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_TABLE = _crc_table()


def crc16(data: bytes) -> bytes:
    """The CRC of a frame as it stands behind it: low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc.to_bytes(CRC_BYTES, "little")


class RtuReader:
    """Cuts a byte stream into requests, and finds its way back after bytes that are none."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Request]:
        """The requests that `data` completes; bytes that belong to no request are dropped."""
        self._rest += data
        while (length := _length(self._rest)) is not None and len(self._rest) >= length:
            frame = self._rest[:length]
            if length and crc16(frame[:-CRC_BYTES]) == frame[-CRC_BYTES:]:
                self._rest = self._rest[length:]
                yield Request(0, frame[0], frame[1], frame[2:-CRC_BYTES])
            else:
                self._rest = self._rest[1:]

    def forget(self) -> None:
        """Drop what is left of an unfinished frame."""
        self._rest = b""


class RtuFraming:
    """Modbus RTU."""

    serial = True

    def reader(self) -> RtuReader:
        """A reader for one connection."""
        return RtuReader()

    def encode(self, frame: Frame) -> bytes:
        """Unit, PDU and CRC."""
        body = bytes((frame.unit,)) + frame.pdu
        return body + crc16(body)


def _length(rest: bytes) -> int | None:
    """Bytes of the request that `rest` begins with: 0 where no request does, None where it is too early to tell."""
    if len(rest) < 2:  # noqa: PLR2004 - unit and function code
        return None
    function = rest[1]
    if function in _FIXED:
        return _FIXED[function]
    if function not in _COUNTED:
        return 0
    at, besides = _COUNTED[function]
    return besides + rest[at] if len(rest) > at else None
