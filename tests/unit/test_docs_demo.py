"""The page on the demo explains what the run prints, and lists the carriers that a city file can name."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from deploy.demo.outcome import Flagged, Outcome
from energy.carriers import carriers
from tests.support.rule_pages import both, same_but_for_words

BOTH = both("demo-city")


def test_both_pages_have_the_same_tables_and_figures() -> None:
    """What differs are words."""
    same_but_for_words("demo-city")


def keys_after(page: Path, text: str) -> set[str]:
    """The keys in the first column of the first table after `text`."""
    told = page.read_text(encoding="utf-8")
    table = re.split(r"^\|[-:| ]+\|$", told.split(text, 1)[1], maxsplit=1, flags=re.MULTILINE)[1].split("\n\n", 1)[0]
    return {key for cell in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) for key in re.findall(r"`(\w+)`", cell)}


@BOTH
@pytest.mark.parametrize(("anchor", "printed"), [("audit", Outcome), ("flagged", Flagged)])
def test_every_key_of_the_outcome_is_explained(page: Path, anchor: str, printed: type[msgspec.Struct]) -> None:
    """And none that is not printed."""
    assert keys_after(page, f"<!-- {anchor} -->") == set(printed.__struct_fields__)


@BOTH
def test_the_carriers_are_those_of_the_data(page: Path) -> None:
    """With their Chinese names and base units."""
    told = page.read_text(encoding="utf-8").split("<!-- carriers -->", 1)[1]
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| (\S+) \|$", told, re.MULTILINE)
    assert rows == [(one.key, one.name_zh, one.unit) for one in carriers().values()]
