"""`quotawatt rules`: check, try and show rules; no database is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.cli.terminal import in_language, saying, width

if TYPE_CHECKING:
    from alerts.rules.messages import Language
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
@in_language
def check(files: tuple[Path, ...], language: Language) -> None:
    """Check FILES of rules (TOML) beside the shipped ones.

    Every fault is listed with its line.
    """
    found = _rules(files)
    say = saying(language)
    click.echo(say(f"有效规则 {len(found)} 条，未发现问题", f"{len(found)} rules are in force, and all is well"))


@rules.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@in_language
def test(files: tuple[Path, ...], language: Language) -> None:
    """Run unit tests of rules, in the manner of promtool.

    FILES are YAML; docs/trying-rules.md describes them. The exit code is 1 where an expectation is not met.
    """
    from alerts.series.known import catalogue  # noqa: PLC0415 - loads numpy only when called
    from alerts.trying.unit_tests import run_file  # noqa: PLC0415 - likewise
    from deploy.cli.rules_text import failure_text, report_line  # noqa: PLC0415 - likewise

    reports = [run_file(path, catalogue()) for path in files]
    for report in reports:
        for failure in report.failures:
            click.echo(failure_text(report.source, failure, language))
        click.echo(report_line(report, language))
    if any(report.failures for report in reports):
        raise SystemExit(1)


@rules.command("list")
@_with
@click.option("--json", "as_json", is_flag=True, help="One JSON array, with all that a rule says.")
@in_language
def list_rules(files: tuple[Path, ...], language: Language, *, as_json: bool) -> None:
    """List the rules in force, by what they look at.

    FOR is how long the condition must last, EVERY the least time between two evaluations; - is at once, and whenever
    totals change.
    """
    import msgspec  # noqa: PLC0415 - loads only when called

    from deploy.cli.rules_text import list_lines  # noqa: PLC0415 - likewise

    found = _rules(files)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)))
        return
    click.echo("\n".join(list_lines(found, language, width())))


@rules.command()
@click.argument("code")
@_with
@in_language
def show(code: str, files: tuple[Path, ...], language: Language) -> None:
    """Show the rule CODE, and what its series mean."""
    from alerts.series.known import catalogue  # noqa: PLC0415 - loads numpy only when called
    from deploy.cli.rules_text import rule_text  # noqa: PLC0415 - likewise
    from energy.toml_words import unknown_value  # noqa: PLC0415 - likewise

    found = {rule.code: rule for rule in _rules(files)}
    if code not in found:
        raise click.BadParameter(f"no rule: {unknown_value(code, found)}")
    click.echo(rule_text(found[code], catalogue(), language))


@rules.command()
@click.argument("subject", type=click.Choice(["quota", "unit", "meter"]), required=False)
@in_language
def series(subject: str | None, language: Language) -> None:
    """List the series that rules may name, or SUBJECT's."""
    from alerts.series.known import catalogue  # noqa: PLC0415 - loads numpy only when called
    from deploy.cli.rules_text import series_text  # noqa: PLC0415 - likewise

    click.echo(series_text(catalogue(), subject, language))


def _rules(files: tuple[Path, ...]) -> tuple[Rule, ...]:
    from alerts.rules.files import load_rules  # noqa: PLC0415 - loads numpy only when called
    from alerts.series.known import catalogue  # noqa: PLC0415 - likewise

    return load_rules(files, catalogue())
