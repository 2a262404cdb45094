"""`quotawatt rules`: check, try and show rules; no database is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from alerts.rules.model import Rule

_files = click.argument("files", nargs=-1, type=click.Path(path_type=Path))
_with = click.option(
    "--rules", "-r", "files", multiple=True, type=click.Path(path_type=Path), help="A deployment's own file of rules."
)


@click.group()
def rules() -> None:
    """Check, try and show rules."""


@rules.command()
@_files
def check(files: tuple[Path, ...]) -> None:
    """Check FILES of rules (TOML) beside the shipped ones.

    Every fault is listed with its line.
    """
    found = _rules(files)
    click.echo(f"{len(found)} rules are in force, and all is well")


@rules.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def test(files: tuple[Path, ...]) -> None:
    """Run unit tests of rules, in the manner of promtool.

    FILES are YAML; docs/trying-rules.md describes them. The exit code is 1 where an expectation is not met.
    """
    from alerts.series.known import catalogue  # noqa: PLC0415 - loads numpy only when called
    from alerts.trying.unit_tests import run_file  # noqa: PLC0415 - likewise
    from deploy.cli.rules_text import failure_text  # noqa: PLC0415 - likewise

    reports = [run_file(path, catalogue()) for path in files]
    for report in reports:
        for failure in report.failures:
            click.echo(failure_text(report.source, failure))
        click.echo(f"{report.source}: {report.tests} tests, {len(report.failures)} expectations not met")
    if any(report.failures for report in reports):
        raise SystemExit(1)


@rules.command("list")
@_with
def list_rules(files: tuple[Path, ...]) -> None:
    """List the rules in force: shipped ones, and files'."""
    from deploy.cli.rules_text import list_text  # noqa: PLC0415 - loads only when called

    click.echo(list_text(_rules(files)))


@rules.command()
@click.argument("code")
@_with
def show(code: str, files: tuple[Path, ...]) -> None:
    """Show the rule CODE, and what its series mean."""
    from alerts.series.known import catalogue  # noqa: PLC0415 - loads numpy only when called
    from deploy.cli.rules_text import rule_text  # noqa: PLC0415 - likewise

    found = {rule.code: rule for rule in _rules(files)}
    if code not in found:
        raise click.BadParameter(f"there is no rule {code!r}; there are {', '.join(found)}")
    click.echo(rule_text(found[code], catalogue()))


@rules.command()
@click.argument("subject", type=click.Choice(["quota", "unit", "meter"]), required=False)
def series(subject: str | None) -> None:
    """List the series that rules may name, or SUBJECT's."""
    from alerts.series.known import catalogue  # noqa: PLC0415 - loads numpy only when called
    from deploy.cli.rules_text import series_text  # noqa: PLC0415 - likewise

    click.echo(series_text(catalogue(), subject))


def _rules(files: tuple[Path, ...]) -> tuple[Rule, ...]:
    from alerts.rules.files import load_rules  # noqa: PLC0415 - loads numpy only when called
    from alerts.series.known import catalogue  # noqa: PLC0415 - likewise

    return load_rules(files, catalogue())
