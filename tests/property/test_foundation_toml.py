"""Lines of TOML keys, and completeness of the fault list, for generated documents."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.config import decode_toml
from energy.errors import ConfigError
from energy.toml_lines import Path, index_lines

BARE = st.text("abcdefXYZ0123_-", min_size=1, max_size=4)
QUOTED = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=4)
SPACE = st.sampled_from(["", " ", "\t", "  "])
BREAK = st.sampled_from(["", " ", "\n", '\n  # a ] comment } with "brackets" \'\n', "\r\n"])
STRINGS = st.sampled_from(
    [
        '""',
        '"a # b = [c]"',
        '"\\" ] \\\\"',
        "'[x] = \\'",
        '"""\none\n[two]\nthree = 4\\\n   """',
        '"""quotes "" and """""',
        "'''\n'' = '\n'''",
        "''''a''''",
    ]
)
SCALARS = STRINGS | st.sampled_from(
    ["1", "-0.5e3", "true", "inf", "0x1F", "2026-03-01T00:00:00+08:00", "2026-03-01 08:00:00", "07:32:00"]
)


@st.composite
def key(draw: st.DrawFn) -> tuple[str, str]:
    """A key as text and as written: bare, in double or in single quotes."""
    kind = draw(st.sampled_from(["bare", "basic", "literal"]))
    if kind == "bare":
        name = draw(BARE)
        return name, name
    name = draw(QUOTED)
    if kind == "literal" and "'" not in name:
        return name, f"'{name}'"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return name, f'"{escaped}"'


def arrays(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Arrays over one or several lines, with comments and a trailing comma."""

    @st.composite
    def array(draw: st.DrawFn) -> str:
        items = draw(st.lists(values, max_size=3))
        inner = ",".join(draw(BREAK) + item + draw(BREAK) for item in items)
        comma = draw(st.sampled_from(["", ","])) if items else ""
        return f"[{inner}{comma}{draw(BREAK)}]"

    return array()


def inline_tables(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Inline tables, on one line."""

    @st.composite
    def table(draw: st.DrawFn) -> str:
        names = draw(st.lists(key(), max_size=3, unique_by=lambda name: name[0]))
        entries = [f"{written}{draw(SPACE)}={draw(SPACE)}{draw(values)}" for _, written in names]
        return "{ " + ", ".join(entries) + " }"

    return table()


VALUES = st.recursive(SCALARS, lambda values: arrays(values) | inline_tables(values), max_leaves=6)


@st.composite
def entries(draw: st.DrawFn) -> str:
    """Lines `key = value`, some with dotted keys, comments and blank lines between."""
    names = draw(st.lists(key(), max_size=4, unique_by=lambda name: name[0]))
    lines = []
    for _, written in names:
        dotted = "".join(f"{draw(SPACE)}.{draw(SPACE)}{draw(key())[1]}" for _ in range(draw(st.integers(0, 2))))
        comment = draw(st.sampled_from(["", " # note", "\n", "\n\t# = [ \n"]))
        lines.append(f"{draw(SPACE)}{written}{dotted} = {draw(VALUES)}{comment}\n")
    return "".join(lines)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Whole documents; `[table]` and `[[array]]` headers may collide, which tomllib then refuses."""
    parts = [draw(entries())]
    for _ in range(draw(st.integers(0, 4))):
        names = draw(st.lists(key() | st.sampled_from([("a", "a"), ("b", "b")]), min_size=1, max_size=3))
        header = f"{draw(SPACE)}.{draw(SPACE)}".join(written for _, written in names)
        opening, closing = draw(st.sampled_from([("[", "]"), ("[[", "]]"), ("[[ ", " ]]")]))
        parts.append(f"{opening}{header}{closing}\n{draw(entries())}")
    return "".join(parts)


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every table, array element and value that tomllib found."""
    if path:
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in pairs:
        yield from leaves(item, (*path, name))


@given(documents())
def test_every_path_that_tomllib_finds_has_a_line_and_no_other_has(text: str) -> None:
    """The scanner follows whatever tomllib accepts."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = index_lines(text)
    assert set(lines) == set(leaves(content))
    count = text.count("\n") + 1
    rows = text.replace("\r\n", "\n").split("\n")
    for path, line in lines.items():
        assert 1 <= line <= count
        name = path[-1]
        if isinstance(name, str) and name.isalnum():
            assert name in rows[line - 1], (path, line)


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("[[u]]\n[[u.m]]\n[[u.m]]\na = 1\n[[u]]\n[[u.m]]\na = 2", ("u", 1, "m", 0, "a"), 7),
        ("[[u]]\n[[u.m]]\n[[u.m]]\na = 1\n[[u]]\n[[u.m]]\na = 2", ("u", 0, "m", 1), 3),
        ("[a.b]\nx = 1\n[a]\ny = 2", ("a",), 3),
        ("x = [\n  1, # one\n  { y = 2 },\n]", ("x", 1, "y"), 3),
        ('x = """\n\n"""\n"y.z" . w = 1', ("y.z", "w"), 4),
    ],
)
def test_known_places(text: str, path: Path, line: int) -> None:
    """Nested arrays of tables, headers after their children, and values over several lines."""
    assert index_lines(text)[path] == line


