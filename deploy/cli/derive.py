"""`quotawatt derive`: derive once more what was derived, or hold it against what it must be."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ingest.accounting.rebuilding.rebuild import Rebuilt
    from ingest.accounting.settings import AccountingSettings


class _Moment(click.ParamType[datetime]):
    """A date or a date and time, ISO 8601; UTC where it names no zone."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time such as 2026-03-01 or 2026-03-01T08:00+08:00", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.group()
def derive() -> None:
    """Derive anew what was derived, or check it."""


@derive.command()
@click.option("--config", "-c", type=click.Path(path_type=Path), help="Take database and rules from accounting's file.")
@click.option(
    "--dsn", envvar="QUOTAWATT_DSN", show_envvar=True, help="postgresql://user@host:port/database, with default rules"
)
@click.option("--from", "since", type=_Moment(), metavar="TIME", help="From this time on.  [default: all]")
@click.option("--to", "until", type=_Moment(), metavar="TIME", help="Up to this time.  [default: all]")
@click.option("--unit", "units", metavar="CODE", multiple=True, help="Only this unit; may be given several times.")
@click.option("--point", "points", metavar="CODE", multiple=True, help="Only this point; likewise.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=lambda: min(os.cpu_count() or 1, 8),
    show_default="one per core, at most 8",
    help="Processes; each takes units of its own.",
)
@click.option("--check", is_flag=True, help="Change nothing; say what differs, and exit with 1 if anything does.")
def rebuild(  # noqa: PLR0913 - one for each option
    config: Path | None,
    dsn: str | None,
    *,
    since: datetime | None,
    until: datetime | None,
    units: tuple[str, ...],
    points: tuple[str, ...],
    workers: int,
    check: bool,
) -> None:
    """Derive from readings once more, or check what is there.

    Quarter hours, totals and rollups. What is right already is left alone; so is what follows from readings that upkeep
    has dropped. It may run beside workers, and be cut off and run again at any time. The rules must be those of the
    workers: with --config they are.
    """
    from ingest.accounting.deriving.rules import Rules  # noqa: PLC0415 - likewise
    from ingest.accounting.rebuilding.run import Wanted, run, waiting  # noqa: PLC0415 - loaded when called
    from ingest.accounting.validation.loading import load_checks  # noqa: PLC0415 - likewise

    if since is not None and until is not None and since >= until:
        raise click.UsageError("--from must lie before --to")
    settings = _settings(config, dsn)
    rules = Rules(gap_intervals=settings.step.gap_intervals, estimation=settings.estimation)
    wanted = Wanted(units, points, since, until, check)
    checks = load_checks(settings.rollups.checks)
    found = asyncio.run(run(settings.database, wanted, rules, checks, workers=workers))
    click.echo(f"{found.readings} readings, {found.intervals} quarter hours")
    if not found.differing:
        click.echo("nothing differs" if check else "nothing had to be changed")
        return
    _tell(found, check=check)
    if check:
        if count := asyncio.run(waiting(settings.database)):
            click.echo(f"{count} batches wait to be derived: what differs may be theirs")
        sys.exit(1)


def _settings(config: Path | None, dsn: str | None) -> AccountingSettings:
    from energy.config import load_toml  # noqa: PLC0415 - loaded when called
    from energy.storage import StorageSettings  # noqa: PLC0415 - likewise
    from ingest.accounting.settings import AccountingSettings  # noqa: PLC0415 - likewise

    if config is not None:
        return load_toml(config, AccountingSettings)
    if not dsn:
        raise click.UsageError("give --config or --dsn, or set QUOTAWATT_DSN")
    return AccountingSettings(StorageSettings(dsn))


def _tell(found: Rebuilt, *, check: bool) -> None:
    for relation, count in found.differing.items():
        click.echo(f"{relation}: {count} {'row differs' if count == 1 else 'rows differ'}")
    for point, since, until in found.examples:
        first, last = (datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="minutes") for at in (since, until))
        click.echo(f"  point {point}, {first} to {last}")
    if not check:
        click.echo("all of them are right now")
