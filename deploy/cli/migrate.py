"""`quotawatt migrate`."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--dsn", envvar="QUOTAWATT_DSN", show_envvar=True, required=True, help="postgresql://user@host:port/database"
)
def migrate(dsn: str) -> None:
    """Bring the database to this version's schema; safe to run twice, and by several at once."""
    from energy.storage.migrate import migrate as run  # noqa: PLC0415 - loads the drivers only when called

    run(dsn)
    click.echo("The schema is up to date.")
