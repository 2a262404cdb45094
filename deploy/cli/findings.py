"""`quotawatt findings`: what checks found in derived consumption, and by which rules."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from deploy.cli.database import on_database, place_of
from deploy.cli.terminal import width


def _day(text: str) -> date:
    """A calendar day, ISO 8601."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no day such as 2026-03-01") from None


@click.group()
def findings() -> None:
    """Show what checks found in derived consumption."""


@findings.command("list")
@click.option(
    "--config", "-c", type=click.Path(path_type=Path), help="Take the database from the file of an ingest worker."
)
@click.option("--dsn", envvar="QUOTAWATT_DSN", show_envvar=True, help="postgresql://user@host:port/database")
@click.option("--unit", metavar="CODE", help="Of this unit.")
@click.option("--point", metavar="CODE", help="Of this point.")
@click.option("--check", metavar="NAME", help="Of this check, such as spike.")
@click.option("--severity", type=click.Choice(["warning", "failure"]), help="Only those so grave.")
@click.option("--since", type=_day, metavar="DAY", help="Of this local day or a later one (ISO 8601).")
@click.option("--until", type=_day, metavar="DAY", help="Of this local day or an earlier one.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many lines.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def list_findings(config: Path | None, dsn: str | None, *, limit: int, as_json: bool, **chosen: Any) -> None:
    """Show findings, those of the latest days first.

    Days and times are those of the unit's zone. A failure makes what it covers suspect on boards and in totals; a
    warning asks to look. A finding goes away when its cause does, or when somebody accepts it (quotawatt edits).
    """
    import msgspec  # noqa: PLC0415 - loaded when called

    from deploy.cli.findings_text import finding_lines  # noqa: PLC0415 - likewise
    from ingest.accounting.validation.find import Chosen, each  # noqa: PLC0415 - likewise
    from ingest.accounting.validation.parameters import CHECKS  # noqa: PLC0415 - likewise

    if chosen["check"] is not None and chosen["check"] not in CHECKS:
        raise click.BadParameter(f"{chosen['check']!r} is none of {', '.join(CHECKS)}", param_hint="--check")
    which = Chosen(**chosen)
    found = on_database(place_of(config, dsn).database, lambda connection: each(connection, which, limit + 1))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found[:limit])))
        return
    if not found:
        click.echo("Nothing was found, as far as it is asked for.")
        return
    click.echo("\n".join(finding_lines(found[:limit], width())))
    if len(found) > limit:
        click.echo(f"... and more: --limit {limit} was reached")


@findings.command("check-config")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--dsn", envvar="QUOTAWATT_DSN", show_envvar=True, help="Also look for points whose class has no rules.")
def check_config(file: Path | None, dsn: str | None) -> None:
    """Check a file of rules, and show what then holds.

    FILE is what [rollups] checks names; without one the shipped rules are shown. Every fault is told with its line.
    """
    from deploy.cli.findings_text import class_lines, rule_lines  # noqa: PLC0415 - loaded when called
    from ingest.accounting.validation.find import named_classes  # noqa: PLC0415 - likewise
    from ingest.accounting.validation.loading import load_checks  # noqa: PLC0415 - likewise

    checks = load_checks(file)
    click.echo("\n".join(rule_lines(checks)))
    if dsn:
        named = on_database(place_of(None, dsn).database, named_classes)
        for line in class_lines(named, checks):
            click.echo(line)
