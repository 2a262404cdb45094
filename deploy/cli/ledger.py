"""`quotawatt ledger`: what became of every envelope, and how complete the readings are."""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.cli.database import on_database, place_of
from deploy.cli.terminal import width

if TYPE_CHECKING:
    from ingest.ledger.account import Chosen

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--gateway", metavar="CODE", help="Of this gateway only.")
@click.option("--from", "first", type=_DAY, metavar="DAY", help="From this day.  [default: yesterday, or --to]")
@click.option("--to", "last", type=_DAY, metavar="DAY", help="To this day, included.  [default: today]")
@click.option("--day", type=_DAY, metavar="DAY", help="This day only.")
@click.option("--completeness", is_flag=True, help="Count the readings that were due and came, by gateway.")
@click.option("--points", is_flag=True, help="The same by point.")
@click.option(
    "--check",
    is_flag=True,
    help="End with exit code 1 if an envelope is missing, or with --completeness a point less than 90 % complete.",
)
@click.option("--json", "form", flag_value="json", help="One JSON object.")
@click.option("--csv", "form", flag_value="csv", help="The table as CSV; with --points that of the points.")
@click.option("--config", "-c", type=click.Path(path_type=Path), help="Take database and clock from a worker's file.")
@click.option("--dsn", envvar="QUOTAWATT_DSN", show_envvar=True, help="postgresql://user@host:port/database")
def ledger(  # noqa: PLR0913, PLR0917 - one for each option
    gateway: str | None,
    first: datetime | None,
    last: datetime | None,
    day: datetime | None,
    config: Path | None,
    dsn: str | None,
    form: str | None,
    *,
    completeness: bool,
    points: bool,
    check: bool,
) -> None:
    """Show what became of every envelope.

    For each gateway and day (of its unit's zone) on which their numbers were first heard of: expected = stored +
    refused + dropped by the sender + to come + missing. DIFF is what that leaves over, and always 0. To come is what
    the gateway still keeps; missing is what neither it nor the platform has. The numbers are named below. READINGS and
    REJECTED (of them) go by the day on which their envelope was committed.

    Of a stream in more than a thousand pieces the lower numbers are counted, and neither named nor followed any more.
    Stream others stands for all streams of a gateway beyond 24 new ones a day: only what came of them is counted.

    Completeness goes by the time of measurement: of the intervals of a point's day, those in which there is a reading
    with a value, however late it came. Today is judged up to now.
    """
    from deploy.cli import ledger_text as text  # noqa: PLC0415 - loaded when called
    from energy.clocks import DataClock  # noqa: PLC0415 - likewise
    from energy.periods import local_day  # noqa: PLC0415 - likewise
    from ingest.ledger.account import read_account  # noqa: PLC0415 - likewise

    place = place_of(config, dsn)
    now = DataClock(place.clock).now()
    chosen = _chosen(gateway, first, last, day, local_day(now))
    account = on_database(
        place.database, lambda connection: read_account(connection, chosen, now, points=completeness or points)
    )
    match form:
        case "json":
            click.echo(text.as_json(account))
        case "csv":
            click.echo(text.as_csv(account.points if points else account.lines), nl=False)
        case _:
            click.echo("\n".join(text.lines(account, width(), points=points)))
    if check and not account.sound:
        sys.exit(1)


def _chosen(
    gateway: str | None, first: datetime | None, last: datetime | None, day: datetime | None, today: date
) -> Chosen:
    from ingest.ledger.account import Chosen  # noqa: PLC0415 - loaded when called

    if day is not None:
        if first or last:
            raise click.UsageError("give --day, or --from and --to")
        return Chosen(gateway, day.date(), day.date())
    until = last.date() if last else today
    since = first.date() if first else until - timedelta(days=0 if last else 1)
    if since > until:
        raise click.UsageError(f"--from {since} is after --to {until}")
    return Chosen(gateway, since, until)
