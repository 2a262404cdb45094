"""`quotawatt alerts`: judge quotas, and list what is flagged."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from energy.storage import StorageSettings


@click.group()
def alerts() -> None:
    """Judge quotas and keep the state of every alert."""


@alerts.command()
@click.argument("config", type=click.Path(path_type=Path))
def run(config: Path) -> None:
    """Run the service that CONFIG describes until it is told to stop."""
    from alerts.service import run as run_service  # noqa: PLC0415 - loads the drivers only when called
    from alerts.settings import AlertsSettings  # noqa: PLC0415 - likewise
    from energy.config import load_toml  # noqa: PLC0415 - likewise
    from energy.services import run_main  # noqa: PLC0415 - likewise

    settings = load_toml(config, AlertsSettings)
    run_main(lambda: run_service(settings))


@alerts.command("list")
@click.option("--config", "-c", type=click.Path(path_type=Path), help="Take the database from this service's file.")
@click.option("--dsn", envvar="QUOTAWATT_DSN", show_envvar=True, help="postgresql://user@host:port/database")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, with the evidence of each.")
def list_flagged(config: Path | None, dsn: str | None, *, as_json: bool) -> None:
    """List the quotas whose alert is firing, gravest first."""
    import msgspec  # noqa: PLC0415 - loads only when called

    rows = asyncio.run(_flagged(_database(config, dsn)))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode([_with_evidence(row) for row in rows])))
        return
    for row in rows:
        click.echo(
            f"{row['severity']:<9} {row['reason']:<10} {row['unit']:<20} {row['quota']:<24} {row['period_start']}"
            f"  {row['used']:.1f} of {row['limit']:.1f} {row['limit_unit']}, pace {row['pace'] or 0:.2f}"
        )
    click.echo(f"{len(rows)} flagged")


def _database(config: Path | None, dsn: str | None) -> StorageSettings:
    from alerts.settings import AlertsSettings  # noqa: PLC0415 - loads only when called
    from energy.config import load_toml  # noqa: PLC0415 - likewise
    from energy.storage import StorageSettings  # noqa: PLC0415 - likewise

    if config is not None:
        return load_toml(config, AlertsSettings).database
    if not dsn:
        raise click.UsageError("give --config or --dsn")
    return StorageSettings(dsn)


async def _flagged(database: StorageSettings) -> list[dict[str, Any]]:
    from alerts.store import read_flagged  # noqa: PLC0415 - loads the drivers only when called
    from energy.storage import connect  # noqa: PLC0415 - likewise

    async with connect(database) as connection:
        return await read_flagged(connection)


def _with_evidence(row: dict[str, Any]) -> dict[str, Any]:
    import msgspec  # noqa: PLC0415 - loads only when called

    return row | {"evidence": msgspec.Raw(row["evidence"].encode())}
