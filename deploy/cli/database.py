"""What commands that look into ingest's database share: where it is, and a connection to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from energy.clocks import ClockSettings
    from energy.storage import Connection, StorageSettings
    from ingest.checking.settings import CheckSettings
    from ingest.upkeep.settings import UpkeepSettings

F = TypeVar("F", bound=Callable[..., None])
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Which database, and by which clock and rules."""

    database: StorageSettings
    clock: ClockSettings
    checks: CheckSettings
    upkeep: UpkeepSettings


def place_of(config: Path | None, dsn: str | None) -> Place:
    """What a worker's file says, or the defaults on the database `dsn`.

    Raises:
        UsageError: neither is given.
    """
    from energy.clocks import ClockSettings  # noqa: PLC0415 - loaded when called
    from energy.config import load_toml  # noqa: PLC0415 - likewise
    from energy.storage import StorageSettings  # noqa: PLC0415 - likewise
    from ingest.checking.settings import CheckSettings  # noqa: PLC0415 - likewise
    from ingest.settings import IngestSettings  # noqa: PLC0415 - likewise
    from ingest.upkeep.settings import UpkeepSettings  # noqa: PLC0415 - likewise

    if config is not None:
        settings = load_toml(config, IngestSettings)
        return Place(settings.database, settings.clock, settings.checks, settings.upkeep)
    if not dsn:
        raise click.UsageError("give --config or --dsn, or set QUOTAWATT_DSN")
    return Place(StorageSettings(dsn), ClockSettings(), CheckSettings(), UpkeepSettings())


def on_database(database: StorageSettings, step: Callable[[Connection], Awaitable[T]]) -> T:
    """What `step` finds on a connection to the database, whose schema is checked first."""
    from energy.storage import check_schema, connect  # noqa: PLC0415 - loads the drivers only when called

    async def run() -> T:
        async with connect(database) as connection:
            await check_schema(connection)
            return await step(connection)

    return asyncio.run(run())


def content_of(file: Path) -> bytes:
    """The bytes of a file that a person names.

    Raises:
        SetupError: it cannot be read.
    """
    from energy.errors import SetupError  # noqa: PLC0415 - loaded when called

    try:
        return file.read_bytes()
    except OSError as error:
        raise SetupError(f"{file} cannot be read: {error.strerror or error}") from error


def where(command: F) -> F:
    """The options that say which database."""
    for option in (
        click.option("--dsn", envvar="QUOTAWATT_DSN", show_envvar=True, help="postgresql://user@host:port/database"),
        click.option(
            "--config", "-c", type=click.Path(path_type=Path), help="Take database and clock from ingest's file."
        ),
    ):
        command = option(command)
    return command
