"""The pages on entries and edits say what the code does: files, words and bounds are the code's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import click
import msgspec
import pytest

from deploy.cli import root
from energy import records
from energy.words import UNIT_WORDS
from ingest.accounting.edits.checks import edit_from
from ingest.accounting.edits.model import EditedPoint
from ingest.accounting.edits.model import Kind as EditKind
from ingest.accounting.edits.replacements import COLUMNS as EDIT_COLUMNS
from ingest.accounting.edits.replacements import replacements
from ingest.accounting.entries.checks import entry_from
from ingest.accounting.entries.files import COLUMNS, entries_in
from ingest.accounting.entries.model import Entry, EntryUnit, Kind, Product
from ingest.accounting.entries.words import KINDS
from ingest.receiving.entries import route

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    "en": (DOCS / "entries.md").read_text(encoding="utf-8"),
    "zh": (DOCS / "entries.zh.md").read_text(encoding="utf-8"),
}
BOTH = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
UNIT = EntryUnit(7, "U-0001", "Asia/Shanghai", {"clinker": Product("clinker", "t")})
TODAY = date(2026, 4, 1)
POINT = EditedPoint(1, "U-0001-E1", "register", Decimal("0.001"), "kWh", "Asia/Shanghai")
APRIL_MS = 1_775_000_000_000


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code in that language."""
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the first table whose head begins so, as cells."""
    body = page.split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()[2:]]


def words(cell: str) -> list[str]:
    """The words of a cell that stand as code."""
    return re.findall(r"`([^`]+)`", cell)


def entries(page: str) -> list[Entry]:
    """Those of the page's file."""
    given = entries_in(blocks(page, "csv")[0].encode(), "page", author="Li")
    return [entry_from(one, UNIT, TODAY) for one in given]


@BOTH
def test_the_file_of_the_page_is_taken(page: str) -> None:
    """In GB18030 too; each row says what it seems to say, and both pages say the same figures."""
    found = entries(page)
    assert [(one.key.kind, one.key.subject, one.amount, one.unit) for one in found][:3] == [
        (Kind.PURCHASE, "raw_coal", Decimal("1250.5"), "t"),
        (Kind.STOCK, "raw_coal", Decimal(420), "t"),
        (Kind.SALE, "heat", Decimal(800), "GJ"),
    ]
    assert [(one.key, one.amount) for one in found] == [(one.key, one.amount) for one in entries(PAGES["en"])]


@BOTH
def test_the_file_of_replacements_is_taken(page: str) -> None:
    """With times of both sorts."""
    given = replacements(blocks(page, "csv")[1].encode("gb18030"), "page", author="Li", reason="spring")
    first, second = (edit_from(one, POINT, APRIL_MS) for one in given)
    assert (first.kind, first.until - first.since, first.old_end) == (EditKind.REPLACEMENT, 30 * 60_000, 99871.4)
    assert (second.since, second.until, given[1].reason) == (second.until, second.since, "spring")


@BOTH
def test_kinds_and_units_of_measure_are_those_of_the_code(page: str) -> None:
    """Every word for each."""
    rows = table(page, "kind | or" if page == PAGES["en"] else "类别 | 或")
    assert {word: Kind(words(row[0])[0]) for row in rows for word in words(row[0]) + words(row[1])} == KINDS
    assert {words(row[0])[0] for row in rows if row[2] in {"a carrier", "能源品种"}} == {
        kind.value for kind in Kind if kind.of_carrier
    }
    symbols = table(page, "written" if page == PAGES["en"] else "写法")
    assert {word: words(row[1])[0] for row in symbols for word in words(row[0])} == UNIT_WORDS


@BOTH
def test_columns_are_those_of_the_code(page: str) -> None:
    """With all names."""
    rows = table(page, "column | or" if page == PAGES["en"] else "列 | 或")
    assert [(*words(row[0]), *words(row[1])) for row in rows] == [column.names for column in COLUMNS]


@BOTH
def test_each_command_of_edits_has_an_example(page: str) -> None:
    """One for each kind of edit, and for what can be done with them."""
    shown = {
        " ".join(words[1:3] if words[1] == "add" else words[1:2]) for words in commands(page) if words[0] == "edits"
    }
    assert shown >= {*(f"add {kind}" for kind in EditKind), "import", "list", "undo"}


def test_columns_of_replacements_are_those_of_the_code() -> None:
    """The second table of columns."""
    rows = table(PAGES["en"].split("## Edits of readings")[1], "column | or")
    assert [(*words(row[0]), *words(row[1])) for row in rows] == [column.names for column in EDIT_COLUMNS]
    assert [words(row[0])[0] for row in table(PAGES["en"], "edit")] == list(EditKind)


@BOTH
def test_bounds_are_those_of_the_code(page: str) -> None:
    """Of files, fields and requests."""
    for bound in (records.MOST_BYTES, records.MOST_ROWS, records.MOST_FIELD_CHARACTERS, route.MOST_BYTES):
        assert re.search(rf"\b{bound} ?(bytes|rows|characters|字节|行|个字符)", page)
    assert re.search(rf"(At most|最多) {route.MOST_ENTRIES}\b", page)
    assert re.search(rf"(first|最多列出) {route.MOST_FAULTS}\b", page)
    assert route.ENTRIES_PATH in page


@BOTH
def test_the_request_of_the_page_is_taken(page: str) -> None:
    """Without the unit, which is the gateway's."""
    given = route.from_json(blocks(page, "json")[0].encode(), "gateway", "U-0001")
    assert [entry_from(one, UNIT, TODAY).amount for one in given] == [Decimal("1250.5")]
    assert given[0].author in {"Li Wei", "李伟"}


def test_the_answers_of_the_page_are_such() -> None:
    """Of what is taken, and of what is refused."""
    _, taken, refused = blocks(PAGES["en"], "json")
    assert msgspec.json.decode(taken, type=route.Answer).taken[0].replaced == 12
    assert msgspec.json.decode(refused, type=route.Refused).count == 1


def commands(page: str) -> Iterator[list[str]]:
    """The words of every command on the page."""
    for line in re.findall(r"^quotawatt (.+)$", page, re.MULTILINE):
        yield shlex.split(line)


@pytest.mark.parametrize("line", [line for page in PAGES.values() for line in commands(page)], ids=" ".join)
def test_every_command_of_the_page_is_one(line: list[str]) -> None:
    """It is parsed as it stands, with all that it needs."""
    command: click.Command = root
    left = list(line)
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), left.pop(0))
        assert found is not None, line
        command = found
    assert command.make_context("command", left).params
