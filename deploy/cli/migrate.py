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

    applied = run(dsn)
    what = f"{applied} migration{'' if applied == 1 else 's'} applied" if applied else "nothing was to be done"
    click.echo(f"The schema is up to date: {what}.")
