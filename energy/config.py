"""TOML configuration as typed values, with every fault listed at once, each with its line.

    settings = load_toml(Path("collector.toml"), Settings)

A service describes its settings as `msgspec.Struct`s: field names are the TOML keys, `msgspec.Meta` gives bounds, and
`__post_init__` raises ValueError for what a single field cannot express. Unknown keys are always faults. Fields of type
`pathlib.Path` start at the directory of the file. Secrets never stand in the TOML: a key names the file that holds one
(`password_file`), and `read_secret` reads it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import msgspec

from energy import toml_lines
from energy.errors import ConfigError, Fault, SetupError
from energy.toml_decode import TomlDecoder

T = TypeVar("T", bound=msgspec.Struct)
Host = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^([^\s.]{1,63}\.)*[^\s.]{1,63}\.?\Z",
        description="a host's name or address, without spaces, no part empty or above 63 characters",
    ),
]
"""A host's name or address. What breaks the pattern no resolver takes, so that trying again would be useless."""
Positive = Annotated[float, msgspec.Meta(gt=0)]
"""A number above zero."""
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
"""Zero or more."""

_SYNTAX_LINE = re.compile(r"^(.*) \(at (?:line (\d+), column \d+|end of document)\)$", re.DOTALL)


def load_toml(path: Path, expected: type[T]) -> T:
    """Read a configuration file into `expected`; raises ConfigError with all its faults."""
    return load_document(path).decode(expected)


def decode_toml(text: str, expected: type[T], source: str) -> T:
    """Decode TOML text into `expected`; `source` names it in faults. Raises ConfigError with all its faults."""
    return parse_document(text, source).decode(expected)


def load_document(path: Path) -> Document:
    """Read and parse a file without decoding it yet; raises ConfigError where it cannot be read or is not TOML."""
    source = str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            (Fault(source, 0, "", f"cannot be read: {error.strerror}"),), advice="Check the path and its permissions."
        ) from error
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError((Fault(source, line, "", "not UTF-8 text"),), advice="Save the file as UTF-8.") from error
    return parse_document(text, source, directory=path.parent)


def parse_document(text: str, source: str, *, directory: Path = Path()) -> Document:
    """Parse TOML text; relative file names in it start at `directory`. Raises ConfigError on a syntax error."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((_syntax_fault(str(error), text, source),)) from error
    except RecursionError as error:
        raise ConfigError((Fault(source, 0, "", "nested too deeply"),)) from error
    return Document(source, content, toml_lines.index_lines(text), directory)


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed TOML document that knows the lines of its keys.

    Attributes:
        source: the name used in faults.
        content: what `tomllib` read.
        lines: the line of each path.
        directory: where relative file names start.
    """

    source: str
    content: dict[str, Any]
    lines: dict[toml_lines.Path, int]
    directory: Path

    def line_of(self, path: toml_lines.Path) -> int:
        """The line of a path such as `("unit", 3, "address")`, else that of the nearest table around it, else 0."""
        while path:
            if (line := self.lines.get(path)) is not None:
                return line
            path = path[:-1]
        return 0

    def decode(self, expected: type[T], *, across: Iterable[tuple[toml_lines.Path, str]] = (), advice: str = "") -> T:
        """Decode the whole document into `expected`; raises ConfigError with all its faults.

        Args:
            expected: what the document describes.
            across: faults that no single value shows, such as two meters at one address, found in `content`: where,
                and what is wrong.
            advice: goes with the error.
        """
        collector = FaultCollector(self)
        decoded = TomlDecoder(collector.add, self.directory).decode(self.content, expected, ())
        for path, message in across:
            collector.add(path, message)
        collector.raise_faults(advice)
        return cast("T", decoded)


class FaultCollector:
    """Gathers faults of one document, so that a check across tables can report all it finds with their lines."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._faults: list[Fault] = []

    def add(self, path: toml_lines.Path, message: str) -> None:
        """Note that something is wrong at `path`."""
        document = self._document
        self._faults.append(Fault(document.source, document.line_of(path), dotted(path), message))

    def raise_faults(self, advice: str = "") -> None:
        """Raise ConfigError with all faults so far, in the order of the file; return where there is none."""
        if self._faults:
            raise ConfigError(tuple(sorted(self._faults)), advice=advice)


def dotted(path: toml_lines.Path) -> str:
    """A path as people write it: `unit[3].meter[1].address`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def read_secret(path: Path) -> str:
    """Read a secret from a file of its own, less the line end; raises SetupError where there is none, or more."""
    try:
        secret = path.read_text(encoding="utf-8").rstrip("\r\n")
    except FileNotFoundError as error:
        raise SetupError(
            f"there is no file {path}, which is to hold a secret",
            advice="Make it, the secret on one line, readable for the service's user alone.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(
            f"the secret in {path} cannot be read: {error}", advice="Make it readable for the service's user."
        ) from error
    if len(secret.splitlines()) > 1 or "\0" in secret:
        raise SetupError(
            f"the secret in {path} is not one line of text",
            advice="Write the secret into it, and nothing else.",
        )
    if not secret:
        raise SetupError(f"the file {path} holds no secret", advice="Write the secret into it, on one line.")
    return secret


def _syntax_fault(message: str, text: str, source: str) -> Fault:
    """`tomllib` of Python 3.11 names the line only inside its message."""
    match = _SYNTAX_LINE.match(message)
    if match is None:
        return Fault(source, 0, "", message)
    line = int(match[2]) if match[2] else text.count("\n") + 1
    return Fault(source, line, "", match[1])
