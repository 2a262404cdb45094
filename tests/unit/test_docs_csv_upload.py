"""The pages on CSV upload say what the code does: their files are read, their bounds and words are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from energy.readings import Quality, Reading
from energy.wire import RefusalCode
from ingest.receiving.csv.fields import MOST_COLUMNS, MOST_FIELD_CHARACTERS, quality
from ingest.receiving.csv.lines import MOST_LINE_BYTES
from ingest.receiving.csv.pieces import MOST_LINES
from ingest.receiving.csv.report import MOST_POINTS, Summary
from ingest.receiving.csv.route import MOST_UPLOADS
from tests.support.csv_files import entries_of, records_of

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "csv-upload.md").read_text(encoding="utf-8")
SUMMARY = (DOCS / "csv-upload.zh.md").read_text(encoding="utf-8")


def block(page: str, language: str) -> str:
    """The first block of code in that language."""
    return page.split(f"```{language}\n", 1)[1].split("```", 1)[0]


@pytest.mark.parametrize("page", [PAGE, SUMMARY], ids=["en", "zh"])
def test_the_file_of_the_page_is_read(page: str) -> None:
    """To the readings that it shows."""
    at = 1_772_324_100_000
    assert [record.reading for record in records_of(block(page, "csv").encode())] == [
        Reading("610303-0001-E1", at, 1234.5, Quality.MANUAL),
        Reading("610303-0001-E1", at + 900_000, 1236.25, Quality.MANUAL),
        Reading("610303-0001-G1", at + 900_000, None, Quality.NOT_AVAILABLE),
    ]


def test_the_report_of_the_page_is_one() -> None:
    """Every kind of object, and a summary that adds up."""
    entries = entries_of(block(PAGE, "json").encode())
    assert len({type(entry) for entry in entries}) == 5
    end = entries[-1]
    assert isinstance(end, Summary)
    assert end.lines == end.stored + end.repeated + end.conflicting + end.refused


def test_bounds_are_those_of_the_code() -> None:
    """Of lines, fields, columns, points and uploads."""
    assert f"| a line | {MOST_LINE_BYTES} bytes |" in PAGE
    assert f"| a field | {MOST_FIELD_CHARACTERS} characters |" in PAGE
    assert f"| columns | {MOST_COLUMNS} |" in PAGE
    assert f"with the {MOST_LINES} lines around" in PAGE
    assert f"the first {MOST_POINTS} are counted" in PAGE
    assert f"at most {MOST_UPLOADS} on a worker" in PAGE


def test_the_words_for_qualities_are_known() -> None:
    """Each means what its row says."""
    rows = re.findall(r"^\| ([0-3]) \| (`.+) \|$", PAGE, re.MULTILINE)
    assert [int(code) for code, _ in rows] == list(Quality)
    for code, words in rows:
        for word in re.findall(r"`([^`]+)`", words):
            assert quality(word, 1.0) == int(code)


def test_every_code_that_a_line_may_have_is_explained() -> None:
    """All of the list but those of an envelope alone."""
    table = PAGE.split("| code | here it means |", 1)[1].split("\n\n", 1)[0]
    cells = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    explained = {word for cell in cells for word in re.findall(r"`(\w+)`", cell)}
    assert explained == {code.value for code in RefusalCode} - {RefusalCode.UNSUPPORTED_VERSION.value}
