"""Help texts of the command line."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from deploy.cli import root


def _groups(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Group]]:
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _groups(command, (*path, name))


def test_examples_keep_their_lines() -> None:
    """To be copied from the terminal."""
    shown = CliRunner().invoke(root, ["simulate", "meters", "--help"], terminal_width=80).stdout.splitlines()
    assert "    quotawatt simulate meters --profile eastron_sdm630 --faults random --seed 7" in shown
    assert [line for line in shown if "\\b" in line or "\b" in line] == []


@pytest.mark.parametrize("path", [pytest.param(path, id=" ".join(path) or "root") for path, _ in _groups(root)])
def test_no_summary_is_cut_off(path: tuple[str, ...]) -> None:
    """On a terminal of 80 columns every command of a group says what it does to the end."""
    shown = CliRunner().invoke(root, [*path, "--help"], catch_exceptions=False, terminal_width=80).stdout
    commands = shown.partition("Commands:")[2]
    assert commands
    assert [line for line in commands.splitlines() if line.endswith("...")] == []
