"""The page on trying rules in both languages: its test file passes, and its fields are those that are read."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

from alerts.series.known import catalogue
from alerts.trying.cases import Case, Tried
from alerts.trying.notation import values_of
from alerts.trying.unit_tests import run_file
from deploy.cli import root
from tests.support.accounting_pages import code, tables_of
from tests.support.rule_pages import DOCS, both, same_but_for_words

BOTH = both("trying-rules")
CHAPTER = [
    *(DOCS / f"{name}{end}" for name in ("quotas", "rules", "alert-life", "trying-rules") for end in (".md", ".zh.md")),
    DOCS / "operating.md",
]
COMMANDS = sorted(
    {
        line
        for page in CHAPTER
        for line in re.findall(r"^\$ quotawatt ([^#\n]+?) *(?:#.*)?$", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
)


def test_both_pages_have_the_same_tables_and_figures() -> None:
    """What differs are words."""
    same_but_for_words("trying-rules")


@BOTH
def test_the_file_of_the_page_passes(page: Path, tmp_path: Path) -> None:
    """Beside the deployment's rules that it names."""
    (text,) = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "test.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "rules.toml").write_text((DOCS / "examples" / "rules.toml").read_text("utf-8"), encoding="utf-8")
    report = run_file(tmp_path / "test.yaml", catalogue())
    assert (report.tests, report.failures) == (1, ())


@BOTH
def test_notation_and_fields_are_those_that_are_read(page: Path) -> None:
    """Values come to what the page says, and each field is one."""
    notation, columns = tables_of(page)
    assert values_of("0+10x20")[-1] == 200
    assert values_of("7x3") == [7.0] * 4
    assert [values_of(one) for one in code(notation[0][1])]
    known = {*Tried.__struct_fields__, *Case.__struct_fields__}
    assert {one for row in notation[2:] for one in code(row[0])} < known
    assert len(columns) == 6


def test_every_command_of_the_chapter_is_one() -> None:
    """It is parsed as it stands, with all that it needs."""
    assert len(COMMANDS) >= 20
    for line in COMMANDS:
        command: click.Command = root
        left = shlex.split(line)
        while isinstance(command, click.Group):
            found = command.get_command(click.Context(command), left.pop(0))
            assert found is not None, line
            command = found
        assert command.make_context("command", left).params is not None, line
