"""The page on simulated meters: its commands parse, its files load, its kinds of faults are the code's."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from collector.profiles import Library
from deploy.cli.simulate import meters
from energy.config import parse_document
from energy.recordings import decode_recording
from simulators.checks import cross_faults
from simulators.faults.kinds import OF_ANSWERS, OF_VALUES, PARAMETERS, FaultKind
from simulators.quick import collector_table, quick_line
from simulators.settings import SimulatorSettings

PAGE = (Path(__file__).parents[2] / "docs" / "simulated-meters.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


PRINTED, *FILES = blocks("toml")


@pytest.mark.parametrize("command", re.findall(r"^    quotawatt simulate meters (.*)$", PAGE, re.MULTILINE))
def test_a_command_of_the_page_is_understood(command: str) -> None:
    """The options exist, and take these values."""
    context = meters.make_context("meters", shlex.split(command))
    assert context.params["profiles"] or context.params["config"]


@pytest.mark.parametrize("text", FILES)
def test_a_file_of_the_page_has_no_fault(text: str) -> None:
    """It loads as it stands."""
    document = parse_document(text, "page")
    assert document.decode(SimulatorSettings, across=cross_faults(document.content, Path())).lines


def test_the_printed_table_is_the_one_that_the_command_prints() -> None:
    """To the letter."""
    line = quick_line(["eastron_sdm630", "acrel_dtsd1352"], port=1502)
    printed = collector_table(line, "127.0.0.1:1502", Library())
    assert f"# line: 127.0.0.1:1502\n{printed}" == PRINTED
    assert tomllib.loads(PRINTED)


@pytest.mark.parametrize(
    ("chapter", "kinds"), [("what the client sees", OF_ANSWERS), ("what the meter shows", OF_VALUES)]
)
def test_every_kind_of_fault_is_explained(chapter: str, kinds: frozenset[FaultKind]) -> None:
    """Each with its key, in the order of the code."""
    table = PAGE.split(f"| kind | key | {chapter} |\n", 1)[1].split("\n\n", 1)[0]
    rows = re.findall(r"^\| `([\w-]+)` \| (?:`(\w+)`|–) \|", table, re.MULTILINE)
    assert rows == [(kind.value, PARAMETERS.get(kind, "")) for kind in FaultKind if kind in kinds]


def test_the_recording_of_the_page_can_be_read() -> None:
    """Two exchanges: an answer and a silence."""
    (text,) = blocks("json")
    recording = decode_recording(text.encode().splitlines(), "page")
    assert [one.error for one in recording.exchanges] == [None, "silent"]
