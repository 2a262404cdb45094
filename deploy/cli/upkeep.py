"""`quotawatt upkeep`: what an ingest worker does now and then for its storage, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.cli.database import on_database, place_of

if TYPE_CHECKING:
    from energy.storage import Connection


@click.group()
def upkeep() -> None:
    """Chunk intervals, retention and columnstore of the storage."""


@upkeep.command()
@click.argument("config", type=click.Path(path_type=Path))
def run(config: Path) -> None:
    """Do one round with the settings of CONFIG (TOML).

    CONFIG is the file of an ingest worker, which does the same by itself now and then. What is dropped is gone, so that
    this takes no defaults: how long readings are kept stands in that file.
    """
    from energy.clocks import DataClock  # noqa: PLC0415 - loaded when called
    from ingest.upkeep.report import line_of  # noqa: PLC0415 - likewise
    from ingest.upkeep.steps import run_round  # noqa: PLC0415 - likewise

    place = place_of(config, None)
    now, real_time = DataClock(place.clock).now(), place.clock.origin is None
    made = on_database(place.database, lambda connection: run_round(connection, now, place.upkeep, real_time=real_time))
    for one in made.done:
        click.echo(line_of(one))
    if made.held_back:
        click.echo("readings whose time is over are kept: accounting has not derived all of them")
    if made.standby:
        click.echo("another upkeep is at work: the rest is left to it")
    elif not made.done:
        click.echo("nothing was due")


@upkeep.command()
@click.option(
    "--config", "-c", type=click.Path(path_type=Path), help="Take database and settings from a worker's file."
)
@click.option(
    "--dsn",
    envvar="QUOTAWATT_DSN",
    show_envvar=True,
    help="postgresql://user@host:port/database, with default settings",
)
@click.option("--last", type=click.IntRange(min=0), default=20, show_default=True, help="So many of the things done.")
def show(config: Path | None, dsn: str | None, last: int) -> None:
    """Show edition, chunks, and what was done; changes nothing."""
    from energy.clocks import DataClock  # noqa: PLC0415 - loaded when called
    from ingest.upkeep.report import tell  # noqa: PLC0415 - likewise

    place = place_of(config, dsn)

    async def shown(connection: Connection) -> None:
        async for line in tell(connection, DataClock(place.clock).now(), place.upkeep, last=last):
            click.echo(line)

    on_database(place.database, shown)
