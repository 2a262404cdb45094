"""The two pages on accounting, and their tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"en": DOCS / "accounting.md", "zh": DOCS / "accounting.zh.md"}
BOTH = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)

Cells = list[str]


def tables(text: str) -> list[list[Cells]]:
    """The body of each table, without its heading."""
    found = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [[[cell.strip() for cell in line.strip("|\n").split("|")] for line in one.splitlines()[2:]] for one in found]


def tables_of(page: Path) -> list[list[Cells]]:
    """All of a page."""
    return tables(page.read_text(encoding="utf-8"))


def tables_after(page: Path, mark: str) -> list[list[Cells]]:
    """Those that follow the comment `<!-- mark -->`, up to the next such comment."""
    _, found, rest = page.read_text(encoding="utf-8").partition(f"<!-- {mark} -->\n")
    assert found, mark
    return tables(rest.split("<!-- ", 1)[0])


def table(page: Path, mark: str) -> list[Cells]:
    """The first of them."""
    return tables_after(page, mark)[0]


def code(cell: str) -> list[str]:
    """What stands as code in a cell."""
    return re.findall(r"`([^`]+)`", cell)
