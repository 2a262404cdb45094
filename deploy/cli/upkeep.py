"""`quotawatt upkeep`: what an ingest worker does now and then for its storage, by hand."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from energy.clocks import ClockSettings
    from energy.storage import StorageSettings
    from ingest.upkeep.settings import UpkeepSettings
    from ingest.upkeep.steps import Round


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
    from energy.config import load_toml  # noqa: PLC0415 - loaded when called
    from ingest.settings import IngestSettings  # noqa: PLC0415 - likewise
    from ingest.upkeep.report import line_of  # noqa: PLC0415 - likewise

    settings = load_toml(config, IngestSettings)
    made = asyncio.run(_round(settings.database, settings.clock, settings.upkeep))
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
    from energy.clocks import ClockSettings  # noqa: PLC0415 - loaded when called
    from energy.config import load_toml  # noqa: PLC0415 - likewise
    from energy.storage import StorageSettings  # noqa: PLC0415 - likewise
    from ingest.settings import IngestSettings  # noqa: PLC0415 - likewise
    from ingest.upkeep.settings import UpkeepSettings  # noqa: PLC0415 - likewise

    if config is not None:
        settings = load_toml(config, IngestSettings)
        asyncio.run(_show(settings.database, settings.clock, settings.upkeep, last))
    elif dsn:
        asyncio.run(_show(StorageSettings(dsn), ClockSettings(), UpkeepSettings(), last))
    else:
        raise click.UsageError("give --config or --dsn, or set QUOTAWATT_DSN")


async def _round(database: StorageSettings, clock: ClockSettings, settings: UpkeepSettings) -> Round:
    from energy.clocks import DataClock  # noqa: PLC0415 - loaded when called
    from energy.storage import check_schema, connect  # noqa: PLC0415 - likewise
    from ingest.upkeep.steps import run_round  # noqa: PLC0415 - likewise

    async with connect(database) as connection:
        await check_schema(connection)
        return await run_round(connection, DataClock(clock).now(), settings, real_time=clock.origin is None)


async def _show(database: StorageSettings, clock: ClockSettings, settings: UpkeepSettings, last: int) -> None:
    from energy.clocks import DataClock  # noqa: PLC0415 - loaded when called
    from energy.storage import check_schema, connect  # noqa: PLC0415 - likewise
    from ingest.upkeep.report import tell  # noqa: PLC0415 - likewise

    async with connect(database) as connection:
        await check_schema(connection)
        async for line in tell(connection, DataClock(clock).now(), settings, last=last):
            click.echo(line)
