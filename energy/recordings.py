"""Recorded polls as a file: one line of JSON for what was recorded, then one for each exchange.

    {"format":"quotawatt-recording-1","lines":[{"name":"hall-1","kind":"modbus-tcp","meters":[{"unit":1,"profile":"…"}]}]}
    {"line":"hall-1","at":1772294400000,"unit":1,"function":4,"address":72,"count":2,"delay_ms":5.2,"answer":"461c4000"}
    {"line":"hall-1","at":1772294460000,"unit":1,"function":4,"address":72,"count":2,"delay_ms":1000.3,"error":"silent"}

The collector writes it, simulated meters replay it. A file whose name ends in `.gz` is packed with gzip. Nothing in it
depends on where it was recorded: no host, no password, no name of a point.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Self, TypeVar, cast

import msgspec

from energy.errors import RecordingError, StorageError

FORMAT = "quotawatt-recording-1"

_PACKED = ".gz"

T = TypeVar("T")
Unit = int | str
"""A Modbus unit id, or an address of another protocol as its line writes it."""


class Failure(StrEnum):
    """Why an exchange gave no answer."""

    SILENT = "silent"
    """No answer in time."""
    REFUSED = "refused"
    """The device refused; a Modbus one said with which exception."""
    MISMATCH = "mismatch"
    """What came belonged to another request, or was damaged."""
    LOST = "lost"
    """The connection broke meanwhile."""
    UNREACHABLE = "unreachable"
    """There was no connection."""


class RecordedMeter(msgspec.Struct, frozen=True):
    """A unit of a recorded line."""

    unit: Unit
    profile: str


class RecordedLine(msgspec.Struct, frozen=True):
    """A recorded line: its name, its kind as in the collector's configuration, its meters."""

    name: str
    kind: str
    meters: tuple[RecordedMeter, ...] = ()


class Header(msgspec.Struct, frozen=True):
    """The first line of a file."""

    lines: tuple[RecordedLine, ...]
    format: str = FORMAT


class Recorded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One exchange.

    Attributes:
        line: name of the line.
        at: data time of the request, ms UTC.
        unit: who was asked.
        function, address, count: what was asked, in Modbus; otherwise absent.
        request: what was asked, in another protocol, as text.
        delay_ms: real milliseconds from the request to the answer, or until it was given up.
        answer: payload of the answer, hexadecimal: of a Modbus read what follows the byte count.
        error: why there is none.
        code: exception code of a Modbus device that refused.
    """

    line: str
    at: int
    unit: Unit
    function: int | None = None
    address: int | None = None
    count: int | None = None
    request: str = ""
    delay_ms: Annotated[float, msgspec.Meta(ge=0)]
    answer: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2})*\Z")] | None = None
    error: Failure | None = None
    code: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None

    def __post_init__(self) -> None:
        if (self.answer is None) == (self.error is None):
            raise ValueError("an exchange has either an answer or an error")

    @property
    def data(self) -> bytes | None:
        """The answer's payload as bytes."""
        return None if self.answer is None else bytes.fromhex(self.answer)


class Recording(msgspec.Struct, frozen=True):
    """A whole file."""

    header: Header
    exchanges: tuple[Recorded, ...]


def encode_line(one: Header | Recorded) -> bytes:
    """One line of a file, with its line end."""
    return msgspec.json.encode(one) + b"\n"


def decode_recording(lines: Iterable[bytes], source: str) -> Recording:
    """The recording in the lines of a file.

    Args:
        lines: with or without line ends.
        source: name of the file, for errors.

    Raises:
        RecordingError: the first line that is wrong, by its number.
    """
    rows = enumerate(lines, 1)
    _, first = next(rows, (1, b""))
    header = _decode(first, Header, source, 1)
    if header.format != FORMAT:
        raise RecordingError(f"{source}:1: format {header.format!r} instead of {FORMAT!r}")
    names = {line.name for line in header.lines}
    exchanges = []
    for number, row in rows:
        one = _decode(row, Recorded, source, number)
        if one.line not in names:
            raise RecordingError(f"{source}:{number}: line {one.line!r} is none of the header's")
        exchanges.append(one)
    return Recording(header, tuple(exchanges))


def load_recording(path: Path) -> Recording:
    """The recording in a file.

    Raises:
        RecordingError: it cannot be read, or the first line that is wrong, by its number.
    """
    try:
        with _open(path, "rb") as file:
            return decode_recording(file, str(path))
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingError(f"{path} cannot be read: {error}") from error


class RecordingWriter:
    """Writes a file, exchange by exchange; a context manager.

    A file that is not packed has each exchange as soon as `write` returns; gzip keeps some until the end, as it packs
    well only what it sees together.

    Args:
        path: a new file; one that exists is not overwritten.
        header: its first line.

    Raises:
        StorageError: it exists already, or cannot be written; likewise by `write` and `close`.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self._path = path
        self._packed = path.suffix == _PACKED
        with self._translated():
            self._file = _open(path, "xb")
        self._put(header)

    def write(self, one: Recorded) -> None:
        """Append one exchange."""
        self._put(one)

    def close(self) -> None:
        """Finish the file."""
        with self._translated():
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _put(self, one: Header | Recorded) -> None:
        with self._translated():
            self._file.write(encode_line(one))
            if not self._packed:
                self._file.flush()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(f"{self._path} cannot be written: {error.strerror or error}") from error


def exchanges_of(recording: Recording, line: str) -> Iterator[Recorded]:
    """The exchanges of one line, in the order in which they were recorded."""
    return (one for one in recording.exchanges if one.line == line)


def _open(path: Path, mode: str) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, mode) if path.suffix == _PACKED else path.open(mode))


def _decode(row: bytes, kind: type[T], source: str, number: int) -> T:
    try:
        return msgspec.json.decode(row, type=kind)
    except msgspec.DecodeError as error:
        raise RecordingError(f"{source}:{number}: {error}") from error
