"""Every command that works on a database takes it from the environment too, and says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner, Result

from deploy.cli import root


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands that have the option --dsn."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        elif command is not None and any("--dsn" in parameter.opts for parameter in command.params):
            yield (*path, name), command


@pytest.mark.parametrize("path", [pytest.param(path, id=" ".join(path)) for path, _ in commands(root)])
def test_help_names_the_variable(path: tuple[str, ...]) -> None:
    """So that nobody writes a password into a command line."""
    shown = CliRunner().invoke(root, [*path, "--help"], catch_exceptions=False, terminal_width=80).stdout
    assert "QUOTAWATT_DSN" in shown


@pytest.mark.parametrize(
    "arguments",
    [["migrate"], ["alerts", "list"], ["rejects", "list"], ["rejects", "replay", "--yes"]],
    ids=" ".join,
)
async def test_the_variable_is_enough(dsn: str, arguments: list[str]) -> None:
    """The command reaches the database of the environment; without either it says what is missing."""

    async def run(value: str | None) -> Result:
        runner = CliRunner(env={"QUOTAWATT_DSN": value})
        return await asyncio.to_thread(runner.invoke, root, arguments)

    done = await run(dsn)
    assert done.exit_code == 0, done.output
    missing = await run(None)
    assert missing.exit_code == 2
    assert "--dsn" in missing.stderr
