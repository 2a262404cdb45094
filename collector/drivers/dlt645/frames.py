"""Frames of DL/T 645-2007: requests to bytes, bytes to answers, and whether an answer belongs to a request. Pure.

    FE .. FE | 68 | A0 .. A5 | 68 | C | L | data, 33H added to each byte | CS | 16

The address is BCD, its last two digits first, and so are data identifiers. CS is the sum of all bytes from the first
68H on, modulo 256. Up to four FE wake the receiver and carry nothing. Source: DL/T 645-2007, sections 5 to 7.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from collector.errors import MismatchError, RefusedReadError

WILDCARD: Final = "AAAAAAAAAAAA"
"""The address that every meter answers to."""
MOST_WAKE_BYTES: Final = 4
"""FE bytes before a frame, at most."""
MOST_FOLLOWING: Final = 255
"""Follow-up reads of one answer: their number is one byte, counted from 1."""

READ: Final = 0x11
READ_FOLLOWING: Final = 0x12
READ_ADDRESS: Final = 0x13
ANSWERS: Final = 0x80
"""Bit of the control byte that a meter sets and a master does not."""
REFUSES: Final = 0x40
"""Bit of the control byte of an error reply."""
MORE_FOLLOWS: Final = 0x20
"""Bit of the control byte that says that the data goes on in another frame."""

_WAKE, _START, _END = 0xFE, 0x68, 0x16
_OFFSET = 0x33
_ADDRESS, _DATA_ID = 6, 4  # bytes
_SECOND_START, _CONTROL, _LENGTH, _HEADER = 7, 8, 9, 10  # places in a frame, counted from its first 68H
_TRAILER = 2  # checksum and end
_BCD = frozenset(16 * high + low for high in range(10) for low in range(10))
_MAY_BE_ADDRESS = _BCD | {0xAA}
_REMOVE_OFFSET = bytes((byte - _OFFSET) % 256 for byte in range(256))
_ADD_OFFSET = bytes((byte + _OFFSET) % 256 for byte in range(256))

_ERRORS = (
    "other error",
    "no such data",
    "wrong password or no right",
    "baud rate cannot be changed",
    "too many year zones",
    "too many day slots",
    "too many tariffs",
    "reserved bit 7",
)
"""Meaning of the bits of an error reply's one byte, from bit 0."""


class ReadData(msgspec.Struct, frozen=True):
    """A request for one data item, or for a block of them.

    Attributes:
        data_id: data identifier, eight hexadecimal digits as printed, e.g. `00010000`.
        least: fewest bytes of data that a whole answer has.
        most: most bytes.
    """

    data_id: str
    least: int
    most: int

    def __str__(self) -> str:
        return f"data {self.data_id}"


class ReadAddress(msgspec.Struct, frozen=True):
    """A request for the address of the only meter on a line, to be asked with the wildcard."""

    def __str__(self) -> str:
        return "address"


Request = ReadData | ReadAddress


class Frame(NamedTuple):
    """One frame.

    Attributes:
        address: twelve digits as on the nameplate, or with AA in the place of pairs that stand for any.
        control: the control byte.
        data: without the offset of 33H.
    """

    address: str
    control: int
    data: bytes


class Part(NamedTuple):
    """What one frame brought of an answer's data, and whether more follows."""

    data: bytes
    more: bool


def request_frame(address: str, request: Request, sequence: int = 0) -> Frame:
    """The frame that asks for `request`; with a `sequence` from 1 on, for the part of the answer with that number."""
    if isinstance(request, ReadAddress):
        return Frame(address, READ_ADDRESS, b"")
    data_id = _reversed(request.data_id)
    return Frame(address, READ_FOLLOWING, data_id + bytes([sequence])) if sequence else Frame(address, READ, data_id)


def encode(frame: Frame, wake_bytes: int = 0) -> bytes:
    """A frame as it stands on the line, behind so many FE."""
    head = bytes([_START]) + _reversed(frame.address) + bytes([_START, frame.control, len(frame.data)])
    body = head + frame.data.translate(_ADD_OFFSET)
    return bytes([_WAKE]) * wake_bytes + body + bytes([sum(body) % 256, _END])


