"""A CSV file as readings and refused lines, as its bytes come. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from energy.errors import WireError
from energy.readings import Reading
from energy.wire import RefusalCode
from ingest.receiving.csv.fields import number, quality, split_fields
from ingest.receiving.csv.layout import Dialect, Layout, decoded, layout_of
from ingest.receiving.csv.lines import MOST_LINE_BYTES, Line, LineSplitter
from ingest.receiving.csv.times import instant_ms


class Refused(msgspec.Struct, frozen=True):
    """Why a line gave no reading: a code of the closed list, and which field is wrong, and how."""

    code: RefusalCode
    detail: str


class Record(msgspec.Struct, frozen=True):
    """What a line of a file says.

    Attributes:
        line: which, from 1.
        content: the line itself, as bytes; of one that is too long the beginning.
        reading: what it gives; checks are still to come.
        refused: why it gives none; one of the two is None.
    """

    line: int
    content: bytes
    reading: Reading | None = None
    refused: Refused | None = None


class CsvDecoder:
    """Decodes one file, in pieces cut anyhow. Lines without any content are passed over.

    Args:
        dialect: what the sender says of the file.

    Attributes:
        layout: what the header shows, None until it has come.
        line: the number of the last line that has come, 0 for none.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.layout: Layout | None = None
        self.line = 0
        self._dialect = dialect
        self._splitter = LineSplitter()

    def feed(self, chunk: bytes) -> Iterator[Record]:
        """The records of the lines that end within `chunk`; it has to be taken to its end before the next.

        Raises:
            WireError: the header cannot be used, and so nothing of the file.
        """
        for line in self._splitter.feed(chunk):
            yield from self._decode(line)

    def finish(self) -> Iterator[Record]:
        """The record of the last line, where nothing ends it.

        Raises:
            WireError: the header cannot be used, or there is none.
        """
        for line in self._splitter.finish():
            yield from self._decode(line)
        if self.layout is None:
            raise WireError(RefusalCode.MALFORMED, "the file is empty: a header line expected")

    def _decode(self, line: Line) -> Iterator[Record]:
        self.line = line.number
        if self.layout is None:
            if line.content.strip():
                self.layout = layout_of(_whole(line), self._dialect)
            return
        try:
            reading = _reading(_whole(line), self.layout, self._dialect)
        except WireError as error:
            refused = Refused(RefusalCode(error.code), error.detail)
            yield Record(line.number, line.content, refused=refused)
            return
        if reading is not None:
            yield Record(line.number, line.content, reading)


def _whole(line: Line) -> bytes:
    if not line.whole:
        raise WireError(RefusalCode.TOO_LARGE, f"the line has more than {MOST_LINE_BYTES} bytes")
    return line.content


def _reading(content: bytes, layout: Layout, dialect: Dialect) -> Reading | None:
    fields = split_fields(decoded(content, dialect.charset), layout.delimiter)
    if not any(fields):
        return None
    if len(fields) != layout.columns:
        # Nothing is guessed: a decimal comma among the delimiters would shift all that follows it.
        raise _malformed(f"{len(fields)} fields where the header has {layout.columns}; a decimal comma among them?")
    point, time, value = (fields[layout.positions[name]] for name in ("point", "time", "value"))
    if not point:
        raise _malformed("point: the code of a measuring point expected")
    at = instant_ms(time, dialect.zone)
    shown = number(value, dialect.decimal)
    named = fields[layout.positions["quality"]] if "quality" in layout.positions else ""
    return Reading(point, at, shown, quality(named, shown))


def _malformed(detail: str) -> WireError:
    return WireError(RefusalCode.MALFORMED, detail)
