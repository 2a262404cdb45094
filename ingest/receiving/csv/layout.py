"""What a file is like: what its sender says of it, and what its first line shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec

from energy.errors import WireError
from energy.wire import RefusalCode
from ingest.receiving.csv.fields import DECIMALS, split_fields

DELIMITERS = (",", ";", "\t")
"""What may stand between fields."""

_CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030"}
_MARKS = {"utf-8": b"\xef\xbb\xbf", "gb18030": b"\x84\x31\x95\x33"}
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_NAMES = {
    "point": ("point", "测点"),
    "time": ("time", "时间"),
    "value": ("value", "数值"),
    "quality": ("quality", "质量"),
}
_REQUIRED = ("point", "time", "value")


class Dialect(msgspec.Struct, frozen=True):
    """What the sender says.

    Attributes:
        charset: `utf-8` or `gb18030`.
        zone: where times without an offset are from, None where they need one.
        decimal: how fractions are written, one of `DECIMALS`.
    """

    charset: str = "utf-8"
    zone: ZoneInfo | None = None
    decimal: str = "point"

    @classmethod
    def of(cls, *, charset: str | None, time_zone: str | None, decimal: str | None) -> Dialect:
        """From what stands in a request; None is the usual.

        Raises:
            WireError: `malformed`, with what was expected.
        """
        known = _CHARSETS.get((charset or "utf-8").casefold())
        if known is None:
            raise WireError(RefusalCode.MALFORMED, f"charset {charset!r}: utf-8 or gb18030 expected")
        if decimal is not None and decimal not in DECIMALS:
            raise WireError(RefusalCode.MALFORMED, f"decimal {decimal!r}: {' or '.join(DECIMALS)} expected")
        return cls(known, None if time_zone is None else _zone(time_zone), decimal or "point")


class Layout(msgspec.Struct, frozen=True):
    """What the header shows.

    Attributes:
        delimiter: one of `DELIMITERS`.
        columns: how many there are.
        positions: where point, time, value and, where there is one, quality stand, from 0.
        passed_over: the names of all others.
    """

    delimiter: str
    columns: int
    positions: Mapping[str, int]
    passed_over: tuple[str, ...]


def layout_of(content: bytes, dialect: Dialect) -> Layout:
    """Read the header line.

    Raises:
        WireError: `malformed` or `too_large`, with what was expected.
    """
    if content.startswith(_UTF_16_MARKS):
        raise WireError(RefusalCode.MALFORMED, "the file is UTF-16: save it as CSV UTF-8")
    text = decoded(content.removeprefix(_MARKS[dialect.charset]), dialect.charset)
    best = _with(text, max(DELIMITERS, key=lambda delimiter: _known(text, delimiter)))
    if missing := [name for name in _REQUIRED if name not in best.positions]:
        columns = "point, time, value (测点, 时间, 数值) and perhaps quality (质量)"
        raise WireError(RefusalCode.MALFORMED, f"the header has no {', '.join(missing)}: {columns} expected")
    if dialect.decimal == "comma" and best.delimiter == ",":
        raise WireError(RefusalCode.MALFORMED, "a decimal comma needs semicolons or tabs between the fields")
    return best


def decoded(content: bytes, charset: str) -> str:
    """The text of a line.

    Raises:
        WireError: `malformed`, with a hint at the other charset.
    """
    try:
        return content.decode(charset)
    except UnicodeDecodeError as error:
        other = "gb18030 (as Excel in China writes)" if charset == "utf-8" else "utf-8"
        raise WireError(
            RefusalCode.MALFORMED, f"byte {error.start + 1} of the line is not {charset}: is the charset {other}?"
        ) from error


def _known(text: str, delimiter: str) -> int:
    """How many columns of ours there would be; their names contain neither quotes nor delimiters."""
    names = {name.strip().casefold() for name in text.replace('"', "").split(delimiter)}
    return sum(not names.isdisjoint(aliases) for aliases in _NAMES.values())


def _with(text: str, delimiter: str) -> Layout:
    names = [name.casefold() for name in split_fields(text, delimiter)]
    positions: dict[str, int] = {}
    for column, aliases in _NAMES.items():
        found = [position for position, name in enumerate(names) if name in aliases]
        if len(found) > 1:
            raise WireError(RefusalCode.MALFORMED, f"the header names {column} {len(found)} times")
        if found:
            positions[column] = found[0]
    known = set(positions.values())
    others = tuple(name for position, name in enumerate(names) if position not in known and name)
    return Layout(delimiter, len(names), positions, others)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # no key, a path, a folder of the database
        raise WireError(RefusalCode.MALFORMED, f"time_zone {name!r}: a name such as Asia/Shanghai expected") from error