class FrameReader:
    """Finds frames in what comes in, cut wherever it may be.

    What stands before a frame is passed over: FE, and noise of the line's turning round. A frame that has begun has to
    be whole: one that is damaged is never searched for another one inside it, so that data cannot pass for a frame.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def waiting(self) -> int:
        """How many bytes are there that make no frame yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take in what came."""
        self._buffer += data

    def next(self) -> Frame | None:
        """The next whole frame; None while there is none.

        Raises:
            MismatchError: a frame is damaged; nothing behind it is to be trusted.
        """
        buffer = self._buffer
        del buffer[: _frame_start(buffer)]
        if len(buffer) < _HEADER or len(buffer) < (size := _HEADER + buffer[_LENGTH] + _TRAILER):
            return None
        frame = bytes(buffer[:size])
        if frame[-1] != _END:
            raise MismatchError(f"damaged: a frame ends with {frame[-1]:02X} instead of 16")
        if frame[-_TRAILER] != (due := sum(frame[:-_TRAILER]) % 256):
            raise MismatchError(f"damaged: checksum {frame[-_TRAILER]:02X} instead of {due:02X}")
        del buffer[:size]
        address = frame[1:_SECOND_START][::-1].hex().upper()
        return Frame(address, frame[_CONTROL], frame[_HEADER:-_TRAILER].translate(_REMOVE_OFFSET))


def take_part(frame: Frame, address: str, request: Request, sequence: int = 0) -> Part:
    """What `frame` brings in answer to a request.

    Args:
        frame: what came.
        address: who was asked.
        request: for what.
        sequence: number of the follow-up read, 0 of the first one.

    Raises:
        MismatchError: the frame belongs to another request.
        RefusedReadError: the meter answered with an error byte.
    """
    asked = request_frame(address, request, sequence)
    if address not in (WILDCARD, frame.address):
        raise MismatchError(f"address {frame.address} instead of {address}")
    if frame.control == asked.control | ANSWERS | REFUSES:
        raise _refusal(frame.data)
    follows = MORE_FOLLOWS if isinstance(request, ReadData) else 0
    if frame.control & ~follows != asked.control | ANSWERS:
        raise MismatchError(f"control {frame.control:02X} instead of {asked.control | ANSWERS:02X}")
    if isinstance(request, ReadAddress):
        return Part(_address_data(frame), more=False)
    return Part(_item_data(frame.data, asked.data), bool(frame.control & follows))


def check_size(data: bytes, request: Request) -> None:
    """See that a whole answer has the length that the request's data has.

    Raises:
        MismatchError: it has another one.
    """
    if isinstance(request, ReadData) and not request.least <= len(data) <= request.most:
        due = str(request.least) if request.least == request.most else f"{request.least} to {request.most}"
        raise MismatchError(f"{len(data)} bytes of data instead of {due}")


def error_text(code: int) -> str:
    """The error byte of a reply, bit by bit."""
    named = [text for bit, text in enumerate(_ERRORS) if code >> bit & 1]
    return f"error {code:02X}H: {', '.join(named) or 'no bit is set'}"


def _refusal(data: bytes) -> Exception:
    if len(data) != 1:
        return MismatchError(f"an error reply of {len(data)} bytes instead of 1")
    return RefusedReadError(data[0], error_text(data[0]))


def _address_data(frame: Frame) -> bytes:
    """The address in an answer to `ReadAddress`: it stands in the data, and as the sender too."""
    if len(frame.data) != _ADDRESS or not _BCD.issuperset(frame.data):
        raise MismatchError(f"no address: {frame.data.hex(' ').upper() or 'no data'}")
    if frame.address not in (WILDCARD, frame.data[::-1].hex()):
        raise MismatchError(f"address {frame.data[::-1].hex()} sent by {frame.address}")
    return frame.data


def _item_data(data: bytes, asked: bytes) -> bytes:
    """The data between the identifier, which the answer repeats, and the sequence number of a follow-up."""
    data_id, sequence = asked[:_DATA_ID], asked[_DATA_ID:]
    if data[:_DATA_ID] != data_id:
        raise MismatchError(f"data {_printed(data[:_DATA_ID])} instead of {_printed(data_id)}")
    rest = data[_DATA_ID:]
    if sequence and rest[-1:] != sequence:
        raise MismatchError(f"part {rest[-1:].hex() or 'without a number'} instead of {sequence.hex()}")
    return rest[:-1] if sequence else rest


def _frame_start(buffer: bytearray) -> int:
    """Where a frame begins, or may begin once more has come; the length where nothing does."""
    place = buffer.find(_START)
    while place >= 0:
        address = buffer[place + 1 : place + _SECOND_START]
        second = buffer[place + _SECOND_START : place + _CONTROL]
        if _MAY_BE_ADDRESS.issuperset(address) and all(byte == _START for byte in second):
            return place
        place = buffer.find(_START, place + 1)
    return len(buffer)


def _reversed(digits: str) -> bytes:
    return bytes.fromhex(digits)[::-1]


def _printed(data: bytes) -> str:
    return data[::-1].hex().upper() or "none"
