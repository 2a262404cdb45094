"""What framings have in common: how a line's bytes become requests, and answers become bytes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from energy.errors import RejectedError
from simulators.serving.pdu import Request


class FrameError(RejectedError):
    """The bytes are not of this framing: nothing after them on this connection can be trusted."""


class Frame(NamedTuple):
    """An answer before it is framed; `transaction` means nothing on a serial line."""

    transaction: int
    unit: int
    pdu: bytes


class RequestReader(Protocol):
    """Cuts a stream of bytes into requests; keeps less than one frame between calls."""

    def feed(self, data: bytes) -> Iterator[Request]:
        """The requests that `data` completes; raises FrameError where the stream cannot be followed any further."""

    def forget(self) -> None:
        """Drop the beginning of a frame that was never finished."""


class Framing(Protocol):
    """One way to put requests and answers on a line.

    Attributes:
        serial: whether units share a bus: no transaction numbers, a checksum, silence for a unit that nobody has, and
            a beginning without an end is dropped after a pause.
    """

    serial: bool

    def reader(self) -> RequestReader:
        """A reader for one connection."""

    def encode(self, frame: Frame) -> bytes:
        """The bytes of an answer."""
