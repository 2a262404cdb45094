"""The page on Sparkplug says what the code does: its tables of settings, its examples, its reasons."""

from __future__ import annotations

import re
from pathlib import Path

from energy.config import decode_toml
from energy.sparkplug.payload import MOST_BYTES, MOST_METRICS
from ingest.receiving.sparkplug.mapping_file import MappingFile, MetricEntry
from ingest.receiving.sparkplug.network import _KEPT
from ingest.receiving.sparkplug.settings import SparkplugSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sparkplug.md").read_text(encoding="utf-8")
MAPPING, HOST = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def test_the_mapping_is_one() -> None:
    """It can be imported, and names every key of a metric."""
    file = decode_toml(MAPPING, MappingFile, "docs/sparkplug.md")
    assert file.nodes[0].metrics[0].scale == 0.001
    chapter = PAGE.split("\n## Taking it in\n", 1)[1]
    keys = re.findall(r"^\| `(\w+)` \|", chapter.split("| command |", 1)[0], re.MULTILINE)
    assert keys == list(MetricEntry.__struct_fields__)


def test_the_hosts_table_is_one() -> None:
    """It can stand in the file of a worker."""
    assert decode_toml(HOST.replace("[sparkplug]\n", ""), SparkplugSettings, "docs/sparkplug.md").groups == ("plant-1",)


def test_every_reason_is_explained() -> None:
    """Those that the code gives, and no other; first those for which the message is kept."""
    given = set[str]()
    for folder in ("energy/sparkplug", "ingest/receiving/sparkplug"):
        for path in (ROOT / folder).glob("*.py"):
            given |= set(re.findall(r'MessageError\(\s*"(\w+)"', path.read_text(encoding="utf-8")))
    chapter = PAGE.split("\n## What is not understood\n", 1)[1].split("\n## ", 1)[0]
    firsts = [line.split(" | ")[0] for line in chapter.splitlines() if line.startswith("| `")]
    told = [name for first in firsts for name in re.findall(r"`(\w+)`", first)]
    assert sorted(told) == sorted(given)
    assert set(told[: len(_KEPT)]) == _KEPT


def test_the_bounds_of_a_message_are_told() -> None:
    """In bytes and metrics."""
    assert f"{MOST_BYTES:,}".replace(",", " ") in PAGE
    assert f"{MOST_METRICS:,}".replace(",", " ") in PAGE
