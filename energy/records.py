"""Files of records that people fill in: read, and every fault named with its line. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from energy.errors import Fault, RejectedError

MOST_BYTES = 4 << 20
"""Most bytes of a file."""
MOST_ROWS = 20_000
"""Most rows of a file: they are checked and written as one."""
MOST_FIELD_CHARACTERS = 256
"""Most characters of a field."""
DELIMITERS = (",", ";", "\t")
"""What may stand between fields."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,12})?")
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class RecordError(RejectedError):
    """Records that cannot be taken; nothing of them was.

    Attributes:
        faults: all that is wrong with them, in the order of the file.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line))
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n".join([f"{count}, so that nothing was taken:", *map(str, self.faults)]))


@dataclass(frozen=True, slots=True)
class Row:
    """What stands in one line.

    Attributes:
        line: from 1 with the header, as an editor counts.
        cells: by the column's name; only those that are not empty, and none where their number is wrong.
        faults: what is wrong with its form; whoever reads the cells adds what is wrong with these.
    """

    line: int
    cells: Mapping[str, str]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file.

    Attributes:
        names: how its header may read; the first names it everywhere else.
        required: whether each row needs it.
        most_characters: of a field.
    """

    names: tuple[str, ...]
    required: bool = False
    most_characters: int = MOST_FIELD_CHARACTERS


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a file may hold, in bytes and in rows."""

    bytes: int = MOST_BYTES
    rows: int = MOST_ROWS


BOUNDS = Bounds()
"""What is checked and written as one without anybody waiting."""


def read_rows(content: bytes, source: str, columns: Sequence[Column], bounds: Bounds = BOUNDS) -> list[Row]:
    """The rows of a CSV file in UTF-8 or, where it is not that, GB18030; empty lines are passed over.

    Args:
        content: the file.
        source: its name in faults.
        columns: those that it may have, in any order; any other is a fault: a slip in a header must not drop a column.
        bounds: how much it may hold.

    Raises:
        RecordError: the file as a whole, or its header, is wrong; faults of rows come with them.
    """
    lines = _lines(_text(content, source, bounds.bytes), source)
    if not lines:
        raise RecordError([Fault(source, 1, "", f"empty: a header with {_known(columns)} expected")])
    (header_line, header), *rest = lines
    names = _header(source, header_line, _without_trailing(header), columns)
    if len(rest) > bounds.rows:
        raise RecordError([Fault(source, rest[bounds.rows][0], "", f"more than {bounds.rows} rows: divide the file")])
    most = {column.names[0]: column.most_characters for column in columns}
    required = [column.names[0] for column in columns if column.required]
    rows = []
    for line, fields in rest:
        if len(fields) < len(names) or any(fields[len(names) :]):
            wrong = Fault(source, line, "", f"{len(fields)} fields: the header has {len(names)}")
            rows.append(Row(line, {}, (wrong,)))
            continue
        cells = {name: field for name, field in zip(names, fields, strict=False) if field}
        faults = [Fault(source, line, name, "must not be empty") for name in required if name not in cells]
        faults += [
            Fault(source, line, name, what) for name, field in cells.items() if (what := wrong_text(field, most[name]))
        ]
        rows.append(Row(line, cells, tuple(faults)))
    return rows


def exact(text: str) -> Decimal:
    """The number that `text` writes; raises ValueError with what was expected."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r}: a number with a decimal point and no other separator expected, such as 1234.5")
    return Decimal(text)


def wrong_text(text: str, most: int = MOST_FIELD_CHARACTERS) -> str:
    """What is wrong with a text that is kept, of at most `most` characters; empty for nothing."""
    if len(text) > most:
        return f"more than {most} characters"
    return "a line break or another control character" if _CONTROL.search(text) else ""


def _text(content: bytes, source: str, most: int) -> str:
    if len(content) > most:
        raise RecordError([Fault(source, 0, "", f"more than {most} bytes: divide the file")])
    if content.startswith(_UTF_16_MARKS):
        raise RecordError([Fault(source, 1, "", "the file is UTF-16: save it as CSV UTF-8")])
    for charset in ("utf-8-sig", "gb18030"):  # GB18030 takes nearly everything, UTF-8 nearly nothing that it is not
        try:
            return content.decode(charset)
        except UnicodeDecodeError:
            continue
    raise RecordError([Fault(source, 0, "", "neither UTF-8 nor GB18030: save the file as CSV UTF-8")])


def _lines(text: str, source: str) -> list[tuple[int, list[str]]]:
    """The lines that say something, with their numbers."""
    first = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=first.count), strict=True)
    found: list[tuple[int, list[str]]] = []
    try:
        for fields in reader:
            stripped = [field.strip() for field in fields]
            if any(stripped):
                found.append((reader.line_num, stripped))
    except csv.Error as error:
        raise RecordError([Fault(source, reader.line_num, "", f"quotes that do not match: {error}")]) from error
    return found


def _header(source: str, line: int, fields: Sequence[str], columns: Sequence[Column]) -> list[str]:
    aliases = {alias: column.names[0] for column in columns for alias in column.names}
    names = [aliases.get(field.casefold(), "") for field in fields]
    faults = [
        Fault(source, line, field, f"no such column: {_known(columns)} expected")
        for field, name in zip(fields, names, strict=True)
        if not name
    ]
    faults += [
        Fault(source, line, name, "the header has it twice") for name in set(names) if names.count(name) > 1 and name
    ]
    faults += [
        Fault(source, line, "", f"the header has no {' ('.join(column.names[:2])})")
        for column in columns
        if column.required and column.names[0] not in names
    ]
    if faults:
        raise RecordError(faults)
    return names


def _without_trailing(fields: list[str]) -> list[str]:
    """Without the empty columns that spreadsheets leave at the right."""
    return fields[: max((number for number, field in enumerate(fields, start=1) if field), default=0)]


def _known(columns: Iterable[Column]) -> str:
    return ", ".join(column.names[0] for column in columns)