class Meter(msgspec.Struct):
    """One meter of the generated documents."""

    code: str
    ratio: Annotated[float, msgspec.Meta(gt=0)]
    note: str = ""


class Unit(msgspec.Struct):
    """One unit of the generated documents."""

    name: str
    meter: list[Meter]


class City(msgspec.Struct):
    """The generated document."""

    unit: list[Unit]


KINDS = ["fine", "missing", "type", "unknown"]


@given(st.data())
def test_exactly_the_injected_faults_are_reported_with_their_lines(data: st.DataObject) -> None:
    """However many faults there are, each is listed once, and nothing else."""
    rows: list[str] = []
    expected: set[tuple[int, str, str]] = set()

    def add(table: str, table_line: int, name: str, value: str) -> None:
        kind = data.draw(st.sampled_from(KINDS))
        if kind == "unknown":
            # No misspelling of anything; its number keeps two of them in one table apart.
            stranger = f"zz{len(rows)}"
            rows.append(f"{stranger} = 1")
            expected.add((len(rows), f"{table}.{stranger}", "unknown key"))
        if kind == "missing":
            expected.add((table_line, f"{table}.{name}", "missing key"))
            return
        rows.append(f"{name} = {'true' if kind == 'type' else value}")
        if kind == "type":
            expected.add((len(rows), f"{table}.{name}", "expected"))

    for unit in range(data.draw(st.integers(1, 3))):
        rows.append("[[unit]]")
        add(f"unit[{unit}]", len(rows), "name", "'x'")
        meters = data.draw(st.integers(0, 3))
        if not meters:
            rows.append("meter = []")
        for meter in range(meters):
            rows.append("[[unit.meter]] # one more")
            header = len(rows)
            add(f"unit[{unit}].meter[{meter}]", header, "code", "'M'")
            add(f"unit[{unit}].meter[{meter}]", header, "ratio", "80")

    assert found("\n".join(rows)) == expected


def found(text: str) -> set[tuple[int, str, str]]:
    """The faults of a City, each message cut to the words that name its kind."""
    try:
        decode_toml(text, City, "city.toml")
    except ConfigError as error:
        faults = [(fault.line, fault.path, fault.message) for fault in error.faults]
        assert len(faults) == len(set(faults))
        return {(line, path, kind_of(message)) for line, path, message in faults}
    return set()


def kind_of(message: str) -> str:
    """The words that name the kind of a fault."""
    return next(kind for kind in ("unknown key", "missing key", "expected") if message.startswith(kind))
