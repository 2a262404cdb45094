"""The page on the demo explains what the run prints, and lists the carriers that a city file can name."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from deploy.demo.outcome import Flagged, Outcome
from energy.carriers import carriers

PAGE = (Path(__file__).parents[2] / "docs" / "demo-city.md").read_text(encoding="utf-8")


def keys_after(text: str) -> set[str]:
    """The keys in the first column of the first table after `text`."""
    table = re.split(r"^\|[-:| ]+\|$", PAGE.split(text, 1)[1], maxsplit=1, flags=re.MULTILINE)[1].split("\n\n", 1)[0]
    return {key for cell in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) for key in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize(("text", "printed"), [("## The audit", Outcome), ("Each of `flagged`:", Flagged)])
def test_every_key_of_the_outcome_is_explained(text: str, printed: type[msgspec.Struct]) -> None:
    """And none that is not printed."""
    assert keys_after(text) == set(printed.__struct_fields__)


def test_the_carriers_are_those_of_the_data() -> None:
    """With their Chinese names and base units."""
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| (\S+) \|$", PAGE.split("### Carriers", 1)[1], re.MULTILINE)
    assert rows == [(one.key, one.name_zh, one.unit) for one in carriers().values()]
