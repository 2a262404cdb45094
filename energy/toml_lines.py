"""Where each key of a TOML document stands, which `tomllib` does not say.

The text must already have passed `tomllib.loads`: the scanner knows just enough TOML to follow a valid document
(https://toml.io/en/v1.0.0) and checks nothing.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\n]+|#[^\n]*)*")
_KEY = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'|[A-Za-z0-9_-]+')
_DOT = re.compile(r"[ \t]*\.[ \t]*")
# Up to two quotes may stand directly before the closing three.
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


def index_lines(text: str) -> dict[Path, int]:
    """Map the path of every table, key and array element to its line, counted from 1.

    A path names keys by their text and array elements by their number from 0: `("unit", 3, "meter", 1, "address")`.
    """
    return _Scanner(text.replace("\r\n", "\n")).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[Path, int] = {}
        self._arrays: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip_blank():
            table = self._header() if self._peek() == "[" else self._entry(table)
        return self._lines

    def _header(self) -> Path:
        """Read `[a.b]` or `[[a.b]]`; return the path that the entries below belong to."""
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        self._skip_blank()
        line, keys = self._line(), self._keys()
        self._skip_blank()
        self._at += 2 if is_array else 1
        return self._open_table(keys, line, is_array=is_array)

    def _open_table(self, keys: list[str], line: int, *, is_array: bool) -> Path:
        path: Path = ()
        for depth, key in enumerate(keys, start=1):
            path += (key,)
            self._lines.setdefault(path, line)
            if is_array and depth == len(keys):
                self._arrays[path] = self._arrays.get(path, -1) + 1
            if path in self._arrays:
                path += (self._arrays[path],)
        # A table may appear first as a parent: its own header is the better place to point at.
        self._lines[path] = line
        return path

    def _entry(self, table: Path) -> Path:
        """Read `key = value` into `table`, and return `table`: the next entry belongs to it as well."""
        line = self._line()
        path = table
        for key in self._keys():
            path += (key,)
            self._lines.setdefault(path, line)
        self._skip_blank()
        self._at += 1  # the equals sign
        self._value(path)
        return table

    def _value(self, path: Path) -> None:
        self._skip_blank()
        opening = self._peek()
        if opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            pattern = _STRING if opening in "\"'" else _SCALAR
            self._take(pattern)

    def _array(self, path: Path) -> None:
        self._at += 1
        position = 0
        while self._skip_blank() and self._peek() != "]":
            element = (*path, position)
            self._lines[element] = self._line()
            self._value(element)
            self._skip_separator()
            position += 1
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._skip_blank() and self._peek() != "}":
            self._entry(path)
            self._skip_separator()
        self._at += 1

    def _keys(self) -> list[str]:
        """Read a possibly dotted key."""
        keys = [_unquote(self._take(_KEY))]
        while match := _DOT.match(self._text, self._at):
            self._at = match.end()
            keys.append(_unquote(self._take(_KEY)))
        return keys

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(f"not a valid TOML document at line {self._line()}")
        self._at = match.end()
        return match.group()

    def _skip_separator(self) -> None:
        self._skip_blank()
        if self._peek() == ",":
            self._at += 1

    def _skip_blank(self) -> bool:
        """Skip white space, line ends and comments; return whether anything is left."""
        match = _BLANK.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at < len(self._text)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _line(self) -> int:
        return bisect_right(self._newlines, self._at - 1) + 1


def _unquote(key: str) -> str:
    """The text of a key: `tomllib` itself resolves the escapes of a quoted one."""
    if key[0] not in "\"'":
        return key
    return str(tomllib.loads(f"key = {key}")["key"])
